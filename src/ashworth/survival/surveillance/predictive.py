"""Predictive values, sensitivity and specificity of a status over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.special import expit, logit

from ashworth.errors import EstimationError
from ashworth.survival.competing_risks.aalen_johansen import estimate_incidence, influence
from ashworth.survival.competing_risks.censoring import estimate_censoring
from ashworth.survival.competing_risks.codes import CodedRows, check_cause, read_codes
from ashworth.survival.competing_risks.incidence import take_rows
from ashworth.survival.inputs import (
    TIE_TOLERANCE,
    Booleans,
    Faults,
    Floats,
    check_level,
    check_option,
    numbers,
)
from ashworth.survival.results import normal_quantile
from ashworth.survival.surveillance.status_risk import check_times, risk_limits
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

Method = Literal["kaplan-meier", "ipcw"]
Controls = Literal["no event of the cause", "no event"]
MEASURES = (
    "positive_predictive_value", "negative_predictive_value", "sensitivity", "specificity",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PredictiveValues:
    """Four measures of a status at t times.

    Attributes
    ----------
    time : ndarray, shape (t,)
        Times since the draw.
    estimate, standard_error, lower, upper : ndarray, shape (4, t)
        Positive and negative predictive value, sensitivity, specificity, in this order. NaN where
        they are not defined (no case yet, follow-up ended); limits are NaN at 0 and 1.
    n_positive, n, events : int
        Rows with a positive status, all rows, and events of the cause.
    cause, level : int, float
        Code of the event, confidence level.
    method : str
        Name of the estimator.
    options, version
        What was chosen, version of the package.
    """

    time: Floats
    estimate: Floats
    standard_error: Floats
    lower: Floats
    upper: Floats
    n_positive: int
    n: int
    events: int
    cause: int
    level: float
    method: str
    options: Mapping[str, Any]
    version: str = __version__

    @property
    def positive_predictive_value(self) -> Floats:
        """Share of positive patients who have had the event by each time, shape (t,)."""
        return self.estimate[0]

    @property
    def negative_predictive_value(self) -> Floats:
        """Share of negative patients who have not, shape (t,)."""
        return self.estimate[1]

    @property
    def sensitivity(self) -> Floats:
        """Share positive among those who have had the event, shape (t,)."""
        return self.estimate[2]

    @property
    def specificity(self) -> Floats:
        """Share negative among those who have not, shape (t,)."""
        return self.estimate[3]

    def table(self) -> pl.DataFrame:
        """One row per measure and time."""
        import polars as pl

        t = self.time.size
        names = ("estimate", "standard_error", "lower", "upper")
        return pl.DataFrame(
            {
                "measure": [m.replace("_", " ") for m in MEASURES for _ in range(t)],
                "time": np.tile(self.time, 4),
                "n": [self.n] * (4 * t),
                "n_positive": [self.n_positive] * (4 * t),
            }
            | {name: getattr(self, name).ravel() for name in names}
        )


@dataclass(frozen=True, slots=True)
class _Shares:
    """Joint shares at one time, and each row's influence on them, (4,) and (4, n).

    Case and positive, case and negative, control and positive, control and negative.
    """

    value: Floats
    influence: Floats


def _group_shares(
    rows: CodedRows, cause: int, at: float, *, event_free: bool
) -> tuple[Floats, Floats]:
    """Risk and share of controls in one group by Aalen and Johansen, with influences (2, m)."""
    fit = estimate_incidence(rows.time, rows.code, rows.causes, rows.entry, None)
    cells = int(np.searchsorted(fit.time, at, side="right"))
    unknown = at > fit.time[-1] and fit.event_free[-1] > 0
    incidence = fit.incidence[:, cells - 1] if cells else np.zeros(len(rows.causes))
    if unknown:
        incidence = np.full(len(rows.causes), np.nan)
    each = np.stack(
        [influence(fit, rows.code, j, label, at) for j, label in enumerate(rows.causes)]
    )
    own = rows.causes.index(cause)
    total = slice(None) if event_free else slice(own, own + 1)
    value = np.array([incidence[own], 1.0 - incidence[total].sum()])
    return value, np.stack([each[own], -each[total].sum(axis=0)])


def _kaplan_meier_shares(
    rows: CodedRows, positive: Booleans, cause: int, at: float, *, event_free: bool
) -> _Shares:
    n, share = positive.size, positive.mean()
    value, effect = np.zeros(4), np.zeros((4, n))
    for g, (member, weight) in enumerate(((positive, share), (~positive, 1.0 - share))):
        inside, change = _group_shares(take_rows(rows, member), cause, at, event_free=event_free)
        part = [g, 2 + g]
        value[part] = weight * inside
        effect[np.ix_(np.array(part), np.flatnonzero(member))] = weight * change
        effect[part] += inside[:, None] * (member - weight) / n
    return _Shares(value, effect)


def _weighted_shares(
    rows: CodedRows, positive: Booleans, cause: int, at: float, *, event_free: bool
) -> _Shares:
    """Inverse probability of censoring weighted shares, the censoring estimate included."""
    time, code, n = rows.time, rows.code, rows.time.size
    censoring = estimate_censoring(time, code > 0, events_at_risk=False)
    case = (code == cause) & (time <= at)
    late = time > at
    control = late if event_free else late | ((code > 0) & (code != cause) & (time <= at))
    until = np.where(late, np.nextafter(at, np.inf), time)
    free = censoring.before(until)
    weight = np.divide(case | control, free, out=np.zeros(n), where=free > 0)
    cells = np.stack([case & positive, case & ~positive, control & positive, control & ~positive])
    parts = cells * weight
    value = (
        parts.mean(axis=1)
        if late.any() or not (code[time == time.max()] == 0).any()
        else (np.full(4, np.nan))
    )
    place = np.searchsorted(censoring.time, until)
    later = np.stack([np.bincount(place, part, censoring.time.size + 1) for part in parts])
    later = np.cumsum(later[:, ::-1], axis=1)[:, ::-1][:, 1:]
    left = censoring.at_risk - censoring.count
    own = np.divide(later, left, out=np.zeros_like(later), where=left > 0)
    drift = np.cumsum(own * censoring.count / censoring.at_risk, axis=1)
    drift = np.concatenate([np.zeros((4, 1)), drift], axis=1)
    censored = code == 0
    passed = np.searchsorted(censoring.time, time, side="left") + censored
    effect = parts - value[:, None] - drift[:, passed]
    effect[:, censored] += own[:, passed[censored] - 1]
    return _Shares(value, effect / n)


def _measures(shares: _Shares, *, prevalence: tuple[float, Floats]) -> tuple[Floats, Floats]:
    """The four measures and their influences (4, n), as ratios of shares."""
    v, d = shares.value, shares.influence
    positive, change = prevalence
    pairs = (
        (v[0], d[0], positive, change),
        (v[3], d[3], 1.0 - positive, -change),
        (v[0], d[0], v[0] + v[1], d[0] + d[1]),
        (v[3], d[3], v[2] + v[3], d[2] + d[3]),
    )
    values, effects = [], []
    for top, d_top, bottom, d_bottom in pairs:
        known = bottom > 0
        ratio = top / bottom if known else np.nan
        values.append(ratio)
        effects.append(
            (d_top - ratio * d_bottom) / bottom if known else np.full(d.shape[1], np.nan)
        )
    return np.array(values), np.stack(effects)


def _logit_limits(estimate: Floats, error: Floats, level: float) -> tuple[Floats, Floats]:
    inside = (estimate > 0.0) & (estimate < 1.0)
    p = np.where(inside, estimate, np.nan)
    half = normal_quantile(level) * error / (p * (1.0 - p))
    return expit(logit(p) - half), expit(logit(p) + half)


def predictive_values(
    time: Any,
    event_code: Any,
    positive: Any,
    at: Any,
    *,
    cause: int = 1,
    method: Method = "kaplan-meier",
    controls: Controls = "no event of the cause",
    level: float = 0.95,
    tie_tolerance: float = TIE_TOLERANCE,
) -> PredictiveValues:
    r"""Estimate what a status foretells: predictive values, sensitivity, specificity over time.

    Use it for a test at one draw: cases are those with the event by t (cumulative), controls those
    without it at t (dynamic). Time runs from the draw.

    Parameters
    ----------
    time : array-like, shape (n,)
        Follow-up since the draw, 0 or later.
    event_code : array-like of int or bool, shape (n,)
        0 censored, 1 event, 2, ... competing events.
    positive : array-like of bool or 0/1, shape (n,)
        Status at the draw.
    at : float or array-like, shape (t,)
        Times since the draw, above 0.
    cause : int
        Code of the event of interest.
    method : {"kaplan-meier", "ipcw"}
        Curves within each status (censoring may depend on the status), or weights by the inverse
        probability of staying uncensored (one censoring distribution for all).
    controls : {"no event of the cause", "no event"}
        Whether patients with a competing event by t are controls, or neither case nor control; the
        negative predictive value then counts those free of every event.
    level : float
        Confidence level.
    tie_tolerance : float
        As for `kaplan_meier`.

    Returns
    -------
    PredictiveValues
        Four measures with limits, ``.table()``.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        Where all are positive or all negative, or without events of the cause.

    Notes
    -----
    With the risk :math:`F_+(t), F_-(t)` in each status and the share :math:`\pi` of positives,

    .. math:: PPV = F_+,\quad NPV = 1 - F_-,\quad
              Se = \frac{\pi F_+}{\pi F_+ + (1 - \pi) F_-},\quad
              Sp = \frac{(1 - \pi)(1 - F_-)}{1 - \pi F_+ - (1 - \pi) F_-}

    Standard errors are the root of the summed squared influences of the rows (the estimates of the
    curves, of :math:`\pi` and of the censoring distribution included). Limits of sensitivity and
    specificity, and all with weights, are on the logit scale; predictive values from curves have
    the limits of `absolute_risk_by_status`.

    References
    ----------
    .. [1] Heagerty PJ, Lumley T, Pepe MS (2000). Time-dependent ROC curves for censored survival
       data and a diagnostic marker. Biometrics 56:337-344.
    .. [2] Blanche P, Dartigues JF, Jacqmin-Gadda H (2013). Estimating and comparing time-dependent
       areas under receiver operating characteristic curves for censored event times with competing
       risks. Stat Med 32:5381-5397.

    Examples
    --------
    >>> found = predictive_values([1, 2, 3, 4, 5, 6, 2, 4], [1, 1, 0, 1, 1, 0, 0, 1],
    ...                           [1, 1, 1, 0, 0, 0, 0, 1], 4.5)
    >>> [round(float(v), 3) for v in found.estimate[:, 0]]
    [1.0, 0.667, 0.75, 1.0]
    """
    check_option(method, "method", ("kaplan-meier", "ipcw"))
    check_option(controls, "controls", ("no event of the cause", "no event"))
    check_level(level)
    horizons = check_times(at)
    rows, status = _read(time, event_code, positive, tie_tolerance)
    check_cause(cause, rows, "predictive_values")
    shares = _kaplan_meier_shares if method == "kaplan-meier" else _weighted_shares
    prevalence = (float(status.mean()), (status - status.mean()) / status.size)
    event_free = controls == "no event"
    found = [
        _measures(shares(rows, status, cause, t, event_free=event_free), prevalence=prevalence)
        for t in horizons.tolist()
    ]
    estimate = np.stack([v for v, _ in found], axis=1)
    error = np.stack([np.sqrt(np.vecdot(e, e)) for _, e in found], axis=1)
    lower, upper = _logit_limits(estimate, error, level)
    if method == "kaplan-meier":
        competing = len(rows.causes) > 1
        for j, risk in ((0, estimate[0]), (1, 1.0 - estimate[1])):
            low, high = risk_limits(risk, error[j], "log-log", level, competing=competing)
            lower[j], upper[j] = (low, high) if j == 0 else (1.0 - high, 1.0 - low)
    name = "curves within each status" if method == "kaplan-meier" else "censoring weights"
    return PredictiveValues(
        horizons, estimate, error, lower, upper, int(status.sum()), status.size,
        int(np.count_nonzero(rows.code == cause)), cause, level,
        f"cumulative cases and dynamic controls, {name}",
        {"method": method, "controls": controls, "cause": cause},
    )  # fmt: skip


def _read(
    time: Any, event_code: Any, positive: Any, tie_tolerance: float
) -> tuple[CodedRows, Booleans]:
    faults = Faults("predictive_values")
    values = numbers(positive, "positive", faults)
    bad = (values != 0.0) & (values != 1.0)
    remedy = "a patient without a status at the draw does not belong to this analysis"
    faults.rows(bad, "positive", "values other than 0 and 1", "0, 1, False or True", remedy)
    rows = read_codes(
        time, event_code, None, None, faults, ("positive", values), tie_tolerance=tie_tolerance
    )
    status = values == 1.0
    if status.all() or not status.any():
        what = "all are positive" if status.all() else "none is positive"
        raise EstimationError(f"predictive_values: {what} among {status.size} rows")
    return rows, status
