"""Tables for the figures of trials, with hostile names."""

from __future__ import annotations

import polars as pl

from . import tables


def flow_boxes() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "node": ["a", "b", "c", "d"],
            "kind": ["screen", "decide", "treat", "stop"],
            "title": ["Screened " + tables.VERY_LONG, tables.HOSTILE[0], "Treated", "End"],
            "observed": [1317, None, 3, None],
            "layer": [0, 1, 2, 3],
            "place": [0.5, 0.5, 0.25, 0.5],
        }
    )


def flow_arrows() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "source": ["a", "b", "b", "c"],
            "target": ["b", "c", "d", "d"],
            "label": ["", tables.VERY_LONG, tables.HOSTILE[0], ""],
            "places": [[0.5, 0.5], [0.5, 0.25], [0.5, 0.75, 0.5], [0.25, 0.5]],
        }
    )


def power_rows() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "x": [0.6, 0.8, 0.6, 0.8],
            "series": ["base", "base", tables.VERY_LONG, tables.VERY_LONG],
            "power": [0.93, 0.41, 1.0, 0.0],
            "mcse": [0.01, 0.02, 0.0, 0.0],
            "expected": [0.92, 0.42, None, None],
        }
    )


def look_rows() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "series": ["base", "base", tables.VERY_LONG, tables.VERY_LONG],
            "look": [1, 2, 1, 2],
            "events": [60.0, 120.0, 58.0, 119.0],
            "mean_z": [1.4, 2.0, 0.1, -0.1],
            "sd_z": [1.0, 1.0, 1.1, None],
            "upper_z": [2.96, 1.97, 2.96, 1.97],
            "lower_z": [0.1, None, 0.1, None],
        }
    )


def outcome_rows() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "series": ["base"] * 5 + [tables.VERY_LONG] * 3,
            "look": [1, 1, 2, 2, 2, 1, 1, 2],
            "outcome": [*["benefit", "futility"] * 2, "none", "benefit", "harm", "none"],
            "share": [0.3, 0.1, 0.3, 0.1, 0.2, 0.0, 0.004, 0.996],
            "expected": [0.31, 0.1, 0.29, 0.1, 0.2, None, None, None],
        }
    )


def years() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "year": [1869, 2004, 2004],
            "label": ["First", tables.VERY_LONG, tables.HOSTILE[0]],
            "kind": ["blood", tables.VERY_LONG, tables.HOSTILE[0]],
        }
    )


def bars() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "panel": ["Cells", "Cells", tables.VERY_LONG],
            "label": ["CTC", tables.VERY_LONG, tables.HOSTILE[0]],
            "kind": ["a", tables.VERY_LONG, "a"],
            "n": [53, 5, 0],
        }
    )


def countries() -> pl.DataFrame:
    return pl.DataFrame(
        {"code": ["DE", "US", "XX"], "label": ["Germany", tables.HOSTILE[0], "Atlantis"],
         "n": [6, 24, 1]}
    )  # fmt: skip
