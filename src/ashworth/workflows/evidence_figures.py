"""Figures of a pooled set of studies: funnel, Baujat plot, leave-one-out."""

from __future__ import annotations

import math

import polars as pl

from ashworth.evidence.pooling.asymmetry import AsymmetryTest, TrimAndFill
from ashworth.evidence.pooling.contributions import contributions
from ashworth.evidence.pooling.result import Pooled
from ashworth.evidence.pooling.sensitivity import leave_one_out
from ashworth.figures import Figure, baujat_figure, funnel_figure, leave_one_out_figure
from ashworth.reports.numbers import p_words
from ashworth.workflows.evidence_forests import heterogeneity_line, model_label, natural, short_name


def funnel_of(
    pooled: Pooled,
    *,
    name: str,
    title: str,
    test: AsymmetryTest | None = None,
    filled: TrimAndFill | None = None,
    ratio: bool = True,
    estimate_title: str = "Hazard ratio",
    simulated: bool = False,
) -> Figure:
    """Contour-enhanced funnel of pooled studies.

    Parameters
    ----------
    pooled : Pooled
        What `pool` returned.
    name, title, estimate_title : str
        Name, title, title of the axis.
    test : AsymmetryTest, optional
        What `egger_test` or `rank_test` returned; printed at the foot.
    filled : TrimAndFill, optional
        What `trim_and_fill` returned; its studies are drawn hollow.
    ratio : bool
        The estimates are logarithms of ratios.
    simulated : bool
        Print "Simulated data".
    """
    back = math.exp if ratio else float
    rows = [
        (str(s), back(y), e, False)
        for s, y, e in zip(pooled.studies, pooled.estimates, pooled.standard_errors, strict=True)
    ]
    words = []
    if test is not None:
        method = test.method.replace("_", " ")
        words.append(f"{method}: {p_words(test.p_value)}.")
        words += [f"{test.note}."] if test.note else []
    if filled is not None:
        pairs = zip(filled.filled_estimates, filled.filled_standard_errors, strict=True)
        rows += [("added", back(y), e, True) for y, e in pairs]
        words.append(f"Trim and fill adds {filled.missing} at the {filled.side}.")
    names = ["label", "estimate", "standard_error", "filled"]
    return funnel_figure(
        pl.DataFrame(rows, schema=names, orient="row"), name=name, title=title,
        pooled=back(pooled.estimate), scale="ratio" if ratio else "difference",
        estimate_title=estimate_title, note=" ".join(words), simulated=simulated,
    )  # fmt: skip


def baujat_of(pooled: Pooled, *, name: str, title: str, simulated: bool = False) -> Figure:
    """Baujat plot of pooled studies.

    Parameters
    ----------
    pooled : Pooled
        What `pool` returned, with three studies or more.
    name, title : str
        Name and title.
    simulated : bool
        Print "Simulated data".
    """
    note = f"{pooled.n} studies, {pooled.method}. {heterogeneity_line(pooled)}."
    table = contributions(pooled).table()
    return baujat_figure(table, name=name, title=title, note=note, simulated=simulated)


def leave_one_out_of(
    pooled: Pooled, *, name: str, title: str, ratio: bool = True,
    estimate_title: str = "Pooled hazard ratio", simulated: bool = False,
) -> Figure:  # fmt: skip
    """Pooled estimate without each study, over that of all.

    Parameters
    ----------
    pooled : Pooled
        What `pool` returned, with three studies or more.
    name, title, estimate_title : str
        Name, title, title of the axis.
    ratio : bool
        The estimates are logarithms of ratios.
    simulated : bool
        Print "Simulated data".
    """
    columns = ("estimate", "lower", "upper", "tau2", "q")
    series = [
        {"label": r["study"], "reason": "", **{c: r[c] for c in columns}}
        | dict(zip(columns[:3], natural(r, ratio), strict=True))
        for r in leave_one_out(pooled).table().to_dicts()
    ]
    ends = {"estimate": pooled.estimate, "lower": pooled.lower, "upper": pooled.upper}
    last = dict(zip(columns[:3], natural(ends, ratio), strict=True))
    whole = pl.DataFrame([{**last, "tau2": pooled.tau2, "q": pooled.q}])
    level = f"{100 * pooled.options['level']:g}% CI"
    return leave_one_out_figure(
        pl.DataFrame(series), whole, name=name, title=title,
        scale="ratio" if ratio else "difference", estimate_title=estimate_title,
        estimate_heading=f"{short_name(estimate_title)} ({level})",
        notes=(f"{model_label(pooled)}.",), simulated=simulated,
    )  # fmt: skip
