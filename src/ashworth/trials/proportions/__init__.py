"""Proportions: exact and approximate tests, their power and sizes; single-arm designs.

Public names are given by `ashworth.trials`.
"""
