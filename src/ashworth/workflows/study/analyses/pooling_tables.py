"""Tables of the analysis over centres, as they are written and as they are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ashworth.definitions import Endpoint
from ashworth.evidence import CentreInteraction, LeaveOneOut
from ashworth.workflows.study.coding import Coding

if TYPE_CHECKING:
    from ashworth.workflows.study.analyses.pooling import Fits

TEST: Literal["hksj_conservative"] = "hksj_conservative"
HETEROGENEITY = (
    "tau2", "tau2_lower", "tau2_upper", "i2_from_tau2_percent", "prediction_lower",
    "prediction_upper",
)  # fmt: skip
_EFFECT = ("hazard_ratio", "lower", "upper", "p_value")


def model_rows(endpoint: Endpoint, fits: Fits, level: float) -> pl.DataFrame:
    """One row per way of pooling: two stages, one stage, frailty."""
    rows: list[dict[str, Any]] = []
    if fits.two is not None:
        rows.append({"pooling": "two stages"} | _first(fits.two.table()))
    centres = fits.one.centre_table()
    informative = int((centres["informative"]).sum())
    one = _first(fits.one.table(level)) | {"k": informative}
    rows.append({"pooling": "one stage, stratified"} | one)
    if fits.frailty is not None:
        frailty = _first(fits.frailty.table()) | {"k": len(fits.frailty.groups)}
        rows.append({"pooling": "one stage, gamma frailty"} | frailty)
    names = ("pooling", "k", "n", "events", *_EFFECT, *HETEROGENEITY)
    kept = [{n: row.get(n, np.nan) for n in names} for row in rows]
    frame = pl.DataFrame(kept, infer_schema_length=None)
    head = (pl.lit(endpoint.id).alias("endpoint"), pl.lit(fits.title).alias("model"))
    floats = pl.col(*_EFFECT, *HETEROGENEITY).cast(pl.Float64).fill_nan(None)
    return frame.select(*head, "pooling", "k", "n", "events", floats)


def _first(table: pl.DataFrame) -> dict[str, Any]:
    """Row of the marker, the first covariate."""
    return table.row(0, named=True)


def centre_rows(endpoint: Endpoint, fits: Fits) -> pl.DataFrame:
    """Every centre's own hazard ratio of the marker."""
    head = (pl.lit(endpoint.id).alias("endpoint"), pl.lit(fits.title).alias("model"))
    columns = ("centre", "n", "events", "hazard_ratio", "lower", "upper", "weight_percent")
    if fits.two is None:
        table = fits.one.centre_table()
        gone = [pl.lit(None, dtype=pl.Float64).alias(c) for c in columns[3:]]
        own = [f.reasons[0] for f in fits.one.centres]
        reasons = pl.Series("reason", own, dtype=pl.String)
        table = table.select(*head, "centre", "n", "events", *gone, reasons)
        return table.with_columns(_marker_words())
    table = fits.two.centre_table().filter(pl.col("term") == "marker")
    numbers = pl.col(*columns[3:]).fill_nan(None)
    return table.select(*head, "centre", "n", "events", numbers, _marker_words())


def _marker_words() -> pl.Expr:
    """Reasons in the words of the marker."""
    reason = pl.col("reason")
    one = pl.lit("patients of one marker group only")
    return pl.when(reason.str.starts_with("one value")).then(one).otherwise(reason).alias("reason")


def left_out_rows(endpoint: Endpoint, two: LeaveOneOut, one: LeaveOneOut) -> pl.DataFrame:
    """Rows of both stages, one below the other."""
    parts = [
        found.table().select(
            pl.lit(endpoint.id).alias("endpoint"), pl.lit(stages).alias("stages"), "left_out",
            "n", "events",
            pl.col("hazard_ratio", "lower", "upper", "p_value", "tau2", "i2_from_tau2_percent")
            .fill_nan(None), "reason",
        )
        for stages, found in (("two", two), ("one", one))
    ]  # fmt: skip
    return pl.concat(parts)


def interaction_rows(
    endpoint: Endpoint, coding: Coding, label: str, found: CentreInteraction
) -> pl.DataFrame:
    """The interaction by its sources."""
    return found.table().select(
        pl.lit(endpoint.id).alias("endpoint"), pl.lit(coding.column).alias("covariate"),
        pl.lit(label).alias("label"), "source", "k", "n", "events",
        pl.col("ratio_of_hazard_ratios", "lower", "upper", "p_value").fill_nan(None), "reason",
    )  # fmt: skip


def forest_rows(fits: Fits, level: float) -> pl.DataFrame:
    """Rows of the figure: centres, pooled estimates, prediction interval."""
    known = pl.col("reason") == ""
    studies = centre_rows(_NOBODY, fits).select(
        pl.lit("study").alias("role"), pl.col("centre").alias("label"),
        pl.col("n", "events").cast(pl.Int64),
        *(pl.when(known).then(pl.col(c)).alias(e)
          for c, e in (("hazard_ratio", "estimate"), ("lower", "lower"), ("upper", "upper"),
                       ("weight_percent", "weight_percent"))), "reason",
    )  # fmt: skip
    models = model_rows(_NOBODY, fits, level)
    words = {
        "two stages": "Two stages, random effects",
        "one stage, stratified": "One stage, stratified by centre",
        "one stage, gamma frailty": "One stage, gamma frailty",
    }
    pooled = models.select(
        pl.lit("pooled").alias("role"),
        pl.col("pooling").replace_strict(words, return_dtype=pl.String).alias("label"),
        pl.col("n", "events").cast(pl.Int64), pl.col("hazard_ratio").alias("estimate"), "lower",
        "upper",
        pl.when(pl.col("pooling") == "two stages").then(100.0).alias("weight_percent"),
        pl.when(pl.col("hazard_ratio").is_finite()).then(pl.lit(""))
        .otherwise(pl.lit("not estimable")).alias("reason"),
    )  # fmt: skip
    parts = [studies, pooled]
    if fits.two is not None and "marker" in fits.two.pooled:
        parts.append(_prediction(fits, studies.schema))
    return pl.concat(parts, how="vertical_relaxed")


def _prediction(fits: Fits, schema: pl.Schema) -> pl.DataFrame:
    assert fits.two is not None
    found = fits.two.pooled["marker"]
    row = {
        "role": "prediction", "label": "Prediction interval", "n": None, "events": None,
        "estimate": float(np.exp(found.estimate)), "lower": float(np.exp(found.prediction.lower)),
        "upper": float(np.exp(found.prediction.upper)), "weight_percent": None,
        "reason": "undefined" if found.prediction.reason else "",
    }  # fmt: skip
    return pl.DataFrame([row], schema=schema)


class _Nobody:
    """Stands for the endpoint where it is not printed."""

    id = ""


_NOBODY: Any = _Nobody()
