"""Curves, tests and hazard ratios of one endpoint by marker group."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtri

from ashworth.errors import EstimationError
from ashworth.survival import (
    Curve,
    KaplanMeier,
    TestResult,
    follow_up,
    kaplan_meier,
    log_rank,
    person_years,
)
from ashworth.workflows.study.clock import AnalysisSet
from ashworth.workflows.study.fitting import fit_cox
from ashworth.workflows.study.settings import StudySettings

Row = tuple[str, str, float, float, float, float]
ESTIMATES = {
    "endpoint": pl.String,
    "timepoint": pl.String,
    "group": pl.String,
    "quantity": pl.String,
    "at": pl.Float64,
    "estimate": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
}


@dataclass(frozen=True, slots=True)
class SurvivalByStatus:
    """What the report shows of one endpoint at one time point.

    Attributes
    ----------
    analysis : AnalysisSet
        Patients on their clock (time in days).
    curves : KaplanMeier
        Per group; time in the report's unit.
    test : TestResult or None
        Log-rank test (stratified if the study is); None with one group.
    hazard_ratio : dict
        estimate, lower, upper, p_value of high against low; None when not estimable.
    estimates : polars.DataFrame
        Medians, survival at the asked times, restricted means, events, person-time rates.
    follow_up : tuple of float
        Median follow-up by reverse Kaplan-Meier with its limits.
    problem : str
        Why there is no comparison, or what it warns of; else ''.
    """

    analysis: AnalysisSet
    curves: KaplanMeier
    test: TestResult | None
    hazard_ratio: dict[str, float] | None
    estimates: pl.DataFrame
    follow_up: tuple[float, float, float]
    problem: str


def survival_by_status(
    analysis: AnalysisSet,
    settings: StudySettings,
    strata: NDArray[np.int64] | None,
    *,
    by_group: bool = False,
) -> SurvivalByStatus:
    """Analyse one endpoint by marker group.

    Parameters
    ----------
    analysis : AnalysisSet
        Patients on their clock.
    settings : StudySettings
        Level, interval, ties, time unit, asked times.
    strata : ndarray of int or None
        Stratum of each patient in the order of ``analysis.frame``.
    by_group : bool
        Compare all groups by the log-rank test alone (dynamics classes) instead of high
        against low.
    """
    frame = analysis.frame
    unit = settings.days_per_unit
    time = frame["time"].to_numpy() / unit
    event = frame["event"].to_numpy()
    entry = frame["entry"].to_numpy() / unit if analysis.delayed else None
    curves = kaplan_meier(
        time, event, group=frame["group"].to_numpy(), entry=entry,
        ci=settings.interval, level=settings.level,
    )  # fmt: skip
    reverse = follow_up(time, event, entry=entry, level=settings.level)
    compare = _compare_groups if by_group else _compare
    test, ratio, problem = compare(analysis, settings, strata)
    return SurvivalByStatus(
        analysis=analysis,
        curves=curves,
        test=test,
        hazard_ratio=ratio,
        estimates=_estimates(analysis, curves, settings),
        follow_up=(reverse.median, *reverse.median_limits),
        problem=problem,
    )


def _compare_groups(
    analysis: AnalysisSet, settings: StudySettings, strata: NDArray[np.int64] | None
) -> tuple[TestResult | None, None, str]:
    """Log-rank test of all groups, or why there is none."""
    frame = analysis.frame
    if frame["group"].n_unique() < 2 or analysis.n_events == 0:
        return None, None, "fewer than two groups, or no events; nothing to compare"
    entry = frame["entry"].to_numpy() if analysis.delayed else None
    time, event = frame["time"].to_numpy(), frame["event"].to_numpy()
    test = log_rank(time, event, frame["group"].to_numpy(), strata=strata, entry=entry)
    return test, None, ""


def _compare(
    analysis: AnalysisSet, settings: StudySettings, strata: NDArray[np.int64] | None
) -> tuple[TestResult | None, dict[str, float] | None, str]:
    """Log-rank test and hazard ratio of high against low, or why there are none."""
    frame = analysis.frame
    if frame["high"].n_unique() < 2:
        return None, None, "only one group has patients; nothing to compare"
    if analysis.n_events == 0:
        return None, None, "no events; nothing to compare"
    time, event = frame["time"].to_numpy(), frame["event"].to_numpy()
    entry = frame["entry"].to_numpy() if analysis.delayed else None
    high = frame["high"].cast(pl.Float64).to_numpy()
    test = log_rank(time, event, frame["group"].to_numpy(), strata=strata, entry=entry)
    fit, notes = fit_cox(
        time, event, high[:, None], names=["high"],
        entry=entry, strata=strata, ties=settings.ties,
    )  # fmt: skip
    if fit is None:
        return test, None, "; ".join(notes)
    lower, upper = np.exp(np.asarray(fit.confint(settings.level))[0])
    estimate = float(np.exp(fit.coefficients[0]))
    p_value = fit.table()["p_value"][0]
    ratio = {
        "estimate": estimate,
        "lower": float(lower),
        "upper": float(upper),
        "p_value": math.nan if p_value is None else float(p_value),
    }
    return test, ratio, "; ".join(notes)


def _estimates(analysis: AnalysisSet, curves: KaplanMeier, settings: StudySettings) -> pl.DataFrame:
    """Long table of what is read off the curves, per group."""
    rows: list[Row] = []
    for label, curve in curves.groups.items():
        rows.append((label, "median", 0.5, *curve.quantile(0.5)))
        for at in settings.survival_at:
            value = curve.survival_at([at])
            rows.append((label, "survival", at, value.survival[0], value.lower[0], value.upper[0]))
        rows.extend(_restricted(label, curve, settings))
    rows.extend(_rates(analysis, settings))
    head = (analysis.endpoint, analysis.timepoint)
    return pl.DataFrame([head + row for row in rows], schema=ESTIMATES, orient="row")


def _restricted(label: str, curve: Curve, settings: StudySettings) -> Iterator[Row]:
    """Restricted mean with normal limits, if it was asked for and follow-up reaches it."""
    horizon = settings.restricted_mean_at
    if horizon is None:
        return
    try:
        value, error = curve.restricted_mean(horizon)
    except EstimationError:
        return
    z = _normal_quantile(settings.level)
    yield (label, "restricted mean", horizon, value, value - z * error, value + z * error)


def _rates(analysis: AnalysisSet, settings: StudySettings) -> Iterator[Row]:
    """Events per 100 person-years with exact limits, per group; `at` holds the person-years."""
    frame = analysis.frame
    result = person_years(
        frame["time"], frame["event"],
        group=frame["group"], entry=frame["entry"], level=settings.level,
    )  # fmt: skip
    for row in result.table().iter_rows(named=True):
        values = (100 * row[k] for k in ("rate", "lower", "upper"))
        yield (row["group"], "events per 100 person-years", row["person_years"], *values)


def _normal_quantile(level: float) -> float:
    """Two-sided normal quantile of a level."""
    return float(ndtri(0.5 + level / 2))
