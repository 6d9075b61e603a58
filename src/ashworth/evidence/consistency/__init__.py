"""Checks of printed numbers: what holds, what holds only if ..., what cannot hold.

Chosen by which fields a statistic has, never by who printed it.
"""
