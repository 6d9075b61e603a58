"""Pooled effects with each centre left out in turn."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ashworth.errors import EstimationError
from ashworth.evidence.individual_data.centres import (
    CentreFit,
    fit_centres,
    fit_quietly,
    ratios,
    read_centres,
)
from ashworth.evidence.individual_data.two_stages import check_pooling, pool_term
from ashworth.evidence.pooling.model import Method, NarrowIntervalWarning, Test
from ashworth.survival.inputs import Floats, Integers, check_option
from ashworth.survival.proportional_hazards.data import CoxData
from ashworth.survival.results import normal_quantile
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

_COLUMNS = ("coefficient", "standard_error", "lower", "upper", "p_value", "tau2", "i2")


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """The effect of one covariate without each of c centres.

    Attributes
    ----------
    term : str
        The covariate.
    centres : tuple
        The centre left out.
    n_left, events_left : ndarray of int, shape (c,)
        Patients and events of the others (two stages: of those with an estimate).
    coefficients, standard_errors, lower, upper, p_values : ndarray, shape (c,)
        Log hazard ratios of the others, their limits and p-values; NaN where none is left.
    tau2, i2_percent : ndarray, shape (c,)
        Between-centre variance and I2 from tau2 of the others; NaN for one stage.
    reasons : tuple of str
        Why there is no estimate, or that the centre had none to leave out; else empty.
    all_centres : mapping
        The same numbers with all centres.
    n, events : int
        Patients and events of all centres.
    method : str
        Name of the estimator.
    options : mapping
        What was chosen.
    version : str
        Version of the package.
    """

    term: str
    centres: tuple[Any, ...]
    n_left: Integers
    events_left: Integers
    coefficients: Floats
    standard_errors: Floats
    lower: Floats
    upper: Floats
    p_values: Floats
    tau2: Floats
    i2_percent: Floats
    reasons: tuple[str, ...]
    all_centres: Mapping[str, float]
    n: int
    events: int
    method: str
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row per centre left out, with hazard ratios."""
        import polars as pl

        return pl.DataFrame(
            {
                "term": [self.term] * len(self.centres),
                "left_out": [str(c) for c in self.centres],
                "n": self.n_left,
                "events": self.events_left,
                "coefficient": self.coefficients,
                "standard_error": self.standard_errors,
                "hazard_ratio": ratios(self.coefficients),
                "lower": ratios(self.lower),
                "upper": ratios(self.upper),
                "p_value": self.p_values,
                "tau2": self.tau2,
                "i2_from_tau2_percent": self.i2_percent,
                "reason": list(self.reasons),
            }
        )


def _pooled_numbers(
    centres: Sequence[CentreFit], j: int, options: Mapping[str, Any]
) -> tuple[dict[str, float], str]:
    """Numbers of two stages; a narrow interval is named in the reason."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NarrowIntervalWarning)
        found, reason = pool_term(centres, j, **options)
    if found is None:
        return dict.fromkeys(_COLUMNS, np.nan), reason
    values = (
        found.estimate, found.standard_error, found.lower, found.upper, found.p_value, found.tau2,
        found.heterogeneity.i2_from_tau2_percent,
    )  # fmt: skip
    narrow = found.options["ci_method"] == "hksj" and found.narrower_than_fixed_effect
    return dict(zip(_COLUMNS, values, strict=True)), "narrower than fixed effect" * narrow


def _stratified_numbers(
    data: CoxData, j: int, options: Mapping[str, Any]
) -> tuple[dict[str, float], str]:
    """Numbers of one stage."""
    empty = dict.fromkeys(_COLUMNS, np.nan)
    if not data.event.any():
        return empty, "no events in the other centres"
    try:
        fit = fit_quietly(data, stratified=True, ties=options["ties"])
    except EstimationError as error:
        return empty, str(error)
    b, s = float(fit.coefficients[j]), float(fit.standard_errors[j])
    if not np.isfinite(b):
        return empty, "infinite or not estimable in the other centres"
    half = normal_quantile(options["level"]) * s
    values = (b, s, b - half, b + half, float(fit.p_values[j]), np.nan, np.nan)
    return dict(zip(_COLUMNS, values, strict=True)), ""


def _term(names: tuple[str, ...], term: str | None) -> int:
    if term is None:
        return 0
    if term not in names:
        raise EstimationError(f"leave_one_centre_out: term {term!r}; allowed: {', '.join(names)}")
    return names.index(term)


def leave_one_centre_out(
    time: Any,
    event: Any,
    covariates: Any,
    centre: Any,
    *,
    term: str | None = None,
    names: Sequence[str] | None = None,
    entry: Any = None,
    stages: Literal["two", "one"] = "two",
    ties: Literal["efron", "breslow"] = "efron",
    min_events: int = 1,
    method: Method = "REML",
    test: Test = "hksj",
    level: float = 0.95,
) -> LeaveOneOut:
    """Pool the effect of one covariate without each centre in turn.

    Use it to see whether one centre carries the result.

    Parameters
    ----------
    time, event, covariates, centre, names, entry, ties
        As for `two_stage`.
    term : str, optional
        The covariate; the first by default. The others adjust.
    stages : {"two", "one"}
        Pool the centres' own coefficients, or fit the stratified model again.
    min_events, method, test
        Two stages only, as for `two_stage`.
    level : float
        Confidence level.

    Returns
    -------
    LeaveOneOut
        ``.table()`` with one row per centre, and ``.all_centres``. A centre without an estimate of
        its own leaves the result of two stages as it is, which its `reason` says.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        With fewer than three centres (with two, the other's own model is what is left), without
        events, or for an unknown term.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> centre, marker = np.repeat(["A", "B", "C"], 60), np.tile([0, 1], 90)
    >>> time = rng.exponential(100, 180) * np.exp(-0.7 * marker)
    >>> found = leave_one_centre_out(time, np.ones(180), {"marker": marker}, centre, stages="one")
    >>> found.table().select("left_out", "n").rows()
    [('A', 120), ('B', 120), ('C', 120)]
    """
    check_option(stages, "stages", ("two", "one"))
    check_option(ties, "ties", ("efron", "breslow"))
    check_pooling(method, test, level, min_events)
    subject = "leave_one_centre_out"
    data = read_centres(subject, time, event, covariates, centre, names=names, entry=entry)
    if len(data.stratum_labels) < 3:
        raise EstimationError(f"{subject}: {len(data.stratum_labels)} centres; three are needed")
    j = _term(data.names, term)
    options: dict[str, Any] = {"method": method, "test": test, "level": level}
    if stages == "two":
        fits = fit_centres(data, ties=ties, min_events=int(min_events))
        rows, everyone = _two(fits, j, options)
        words = f"two stages, {method} {test}, without one centre"
    else:
        rows, everyone = _one(data, j, {"ties": ties, "level": level})
        words = f"Cox model stratified by centre, {ties.capitalize()} ties, without one centre"
    return _result(data, j, rows, everyone, words, {"stages": stages, "ties": ties, **options})


Rows = list[tuple[int, int, dict[str, float], str]]


def _two(
    fits: tuple[CentreFit, ...], j: int, options: Mapping[str, Any]
) -> tuple[Rows, dict[str, float]]:
    rows: Rows = []
    for out in fits:
        others = [f for f in fits if f is not out]
        used = [f for f in others if not f.reasons[j]]
        numbers, reason = _pooled_numbers(others, j, options)
        if out.reasons[j]:
            reason = f"had no estimate: {out.reasons[j]}"
        rows.append((sum(f.n for f in used), sum(f.events for f in used), numbers, reason))
    everyone, reason = _pooled_numbers(fits, j, options)
    if np.isnan(everyone["coefficient"]):
        raise EstimationError(f"leave_one_centre_out: {reason}")
    return rows, everyone


def _one(data: CoxData, j: int, options: Mapping[str, Any]) -> tuple[Rows, dict[str, float]]:
    assert data.stratum is not None
    rows: Rows = []
    for i in range(len(data.stratum_labels)):
        others = data.take(data.stratum != i)
        numbers, reason = _stratified_numbers(others, j, options)
        rows.append((others.time.size, int(others.event.sum()), numbers, reason))
    return rows, _stratified_numbers(data, j, options)[0]


def _result(
    data: CoxData, j: int, rows: Rows, everyone: dict[str, float], words: str, options: Any
) -> LeaveOneOut:
    left, events_left = (np.array([r[i] for r in rows]) for i in (0, 1))
    b, error, lower, upper, p, tau2, i2 = (np.array([r[2][c] for r in rows]) for c in _COLUMNS)
    return LeaveOneOut(
        data.names[j], data.stratum_labels, left, events_left, b, error, lower, upper, p, tau2, i2,
        tuple(r[3] for r in rows), everyone, data.time.size, int(data.event.sum()), words, options,
        __version__,
    )  # fmt: skip
