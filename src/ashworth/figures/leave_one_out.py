"""The pooled estimate without each study in turn, or as studies are added."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from ashworth.figures.meta_forest import meta_forest_figure
from ashworth.figures.meta_scales import EffectScale
from ashworth.figures.result import Figure

_LABEL_HEADINGS = {"left_out": "Without", "added": "Up to and with"}


def leave_one_out_figure(
    rows: pl.DataFrame,
    whole: pl.DataFrame,
    *,
    name: str,
    title: str,
    scale: EffectScale = "ratio",
    cumulative: bool = False,
    whole_label: str = "All studies",
    estimate_title: str = "Pooled hazard ratio",
    estimate_heading: str = "HR (95% CI)",
    notes: Sequence[str] = (),
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Draw the pooled estimate without each study, over the one of all studies.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns label, estimate, lower, upper, tau2, q, reason; one row per study that was
        left out (or added). Ratios, not logarithms.
    whole : polars.DataFrame
        One row with estimate, lower, upper, tau2, q of all studies.
    name, title : str
        Name and title of the figure.
    scale : {"ratio", "difference", "share"}
        Scale of the estimates.
    cumulative : bool
        Rows were added one after the other.
    whole_label : str
        Name of the last row.
    estimate_title, estimate_heading : str
        Title of the axis, heading of the numbers.
    notes : sequence of str
        Small lines at the foot.
    alt : str, optional
        Description; written from the numbers when absent.
    simulated : bool
        Print "Simulated data" in the figure.

    Returns
    -------
    Figure
        `data` is the table drawn, whose last row is the whole.

    Examples
    --------
    >>> rows = pl.DataFrame({"label": ["A", "B"], "estimate": [1.9, 1.4], "lower": [1.1, 0.9],
    ...     "upper": [3.3, 2.2], "tau2": [None, None], "q": [None, None],
    ...     "reason": ["", ""]}, schema_overrides={"tau2": pl.Float64, "q": pl.Float64})
    >>> whole = pl.DataFrame({"estimate": [1.6], "lower": [1.1], "upper": [2.3], "tau2": [0.02],
    ...     "q": [3.1]})
    >>> leave_one_out_figure(rows, whole, name="loo", title="OS").alt
    'OS. 2 of 2 rows with an estimate: A 1.90 (1.10–3.30); B 1.40 (0.90–2.20). All studies: 1.60
    (1.10–2.30).'
    """
    studies = rows.with_columns(role=pl.lit("study"))
    last = whole.with_columns(role=pl.lit("pooled"), label=pl.lit(whole_label), reason=pl.lit(""))
    drawn = pl.concat([studies, last], how="diagonal_relaxed").with_columns(
        weight_percent=pl.lit(None, pl.Float64),
        tau2_words=pl.col("tau2").map_elements(_tau2, pl.String),
        q_words=pl.col("q").map_elements(_q, pl.String),
    )
    return meta_forest_figure(
        drawn, name=name, title=title, columns={"tau2_words": "τ²", "q_words": "Q"}, scale=scale,
        label_heading=_LABEL_HEADINGS["added" if cumulative else "left_out"],
        estimate_title=estimate_title, estimate_heading=estimate_heading, notes=notes, alt=alt,
        simulated=simulated,
    )  # fmt: skip


def _tau2(value: float) -> str:
    return f"{value:.3f}"


def _q(value: float) -> str:
    return f"{value:.1f}"
