"""Rows of effects, read and put on the scale on which they are pooled."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ashworth.errors import EstimationError
from ashworth.evidence.base.effects import RATIOS, Effects
from ashworth.evidence.pooling.effect_sizes import ratios_from_intervals
from ashworth.evidence.pooling.scales import on_other_scale
from ashworth.survival.inputs import Faults, numbers
from ashworth.survival.results import normal_quantile


def rows_of(effects: Any) -> list[dict[str, Any]]:
    """Rows of an `Effects` answer or of a table, each with its study."""
    if isinstance(effects, Mapping):
        import polars as pl

        effects = pl.DataFrame(effects)
    if isinstance(effects, Effects):
        rows = effects.table().to_dicts()
        for row, found in zip(rows, effects.found, strict=True):
            row["risk_of_bias"] = "judged" if found.study.quips is not None else None
            row["study_kind"] = found.study.study_kind
        return rows
    if hasattr(effects, "to_dicts"):
        rows = effects.to_dicts()
    elif hasattr(effects, "to_dict"):
        rows = effects.to_dict(orient="records")
    elif isinstance(effects, Sequence) and all(isinstance(row, Mapping) for row in effects):
        rows = [dict(row) for row in effects]
    else:
        raise EstimationError(
            f"pool_effects: effects is {type(effects).__name__}; allowed: what find gave, a data "
            "frame, a mapping of columns, or a list of mappings"
        )
    faults = Faults("pool_effects")
    for name in ("study", "estimate"):
        if rows and not all(name in row for row in rows):
            faults.note(name, "no such column", "study, estimate, and lower, upper, level or "
                        "standard_error", "name the columns so")  # fmt: skip
    faults.stop()
    remedy = "name each row's study"
    nameless = np.array([row["study"] in (None, "") for row in rows], dtype=bool)
    faults.rows(nameless, "study", "missing names", "a name", remedy)
    faults.stop()
    return rows


def missing(value: Any) -> bool:
    """Whether a cell holds nothing."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def scale_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """Scale of the analysis: "ratio" where rows are ratios on the natural scale."""
    kinds = {
        "ratio" if row.get("scale") == "ratio" or row.get("measure") in RATIOS else "number"
        for row in rows
    }
    if len(kinds) > 1:
        raise EstimationError(
            "pool_effects: ratios and other numbers together; choose one measure, such as "
            "measure='hazard_ratio'"
        )
    return next(iter(kinds), "number")


def usable(
    rows: Sequence[dict[str, Any]],
) -> tuple[list[dict[str, Any]], tuple[tuple[str, str], ...]]:
    """Split the rows: those with estimate and limits or standard error, and the others."""
    kept, out = [], []
    for row in rows:
        name = f"{row['study']}/{row['statistic']}" if row.get("statistic") else str(row["study"])
        limits = not any(missing(row.get(c)) for c in ("lower", "upper"))
        if missing(row.get("estimate")):
            out.append((name, "no estimate is printed"))
        elif not limits and missing(row.get("standard_error")):
            out.append((name, "neither limits nor standard error are printed"))
        elif limits and missing(row.get("standard_error")) and missing(row.get("level")):
            out.append((name, "the level of the limits is not known"))
        else:
            kept.append(dict(row))
    return kept, tuple(out)


def on_scale(rows: list[dict[str, Any]], scale: str) -> list[dict[str, Any]]:
    """Put estimate and standard error on the scale of the analysis."""
    limits = [not any(missing(row.get(c)) for c in ("lower", "upper", "level")) for row in rows]
    printed = [row for row, has in zip(rows, limits, strict=True) if has]
    if scale == "ratio" and printed:
        columns = ([row[c] for row in printed] for c in ("estimate", "lower", "upper"))
        sizes = ratios_from_intervals(*columns, level=[row["level"] for row in printed])
        _check_scale(printed, ratio=True)
        for row, s in zip(printed, sizes.standard_error.tolist(), strict=True):
            row["standard_error"] = s
    elif printed:
        _check_limits(printed)
        for row in printed:
            width = 2.0 * normal_quantile(row["level"])
            row["standard_error"] = (row["upper"] - row["lower"]) / width
    if scale == "ratio":
        faults = Faults("pool_effects")
        values = numbers([row["estimate"] for row in rows], "estimate", faults)
        faults.rows(~(values > 0.0), "estimate", "ratios of 0 or less", "above 0",
                    "leave scale and measure empty for logarithms")  # fmt: skip
        faults.stop()
        for row in rows:
            row["estimate"] = math.log(row["estimate"])
    return rows


def _check_limits(rows: Sequence[Mapping[str, Any]]) -> None:
    faults = Faults("pool_effects")
    y, low, high, level = (
        numbers([row[c] for row in rows], c, faults)
        for c in ("estimate", "lower", "upper", "level")
    )
    faults.rows(low >= high, "lower", "limits swapped or equal", "lower below upper", "swap them")
    outside = (low < high) & ((y < low) | (y > high))
    faults.rows(outside, "estimate", "an interval without its estimate", "within the limits",
                "look at the paper again")  # fmt: skip
    faults.rows(~((level > 0) & (level < 1)), "level", "not between 0 and 1", "such as 0.95",
                "a share, not per cent")  # fmt: skip
    faults.stop()
    if (low > 0.0).all() and y.size > 1:
        natural = np.abs((high - y) - (y - low)) / (high - low)
        logged = np.abs(np.log(high / y) - np.log(y / low)) / np.log(high / low)
        if float(natural.sum()) > 0.05 * y.size and float(logged.sum()) < natural.sum() / 3.0:
            raise EstimationError(
                "pool_effects: all limits are positive and lie evenly around their estimates on "
                "the log scale, not on their own: these are ratios; give a column scale with "
                "'ratio', or standard errors instead of limits if they are not"
            )
    _check_scale(rows, ratio=False)


def _check_scale(rows: Sequence[Mapping[str, Any]], *, ratio: bool) -> None:
    """Refuse logarithms among ratios, and ratios among other numbers."""
    columns = (np.array([row[c] for row in rows], float) for c in ("estimate", "lower", "upper"))
    bad = on_other_scale(*columns, ratio=ratio)
    said, other = "a ratio", "a logarithm or a difference"
    said, other = (said, other) if ratio else (other, said)
    faults = Faults("pool_effects")
    for row in (row for row, apart in zip(rows, bad, strict=True) if apart):
        faults.note(
            "estimate", f"{row['study']}: {row['estimate']:g} ({row['lower']:g} to "
            f"{row['upper']:g}), limits even around the estimate as those of {other}",
            f"limits as those of {said}, as the table says",
            "put all rows on one scale; if the limits are right, give the standard error instead",
        )  # fmt: skip
    faults.stop()
