"""Decision curves: what treating by a predicted risk would gain, threshold by threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.competing_risks.codes import read_codes
from ashworth.survival.inputs import (
    Faults,
    Floats,
    Integers,
    check_count,
    check_generator,
    check_level,
    check_number,
    numbers,
)
from ashworth.survival.prognostic_value.horizon_risk import (
    Horizon,
    histogram,
    observed_risk,
    place,
)
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

ALL, NONE = "treat all", "treat none"


@dataclass(frozen=True, slots=True)
class DecisionCurve:
    """Net benefit of M strategies at K thresholds; the last two treat all and none.

    Attributes
    ----------
    strategies : tuple of str, length M
        Names of the predictions, then ``"treat all"`` and ``"treat none"``.
    thresholds : ndarray, shape (K,)
        Risks from which on one would treat.
    net_benefit : ndarray, shape (M, K)
        True less weighted false positives per patient; NaN where the risk of the treated cannot be
        estimated because none of them is followed to the horizon.
    lower, upper : ndarray, shape (M, K)
        Bootstrap percentile limits; NaN without a bootstrap.
    share_treated : ndarray, shape (M, K)
        Share of patients at or above the threshold.
    risk_treated : ndarray, shape (M, K)
        Observed risk among them; NaN where there are none.
    draws : ndarray, shape (B, M, K)
        Net benefits of the bootstrap samples.
    at, risk : float
        The horizon, and the observed risk of all.
    level : float
        Level of the limits.
    method : str
        Name of the estimator.
    n, events, competing : int
        Rows, events and competing events by the horizon.
    options : mapping
        Bootstrap samples, late entry.
    version : str
        Version of the package.
    """

    strategies: tuple[str, ...]
    thresholds: Floats
    net_benefit: Floats
    lower: Floats
    upper: Floats
    share_treated: Floats
    risk_treated: Floats
    draws: Floats
    at: float
    risk: float
    level: float
    method: str
    n: int
    events: int
    competing: int
    options: Mapping[str, Any]
    version: str

    @property
    def standardised(self) -> Floats:
        """Net benefit over the observed risk of all: 1 is the most there can be, shape (M, K)."""
        return self.net_benefit / self.risk

    @property
    def avoided_per_100(self) -> Floats:
        """Treatments avoided per 100 patients against treating all, at no loss of events."""
        every = self.net_benefit[self.strategies.index(ALL)]
        return 100.0 * (self.net_benefit - every) * (1.0 - self.thresholds) / self.thresholds

    def difference(self, first: str, second: str) -> pl.DataFrame:
        """Net benefit of one strategy less another's, with bootstrap limits, by threshold."""
        import polars as pl

        places = [self._place(name) for name in (first, second)]
        a, b = (self.net_benefit[k] for k in places)
        lower, upper = _percentiles(self.draws[:, places[0]] - self.draws[:, places[1]], self.level)
        return pl.DataFrame(
            {"threshold": self.thresholds, "difference": a - b, "lower": lower, "upper": upper}
        )

    def _place(self, name: str) -> int:
        if name not in self.strategies:
            raise EstimationError(f"no strategy {name!r}; allowed: {', '.join(self.strategies)}")
        return self.strategies.index(name)

    def table(self) -> pl.DataFrame:
        """One row per strategy and threshold."""
        import polars as pl

        m, k = self.net_benefit.shape
        columns = {
            "net_benefit": self.net_benefit, "lower": self.lower, "upper": self.upper,
            "standardised": self.standardised, "avoided_per_100": self.avoided_per_100,
            "share_treated": self.share_treated, "risk_treated": self.risk_treated,
        }  # fmt: skip
        return pl.DataFrame(
            {
                "strategy": np.repeat(self.strategies, k),
                "threshold": np.tile(self.thresholds, m),
                **{name: values.ravel() for name, values in columns.items()},
            }
        )


def _percentiles(draws: Floats, level: float) -> tuple[Floats, Floats]:
    """Percentile limits over the first axis; NaN where a draw is missing or there are none."""
    if draws.shape[0] == 0:
        none = np.full(draws.shape[1:], np.nan)
        return none, none
    tail = 0.5 - level / 2.0
    lower, upper = np.quantile(draws, [tail, 1.0 - tail], axis=0)
    return lower, upper


@dataclass(frozen=True, slots=True)
class _Point:
    """Net benefit, share treated and their risk, shape (M, K) each."""

    net_benefit: Floats
    share: Floats
    risk: Floats


def _benefit(share: Floats, risk: Floats, odds: Floats) -> Floats:
    """Net benefit from the share treated and its risk; 0 where nobody is treated."""
    safe = np.where(share > 0, risk, 0.0)
    return share * (safe - (1.0 - safe) * odds) + 0.0


def _strategies(
    horizon: Horizon, bins: Sequence[Integers], thresholds: Floats, weights: Floats | None
) -> _Point:
    """All strategies in one sample; `bins` holds the number of thresholds that each row reaches."""
    k, odds = thresholds.size, thresholds / (1.0 - thresholds)
    parts, overall = [], float("nan")
    total = float(bins[0].size if weights is None else weights.sum())
    for own in bins:
        nested = histogram(horizon, own, k + 1, weights).from_group_on()
        share = np.bincount(own, weights, minlength=k + 1)[::-1].cumsum()[::-1] / total
        risk = np.where(share > 0, observed_risk(nested), np.nan)
        parts.append((share[1:], risk[1:]))
        overall = float(risk[0])
    everyone = (np.ones(k), np.full(k, overall))
    parts += [everyone, (np.zeros(k), np.full(k, np.nan))]
    share, risk = (np.array([p[j] for p in parts]) for j in (0, 1))
    return _Point(_benefit(share, risk, odds), share, risk)


def _read_predictions(predictions: Any, faults: Faults) -> tuple[tuple[str, ...], list[Floats]]:
    if not isinstance(predictions, Mapping) or not predictions:
        raise EstimationError(
            "decision_curve: predictions are no dict of columns; give {'name': risks, ...}"
        )
    names, columns = [], []
    remedy = "give risks of the event by `at`, or 0 and 1 for a status"
    for name, values in predictions.items():
        p = numbers(values, str(name), faults)
        with np.errstate(invalid="ignore"):
            bad = ~((p >= 0.0) & (p <= 1.0))
        faults.rows(bad, str(name), "values that are no risk", "from 0 to 1", remedy)
        names.append(str(name))
        columns.append(p)
    if {ALL, NONE} & set(names):
        faults.note("predictions", f"named {ALL!r} or {NONE!r}", "other names", "rename")
    return tuple(names), columns


def _read_thresholds(thresholds: Any, faults: Faults) -> Floats:
    if thresholds is None:
        return np.arange(1, 100) / 100.0
    values = np.atleast_1d(numbers(thresholds, "thresholds", faults))
    inside = (values > 0.0) & (values < 1.0)
    if values.size == 0 or not inside.all() or (np.diff(values) <= 0).any():
        found = f"{values.tolist()[:8]}"
        faults.note("thresholds", found, "rising risks above 0 and below 1", "sort them")
    return values


def decision_curve(
    time: Any,
    event: Any,
    predictions: Mapping[str, Any],
    at: float,
    *,
    thresholds: Any = None,
    entry: Any = None,
    bootstrap: int = 0,
    seed: int | np.random.Generator | None = None,
    level: float = 0.95,
) -> DecisionCurve:
    r"""Net benefit of treating those at or above a threshold of predicted risk.

    Use it to ask whether deciding by a model would do more good than harm for somebody who would
    treat from a given risk on. Predictions on the patients that the model was fitted to are too
    good; it says nothing about whether a treatment works.

    Parameters
    ----------
    time : array-like, shape (n,)
        End of follow-up, 0 or later.
    event : array-like of int, shape (n,)
        0 censored, 1 the event, 2 and up competing events; truth values are 0 and 1.
    predictions : dict of array-like, shape (n,)
        Predicted risks of the event by `at`; a status as 0 and 1 is a strategy of its own.
    at : float
        The horizon, in the unit of `time`.
    thresholds : array-like, optional
        Rising risks above 0 and below 1; 0.01 to 0.99 by default.
    entry : array-like, shape (n,), optional
        Late entry.
    bootstrap : int
        Samples for percentile limits; 0 for none. The predictions stay as they are.
    seed : int or numpy.random.Generator
        Needed with a bootstrap.
    level : float
        Level of the limits.

    Returns
    -------
    DecisionCurve
        Net benefit by strategy and threshold; ``.standardised``, ``.avoided_per_100``,
        ``.difference(a, b)``, ``.table()``.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        Without an event by the horizon, or where nobody is followed so far.

    Notes
    -----
    With x = 1 for :math:`\hat p \ge p_t` and the risk F by 1 - Kaplan-Meier, or Aalen-Johansen with
    competing events, among those with x = 1,

    .. math:: NB(p_t) = P(x = 1) \Bigl[F(t \mid x = 1) - (1 - F(t \mid x = 1))
              \frac{p_t}{1 - p_t}\Bigr]

    Where nobody reaches the threshold the net benefit is 0. Where none of those who do is followed
    to the horizon it is NaN, not carried forward. With competing events 1 - F counts those who had
    the competing event as treated in vain.

    References
    ----------
    .. [1] Vickers AJ, Elkin EB (2006). Decision curve analysis. Med Decis Making 26:565-574.
    .. [2] Vickers AJ, Cronin AM, Elkin EB, Gonen M (2008). Extensions to decision curve analysis.
       BMC Med Inform Decis Mak 8:53.

    Examples
    --------
    >>> found = decision_curve([1, 2, 3, 4, 5, 5], [1, 1, 0, 1, 0, 0],
    ...                        {"model": [0.9, 0.6, 0.4, 0.5, 0.2, 0.1]}, at=4, thresholds=[0.3])
    >>> found.net_benefit.round(4).tolist()
    [[0.6667], [0.3651], [0.0]]
    """
    level = check_level(level)
    horizon_at = check_number(at, "at", "a time above 0")
    samples = check_count(bootstrap, "bootstrap", 0)
    rng = check_generator(seed, "decision_curve") if samples else None
    faults = Faults("decision_curve")
    names, columns = _read_predictions(predictions, faults)
    cuts = _read_thresholds(thresholds, faults)
    others = tuple(zip(names, columns, strict=True))
    seen = read_codes(time, event, entry, None, faults, *others)
    horizon = place(seen.time, seen.code, seen.entry, horizon_at)
    if not horizon.cause.size:
        n = seen.time.size
        raise EstimationError(f"decision_curve: no event by {horizon_at:g} among {n} rows")
    bins = [np.searchsorted(cuts, p, side="right").astype(np.int64) for p in columns]
    found = _strategies(horizon, bins, cuts, None)
    draws = np.empty((samples, *found.net_benefit.shape))
    n = seen.time.size
    for b in range(samples):
        assert rng is not None
        counts = np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float64)
        draws[b] = _strategies(horizon, bins, cuts, counts).net_benefit
    lower, upper = _percentiles(draws, level)
    return DecisionCurve(
        (*names, ALL, NONE), cuts, found.net_benefit, lower, upper, found.share, found.risk, draws,
        horizon_at, float(found.risk[-2, 0]), level,
        "decision curve, " + ("Aalen-Johansen" if horizon.other.size else "Kaplan-Meier"),
        n, horizon.cause.size, horizon.other.size,
        {"bootstrap": samples, "entry": entry is not None}, __version__,
    )  # fmt: skip
