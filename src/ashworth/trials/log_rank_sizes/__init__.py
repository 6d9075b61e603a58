"""Sizes of log-rank tests: events, patients, power; superiority and non-inferiority.

Public names are given by `ashworth.trials`.
"""
