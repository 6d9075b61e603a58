"""One analysis of a protocol on its patients: population, test, estimate, verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from ashworth.definitions.protocols.analyses import Analysis
from ashworth.enumeration import proportion_interval
from ashworth.errors import EstimationError
from ashworth.survival import cox, log_rank
from ashworth.trials.analysis.subjects import Subjects
from ashworth.trials.proportions.exact_tests import fisher_exact_test
from ashworth.trials.proportions.intervals import miettinen_nurminen_interval
from ashworth.trials.protocols.executable import Executable
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class AnalysisResult:
    """What one analysis shows.

    Attributes
    ----------
    n, events : dict of str to int
        Patients and events (or successes) by arm.
    estimate, lower, upper : float
        On `scale`, with the interval at `level`.
    p_value : float
        Of the test against the null hypothesis of the protocol.
    verdict : str
        What the analysis says, in words.
    left_out : dict of str to int
        Patients who were not analysed, by reason.
    """

    analysis: str
    title: str
    role: str
    population: str
    method: str
    scale: str
    n: dict[str, int]
    events: dict[str, int]
    estimate: float
    lower: float
    upper: float
    level: float
    p_value: float
    verdict: str
    left_out: dict[str, int]
    options: Mapping[str, Any] = field(default_factory=dict)
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """One row."""
        import polars as pl

        keys = ("analysis", "title", "role", "population", "method", "scale", "estimate", "lower",
                "upper", "level", "p_value", "verdict")  # fmt: skip
        row = {key: getattr(self, key) for key in keys}
        for arm, n in self.n.items():
            row |= {f"n {arm}": n, f"events {arm}": self.events[arm]}
        return pl.DataFrame([row])


def analyse(subjects: Subjects, trial: Executable, analysis: Analysis) -> AnalysisResult:
    """Do one analysis as the protocol says.

    Parameters
    ----------
    subjects : Subjects
    trial : Executable
        The version whose analysis it is.
    analysis : Analysis

    Raises
    ------
    EstimationError
        Nothing to compare: no patients in an arm, no outcome.
    """
    endpoint = trial.protocol.endpoints[analysis.endpoint]
    who, left_out = _population(subjects, trial, analysis)
    chosen = subjects.take(np.flatnonzero(who).tolist())
    level = _level(analysis)
    if endpoint.type == "time_to_event":
        return _time_to_event(chosen, trial, analysis, level, left_out)
    if endpoint.type == "binary":
        return _binary(chosen, trial, analysis, level, left_out)
    raise EstimationError(f"{analysis.id}: a {endpoint.type} endpoint is not analysed")


def _level(analysis: Analysis) -> float:
    if analysis.interval_level is not None:
        return analysis.interval_level
    if analysis.alpha == "unknown" or analysis.sided == "unknown":
        return 0.95
    return 1 - analysis.alpha * (2 if analysis.sided == 1 else 1)


def _population(
    subjects: Subjects, trial: Executable, analysis: Analysis
) -> tuple[Flags, dict[str, int]]:
    """Who is analysed, and how many are left out for each reason."""
    who = np.ones(subjects.n, dtype=np.bool_)
    left_out: dict[str, int] = {}

    def keep(flags: Flags, reason: str) -> None:
        lost = int((who & ~flags).sum())
        if lost:
            left_out[reason] = lost
        np.logical_and(who, flags, out=who)

    arms = np.array([a or "" for a in subjects.arms])
    if analysis.experimental is not None and analysis.control is not None:
        keep(np.isin(arms, [analysis.experimental, analysis.control]), "not in the compared arms")
    else:
        treated = [bool(r.treatments) for r in subjects.routes()]
        keep(np.array(treated, dtype=np.bool_), "not treated")
    if analysis.within is not None:
        inside = subjects.truths("analyses", analysis.id, "within")
        keep(np.array([t is True for t in inside]), "outside the analysis's patients")
    if analysis.population == "per_protocol":
        keep(_as_planned(subjects), "not treated as the arm says, or not known")
    keep(_has_outcome(subjects, trial, analysis), "no outcome")
    return who, left_out


def _as_planned(subjects: Subjects) -> Flags:
    planned = subjects.planned_treatments()
    pairs = zip(planned, subjects.received, strict=True)
    return np.array([p is not None and p == r for p, r in pairs], dtype=np.bool_)


def _has_outcome(subjects: Subjects, trial: Executable, analysis: Analysis) -> Flags:
    endpoint = trial.protocol.endpoints[analysis.endpoint]
    if endpoint.type == "time_to_event":
        found = subjects.follow_up.get(analysis.endpoint)
        if found is None:
            raise EstimationError(
                f"{analysis.id}: no columns {analysis.endpoint}_days and {analysis.endpoint}_event"
            )
        return np.isfinite(found.days)
    if endpoint.success is None:
        raise EstimationError(f"{analysis.id}: the protocol does not say what a success is")
    known = [t is not None for t in subjects.truths("endpoints", analysis.endpoint, "success")]
    if analysis.population == "intention_to_treat":
        return np.ones(subjects.n, dtype=np.bool_)
    return np.array(known, dtype=np.bool_)


def _pair(chosen: Subjects, analysis: Analysis) -> tuple[str, str] | None:
    if analysis.control is None or analysis.experimental is None:
        return None
    for arm in (analysis.control, analysis.experimental):
        if arm not in chosen.arms:
            raise EstimationError(f"{analysis.id}: no patient of arm '{arm}' can be analysed")
    return analysis.control, analysis.experimental


def _strata(chosen: Subjects, analysis: Analysis) -> list[str] | None:
    if analysis.strata == "unknown" or not analysis.strata:
        return None
    rows = [[str(v.get(name)) for name in analysis.strata] for v in chosen.values]
    return [" | ".join(row) for row in rows]


def _time_to_event(
    chosen: Subjects, trial: Executable, analysis: Analysis, level: float,
    left_out: dict[str, int],
) -> AnalysisResult:  # fmt: skip
    follow = chosen.follow_up[analysis.endpoint]
    pair = _pair(chosen, analysis)
    if pair is None:
        return _single(chosen, trial, analysis, follow.event, level, left_out, "events")
    experimental = pair[1]
    treated = np.array([a == experimental for a in chosen.arms], dtype=np.float64)
    strata = _strata(chosen, analysis)
    model = cox(follow.days, follow.event, treated, names=["arm"], strata=strata)
    beta, error = float(model.coefficients[0]), float(model.standard_errors[0])
    low, high = (float(v) for v in model.confint(level)[0])
    margin = analysis.margin if isinstance(analysis.margin, float) else None
    if margin is None:
        test = log_rank(follow.days, follow.event, treated, strata=strata)
        p = float(test.p_value)
        if analysis.sided == 1:
            p = float(ndtr(math.copysign(math.sqrt(test.statistic), beta)))
    else:
        p = float(ndtr((beta - math.log(margin)) / error))
    n, events = _by_arm(chosen, pair, follow.event)
    estimate, lower, upper = math.exp(beta), math.exp(low), math.exp(high)
    method = ("stratified " if strata else "") + (
        "Wald test of the Cox model against the margin" if margin else "log-rank test; Cox model"
    )
    return AnalysisResult(
        analysis.id, analysis.title or analysis.id, analysis.role, analysis.population, method,
        "hazard ratio", n, events, estimate, lower, upper, level, p,
        _verdict(analysis, p, upper, estimate), left_out,
    )  # fmt: skip


def _binary(
    chosen: Subjects, trial: Executable, analysis: Analysis, level: float,
    left_out: dict[str, int],
) -> AnalysisResult:  # fmt: skip
    truths = chosen.truths("endpoints", analysis.endpoint, "success")
    success = np.array([t is True for t in truths], dtype=np.bool_)
    pair = _pair(chosen, analysis)
    if pair is None:
        return _single(chosen, trial, analysis, success, level, left_out, "successes")
    n, hits = _by_arm(chosen, pair, success)
    (n0, n1), (x0, x1) = n.values(), hits.values()
    two = analysis.sided != 1
    wanted = trial.protocol.endpoints[analysis.endpoint].wanted
    better: Literal["greater", "less"] = "greater" if wanted else "less"
    side: Literal["two-sided", "greater", "less"] = "two-sided" if two else better
    p = float(fisher_exact_test(x0, n0, x1, n1, alternative=side).p_value)
    interval = miettinen_nurminen_interval(x0, n0, x1, n1, level=level)
    estimate = x1 / n1 - x0 / n0
    return AnalysisResult(
        analysis.id, analysis.title or analysis.id, analysis.role, analysis.population,
        f"Fisher's exact test, {side}; Miettinen-Nurminen interval", "difference of shares", n,
        hits, estimate, float(interval.lower), float(interval.upper), level, p,
        _verdict(analysis, p, math.nan, estimate), left_out,
    )  # fmt: skip


def _single(
    chosen: Subjects, trial: Executable, analysis: Analysis, event: Flags, level: float,
    left_out: dict[str, int], what: str,
) -> AnalysisResult:  # fmt: skip
    if chosen.n == 0:
        raise EstimationError(f"{analysis.id}: no patient can be analysed")
    hits, n = int(event.sum()), chosen.n
    interval = proportion_interval(hits, n, level=level)
    return AnalysisResult(
        analysis.id, analysis.title or analysis.id, analysis.role, analysis.population,
        f"share of {what} with its exact interval; no comparison", "share", {"all": n},
        {"all": hits}, hits / n, float(interval.lower), float(interval.upper), level, math.nan,
        f"{hits} of {n}", left_out,
    )  # fmt: skip


def _by_arm(
    chosen: Subjects, pair: tuple[str, str], event: Flags
) -> tuple[dict[str, int], dict[str, int]]:
    arms = np.array(chosen.arms)
    n = {arm: int((arms == arm).sum()) for arm in pair}
    return n, {arm: int(event[arms == arm].sum()) for arm in pair}


def _verdict(analysis: Analysis, p: float, upper: float, estimate: float) -> str:
    """Words of the result; without a level there is no verdict."""
    if analysis.hypothesis == "non_inferiority":
        if not isinstance(analysis.margin, float):
            return "the margin is unknown: no verdict"
        sides = "below" if upper < analysis.margin else "not below"
        found = "non-inferiority" if upper < analysis.margin else "non-inferiority not shown"
        return f"{found}: the upper limit {upper:.3g} is {sides} the margin {analysis.margin:g}"
    if analysis.hypothesis == "estimation":
        return "estimation only"
    if analysis.alpha == "unknown":
        return f"p = {p:.3g}; the protocol's level is unknown: no verdict"
    found = "significant" if p <= analysis.alpha else "not significant"
    return f"{found} at {analysis.alpha:g} ({analysis.sided}-sided): p = {p:.3g}"
