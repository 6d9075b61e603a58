"""Calibration of predicted risks at one time."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from ashworth.errors import AshworthWarning, EstimationError
from ashworth.survival.competing_risks.codes import read_codes
from ashworth.survival.competing_risks.fine_gray import fine_gray
from ashworth.survival.inputs import (
    Faults,
    Floats,
    Integers,
    check_level,
    check_number,
    numbers,
)
from ashworth.survival.prognostic_value.calibration_result import Calibration
from ashworth.survival.prognostic_value.horizon_risk import (
    Horizon,
    histogram,
    observed_risk,
    place,
    risk_limits,
    risk_variance,
)
from ashworth.survival.prognostic_value.spline import spline_columns, spline_knots
from ashworth.survival.proportional_hazards.model import cox
from ashworth.survival.proportional_hazards.prediction import predict_survival
from ashworth.survival.results import normal_quantile
from ashworth.version import __version__

_GRID = 101
_SHOWN = (0.01, 0.99)
_PLAIN, _COMPETING = "Kaplan-Meier and Cox", "Aalen-Johansen and Fine-Gray"


@dataclass(frozen=True, slots=True)
class _Rows:
    time: Floats
    code: Integers
    entry: Floats | None
    competing: bool
    at: float
    level: float

    def fit(self, x: Floats) -> Any:
        """Cox model, or Fine-Gray with competing events, of columns x."""
        if not self.competing:
            return cox(self.time, self.code == 1, x, entry=self.entry, tie_tolerance=0.0)
        if self.entry is not None:
            raise EstimationError("no Fine-Gray model with late entry here")
        return fine_gray(self.time, self.code, x, tie_tolerance=0.0)

    def predict(self, fit: Any, x: Floats) -> tuple[Floats, Floats, Floats]:
        """Risk at the horizon with limits, per row of x."""
        if self.competing:
            found = fit.predict(x, [self.at], level=self.level)
            return found.incidence[:, 0], found.lower[:, 0], found.upper[:, 0]
        names = {n: x[:, j] for j, n in enumerate(fit.names)}
        curves = predict_survival(fit, names, [self.at], ci="log-log", level=self.level).curves
        survival, lower, upper = (
            np.array([getattr(c, f)[0] for c in curves]) for f in ("survival", "lower", "upper")
        )
        return 1.0 - survival, 1.0 - upper, 1.0 - lower

    def risk_of(self, fit: Any, x: Floats) -> Floats:
        """Risk at the horizon of every row, from the hazard at the mean row."""
        centre = x.mean(axis=0)
        middle = self.predict(fit, centre[None, :])[0][0]
        return -np.expm1(np.log1p(-middle) * np.exp((x - centre) @ fit.coefficients))


def quantile_groups(values: Floats, groups: int) -> Integers:
    """Group by quantiles of the values, closed on the right; equal quantiles are one.

    Values no more than the groups in number are groups of their own.
    """
    distinct, code = np.unique(values, return_inverse=True)
    if distinct.size <= groups:
        return code.astype(np.int64)
    breaks = np.unique(np.quantile(values, np.linspace(0.0, 1.0, groups + 1)))
    return np.searchsorted(breaks[1:-1], values, side="left").astype(np.int64)


def _groups(horizon: Horizon, predicted: Floats, groups: int, level: float) -> dict[str, Any]:
    code = quantile_groups(predicted, groups)
    m = int(code.max()) + 1
    h = histogram(horizon, code, m)
    risk, error = observed_risk(h), np.sqrt(risk_variance(h))
    lower, upper = risk_limits(risk, error, level)
    size = np.bincount(code, minlength=m)
    return {
        "group": np.arange(1, m + 1), "n": size,
        "events": np.bincount(code[horizon.cause], minlength=m),
        "predicted": np.bincount(code, predicted, minlength=m) / size,
        "observed": risk, "standard_error": error, "lower": lower, "upper": upper,
    }  # fmt: skip


def _slope(rows: _Rows, score: Floats) -> tuple[float, float, float]:
    fit = rows.fit(score[:, None])
    value, error = float(fit.coefficients[0]), float(fit.standard_errors[0])
    if not np.isfinite(value):
        raise EstimationError("the slope is infinite or not determined")
    half = normal_quantile(rows.level) * error
    return value, value - half, value + half


@dataclass(frozen=True, slots=True)
class _Smooth:
    curve: dict[str, Floats]
    smoothed: Floats
    knots: Floats


def _smooth(rows: _Rows, score: Floats, predicted: Floats, n_knots: int) -> _Smooth:
    """Smooth observed risk by a spline of log(-log(1 - predicted))."""
    knots = spline_knots(score, n_knots)
    x = spline_columns(score, knots)
    fit = rows.fit(x)
    if not np.isfinite(fit.coefficients).all():
        raise EstimationError("the curve has an infinite or undetermined coefficient")
    first, last = np.quantile(predicted, _SHOWN)
    grid = np.linspace(first, last, _GRID)
    on_grid = spline_columns(np.log(-np.log1p(-grid)), knots)
    value, lower, upper = rows.predict(fit, on_grid)
    curve = {"predicted": grid, "observed": value, "lower": lower, "upper": upper}
    return _Smooth(curve, rows.risk_of(fit, x), -np.expm1(-np.exp(knots)))


def _empty(n: int) -> _Smooth:
    none = np.zeros(0)
    curve = dict.fromkeys(("predicted", "observed", "lower", "upper"), none)
    return _Smooth(curve, np.full(n, np.nan), none)


def _attempt(notes: list[str], what: str, work: Any, otherwise: Any) -> Any:
    """Result of `work`; where it cannot be estimated, `otherwise` and a note."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AshworthWarning)
        try:
            return work()
        except EstimationError as error:
            notes.append(f"{what}: {error}")
            return otherwise


def calibration(
    time: Any,
    event: Any,
    predicted: Any,
    at: float,
    *,
    entry: Any = None,
    groups: int = 10,
    n_knots: int = 3,
    level: float = 0.95,
) -> Calibration:
    r"""Compare predicted risks at one time with what was observed.

    Use it on patients that the model was not fitted to; on its own patients a model is calibrated
    by construction (see `bootstrap_optimism`).

    Parameters
    ----------
    time : array-like, shape (n,)
        End of follow-up, 0 or later.
    event : array-like of int, shape (n,)
        0 censored, 1 the event, 2 and up competing events; truth values are 0 and 1.
    predicted : array-like, shape (n,)
        Predicted risk of the event by `at`, above 0 and below 1; with competing events the
        cumulative incidence.
    at : float
        The horizon, in the unit of `time`.
    entry : array-like, shape (n,), optional
        Late entry; without a slope and curve where events compete.
    groups : int
        Quantile groups, 2 to 50; tied predictions make fewer.
    n_knots : int
        Knots of the curve, 3 to 7.
    level : float
        Level of all limits.

    Returns
    -------
    Calibration
        In the large (observed over expected), slope, quantile groups, smooth curve, and ICI, E50,
        E90. What cannot be estimated is NaN and named in ``.notes``.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        Without an event by the horizon, or where nobody is followed so far.

    Notes
    -----
    Observed risks are 1 - Kaplan-Meier, or Aalen-Johansen with competing events, with
    Greenwood-type standard errors and limits on the scale of log(-log(1 - risk)). A group that
    nobody of whom is followed to the horizon has NaN.

    Slope and curve come from a Cox (Fine-Gray) model of :math:`\log(-\log(1 - \hat p))`, for the
    curve as a restricted cubic spline, over all of the follow-up; ``.curve`` runs from the 1st to
    the 99th percentile of the predictions:

    .. math:: ICI = \frac1n \sum |\hat o(\hat p_i) - \hat p_i|

    The limits of observed over expected take the predictions as fixed.

    References
    ----------
    .. [1] Austin PC, Harrell FE, van Klaveren D (2020). Graphical calibration curves and the
       integrated calibration index (ICI) for survival models. Stat Med 39:2714-2742.
    .. [2] Austin PC, Putter H, Giardiello D, van Klaveren D (2022). Graphical calibration curves
       and the ICI for competing risk models. Diagn Progn Res 6:2.
    .. [3] Crowson CS, Atkinson EJ, Therneau TM (2016). Assessing calibration of prognostic risk
       scores. Stat Methods Med Res 25:1692-1706.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> rate = np.exp(rng.normal(size=400) - 1)
    >>> time = rng.exponential(size=400) / rate
    >>> found = calibration(np.minimum(time, 3), time <= 3, 1 - np.exp(-rate * 2), at=2)
    >>> bool(0.8 < found.ratio < 1.2), bool(found.ici < 0.05)
    (True, True)
    """
    level = check_level(level)
    horizon_at = check_number(at, "at", "a time above 0")
    n_groups = _whole(groups, "groups", 2, 50)
    k = _whole(n_knots, "n_knots", 3, 7)
    faults = Faults("calibration")
    p = numbers(predicted, "predicted", faults)
    with np.errstate(invalid="ignore"):
        bad = ~((p > 0.0) & (p < 1.0))
    remedy = "give risks of the event by `at`; clip 0 and 1, such as to 1e-9 and 1 - 1e-9"
    faults.rows(bad, "predicted", "values that are no risk", "above 0 and below 1", remedy)
    seen = read_codes(time, event, entry, None, faults, ("predicted", p))
    horizon = place(seen.time, seen.code, seen.entry, horizon_at)
    if not horizon.cause.size:
        raise EstimationError(f"calibration: no event by {horizon_at:g} among {p.size} rows")
    rows = _Rows(seen.time, seen.code, seen.entry, bool(np.any(seen.code > 1)), horizon_at, level)
    options = {"groups": n_groups, "n_knots": k, "level": level, "entry": entry is not None}
    return _result(rows, horizon, p, n_groups, k, options)


def _whole(value: Any, name: str, least: int, most: int) -> int:
    count = check_number(value, name, f"a whole number from {least} to {most}")
    if not least <= count <= most or count != int(count):
        raise EstimationError(
            f"{name} is {value!r}; allowed: a whole number from {least} to {most}"
        )
    return int(count)


def _result(
    rows: _Rows, horizon: Horizon, p: Floats, groups: int, n_knots: int, options: dict[str, Any]
) -> Calibration:
    everyone = histogram(horizon, np.zeros(p.size, np.int64), 1)
    risk = observed_risk(everyone)
    error = np.sqrt(risk_variance(everyone))
    lower, upper = risk_limits(risk, error, rows.level)
    mean = float(p.mean())
    spread = float(np.exp(normal_quantile(rows.level) * error[0] / risk[0]))
    ratio = float(risk[0]) / mean
    score, notes = np.log(-np.log1p(-p)), []
    nan = float("nan")
    if p.min() == p.max():
        notes.append("slope and curve: all predictions are equal")
        slope, smooth = (nan, nan, nan), _empty(p.size)
    else:
        slope = _attempt(notes, "slope", lambda: _slope(rows, score), (nan, nan, nan))
        smooth = _attempt(notes, "curve", lambda: _smooth(rows, score, p, n_knots), _empty(p.size))
    off = np.abs(smooth.smoothed - p)
    e50, e90 = np.quantile(off, [0.5, 0.9])
    return Calibration(
        rows.at, float(risk[0]), float(error[0]), float(lower[0]), float(upper[0]), mean,
        ratio, ratio / spread, ratio * spread, slope[0], slope[1], slope[2],
        _groups(horizon, p, groups, rows.level),
        smooth.curve, smooth.smoothed, float(off.mean()), float(e50), float(e90),
        float(off.max()), smooth.knots, tuple(notes),
        "calibration, " + (_COMPETING if rows.competing else _PLAIN),
        p.size, horizon.cause.size, horizon.other.size, options, __version__,
    )  # fmt: skip
