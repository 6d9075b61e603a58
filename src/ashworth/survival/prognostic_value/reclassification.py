"""Net reclassification of predicted risks, never without its caveat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import (
    TIE_TOLERANCE,
    Booleans,
    Faults,
    Floats,
    Integers,
    check_count,
    check_generator,
    check_level,
    check_number,
    check_option,
    merge_near_ties,
    numbers,
    observations,
)
from ashworth.survival.prognostic_value.censoring import censoring_curve
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

CAVEAT = (
    "Net reclassification is no proper measure of added value: it can rise for a marker that adds "
    "nothing, rewards miscalibrated risks, depends on the cut-offs, and its null distribution is "
    "not the usual one. Judge an added marker by the likelihood-ratio test and by calibration; do "
    "not report this number alone."
)
QUANTITIES = (
    "nri", "event_nri", "nonevent_nri", "up_events", "down_events", "down_nonevents",
    "up_nonevents",
)  # fmt: skip
_BLOCK = 2_000_000


@dataclass(frozen=True, slots=True)
class NetReclassification:
    """Movement between risk categories, or of risks, from a base to a new model.

    Attributes
    ----------
    caveat : str
        Why this number does not stand alone; it is also a column of the table.
    nri, event_nri, nonevent_nri : float
        Net reclassification: its part among events (up minus down) and among nonevents (down minus
        up), and their sum.
    up_events, down_events, down_nonevents, up_nonevents : float
        Estimated probabilities of moving, given what happened by `at`.
    lower, upper : ndarray, shape (7,)
        Bootstrap percentile limits, in the order nri, event_nri, nonevent_nri, up_events,
        down_events, down_nonevents, up_nonevents.
    moved : ndarray of int, shape (c, c)
        Rows per category of the base (rows) and of the new model (columns); empty without cut-offs.
    n, events, n_up, n_down : int
        Rows, events by `at`, rows that moved up and down.
    at, level : float
        Time of the risks, level of the limits.
    replicates, failed : int
        Bootstrap samples, and those among them in which the estimate did not exist.
    method, options, version
        Name of the estimator, what was chosen, version of the package.
    """

    caveat: str
    nri: float
    event_nri: float
    nonevent_nri: float
    up_events: float
    down_events: float
    down_nonevents: float
    up_nonevents: float
    lower: Floats
    upper: Floats
    moved: Integers
    n: int
    events: int
    n_up: int
    n_down: int
    at: float
    level: float
    replicates: int
    failed: int
    method: str
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row per quantity with its limits; the caveat stands in every row."""
        import polars as pl

        return pl.DataFrame(
            {
                "quantity": list(QUANTITIES),
                "n": [self.n] * len(QUANTITIES),
                "events": [self.events] * len(QUANTITIES),
                "at": [self.at] * len(QUANTITIES),
                "estimate": [getattr(self, q) for q in QUANTITIES],
                "lower": self.lower,
                "upper": self.upper,
                "caveat": [self.caveat] * len(QUANTITIES),
            }
        )


@dataclass(frozen=True, slots=True)
class _Moves:
    """Rows by rising time with what they did."""

    time: Floats
    event: Booleans
    up: Booleans
    down: Booleans
    at: float
    ties_together: bool


def _survival(moves: _Moves, weights: Floats) -> Floats:
    """Kaplan-Meier survival at the time for each row of weights (r, n); NaN where unknown."""
    first = np.concatenate([[True], moves.time[1:] > moves.time[:-1]])
    start = np.flatnonzero(first & (moves.time <= moves.at))
    by = moves.time <= moves.at
    if start.size == 0:
        return np.ones(weights.shape[0])
    at_risk = weights[:, ::-1].cumsum(axis=1)[:, ::-1][:, start]
    died = np.add.reduceat((weights * moves.event)[:, by], start, axis=1)
    step = 1.0 - np.divide(died, at_risk, out=np.zeros_like(died), where=at_risk > 0)
    survival = step.prod(axis=1)
    beyond = (weights * (moves.time >= moves.at)).sum(axis=1)
    return np.where((beyond > 0) | (survival <= 0), survival, np.nan)


def _by_curves(moves: _Moves, weights: Floats) -> Floats:
    """Probabilities of moving from Kaplan-Meier curves of all, the risen and the fallen."""
    total, alive = weights.sum(axis=1), _survival(moves, weights)
    out = []
    for mask in (moves.up, moves.down):
        part = (weights * mask).sum(axis=1)
        survival = _survival(moves, weights * mask)
        survival = np.where(part > 0, survival, 1.0)
        out.append(part * (1.0 - survival) / (total * (1.0 - alive)))
        out.append(part * survival / (total * alive))
    up_events, up_nonevents, down_events, down_nonevents = out
    return np.stack([up_events, down_events, down_nonevents, up_nonevents], axis=1)


def _by_weights(moves: _Moves, weights: Floats) -> Floats:
    """Probabilities of moving from inverse probability of censoring weights."""
    out = np.empty((weights.shape[0], 4))
    case, later = (moves.time <= moves.at) & moves.event, moves.time > moves.at
    for r, w in enumerate(weights):
        curve = censoring_curve(moves.time, moves.event, w)
        read = curve.at_with_ties_together if moves.ties_together else curve.before
        cases = np.divide(w, read(moves.time), out=np.zeros(w.size), where=case)
        controls = np.where(later, w, 0.0)
        rises, falls = cases[moves.up].sum(), cases[moves.down].sum()
        back, on = controls[moves.down].sum(), controls[moves.up].sum()
        out[r] = [
            rises / cases.sum(), falls / cases.sum(), back / controls.sum(), on / controls.sum()
        ]  # fmt: skip
    return out


def _quantities(chances: Floats) -> Floats:
    """The seven quantities, shape (r, 7)."""
    event = chances[:, 0] - chances[:, 1]
    nonevent = chances[:, 2] - chances[:, 3]
    return np.column_stack([event + nonevent, event, nonevent, chances])


def _bootstrap(
    moves: _Moves, estimate: Any, replicates: int, generator: np.random.Generator
) -> Floats:
    """Quantities of samples of rows with replacement, shape (replicates, 7)."""
    n = moves.time.size
    block = max(1, _BLOCK // n)
    found = []
    for first in range(0, replicates, block):
        size = min(block, replicates - first)
        drawn = generator.integers(0, n, size=(size, n))
        weights = np.stack([np.bincount(row, minlength=n) for row in drawn]).astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            found.append(_quantities(estimate(moves, weights)))
    return np.concatenate(found) if found else np.zeros((0, 7))


def _read_cuts(cuts: Sequence[float] | None, faults: Faults) -> Floats | None:
    if cuts is None:
        return None
    values = numbers(np.asarray(cuts, dtype=np.float64).ravel(), "cuts", faults)
    if (
        values.size == 0
        or (values <= 0).any()
        or (values >= 1).any()
        or (np.diff(values) <= 0).any()
    ):
        remedy = "give the limits between categories, or None for any change of risk"
        faults.note("cuts", f"{values.tolist()}", "rising risks between 0 and 1", remedy)
    return values


def _read_risk(values: Any, name: str, faults: Faults) -> Floats:
    risk = numbers(values, name, faults)
    remedy = "pass the predicted probability of the event by the time"
    faults.rows(~((risk >= 0) & (risk <= 1)), name, "values that are no probabilities", "0 to 1",
                remedy)  # fmt: skip
    return risk


def net_reclassification(
    time: Any,
    event: Any,
    base_risk: Any,
    new_risk: Any,
    at: float,
    *,
    cuts: Sequence[float] | None = None,
    estimator: Literal["kaplan_meier", "ipcw"] = "kaplan_meier",
    censoring_ties: Literal["events_first", "together"] = "events_first",
    replicates: int = 1000,
    seed: int | np.random.Generator = 0,
    level: float = 0.95,
    tie_tolerance: float = TIE_TOLERANCE,
) -> NetReclassification:
    r"""Net reclassification of risks by a time from a base to a new model.

    Use it only where a journal asks for it, and print its caveat (``.caveat``): it can rise for a
    marker that adds nothing.

    Parameters
    ----------
    time : array-like, shape (n,)
        End of follow-up, 0 or later.
    event : array-like of bool or 0/1, shape (n,)
        1 event, 0 censored. Competing events are not supported.
    base_risk, new_risk : array-like, shape (n,)
        Predicted probabilities of the event by `at`.
    at : float
        Time of the risks.
    cuts : sequence of float, optional
        Limits between risk categories; a risk equal to a limit belongs to the upper category.
        None counts every change of risk (the continuous version).
    estimator : {"kaplan_meier", "ipcw"}
        Curves of those who move (Pencina 2011), or inverse probability of censoring weights (Uno
        2013).
    censoring_ties : {"events_first", "together"}
        For "ipcw": weight 1/G(T-) with events before censorings at equal times, or, as R's nricens,
        1/G(T) with those who die at a time at risk of being censored at it.
    replicates : int
        Bootstrap samples of rows; the predicted risks stay, the models are not fitted again. 0 for
        no limits.
    seed : int or numpy Generator
        Of the bootstrap.
    level : float
        Level of the percentile limits.
    tie_tolerance : float
        As for `cox`.

    Returns
    -------
    NetReclassification

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        Without events by `at`, without anybody followed beyond it, or where nobody who moved up (or
        down) is followed to `at` (with ``kaplan_meier``).

    Notes
    -----
    With S the Kaplan-Meier survival at the time of all n and :math:`S_u` that of the :math:`n_u`
    who move up,

    .. math:: P(\text{up} \mid \text{event}) = \frac{n_u (1 - S_u)}{n (1 - S)},\quad
              P(\text{up} \mid \text{no event}) = \frac{n_u S_u}{n S}

    and likewise for those who move down.

    References
    ----------
    .. [1] Pencina MJ, D'Agostino RB, Steyerberg EW (2011). Extensions of net reclassification
       improvement calculations to measure usefulness of new biomarkers. Stat Med 30:11-21.
    .. [2] Hilden J, Gerds TA (2014). A note on the evaluation of novel biomarkers: do not rely on
       integrated discrimination improvement and net reclassification index. Stat Med 33:3405-3414.
    .. [3] Pepe MS, Fan J, Feng Z, Gerds T, Hilden J (2015). The net reclassification index (NRI): a
       misleading measure of prediction improvement even with independent test data sets. Stat
       Biosci 7:282-295.

    Examples
    --------
    >>> found = net_reclassification([5, 8, 12, 3, 9, 14], [1, 1, 0, 1, 0, 1],
    ...                              [0.5, 0.1, 0.3, 0.5, 0.1, 0.3], [0.9, 0.1, 0.1, 0.9, 0.3, 0.1],
    ...                              8, cuts=[0.2, 0.6], replicates=0)
    >>> round(found.nri, 4), found.moved.tolist()
    (1.0, [[1, 1, 0], [2, 0, 2], [0, 0, 0]])
    """
    check_option(estimator, "estimator", ("kaplan_meier", "ipcw"))
    check_option(censoring_ties, "censoring_ties", ("events_first", "together"))
    check_level(level)
    horizon = check_number(at, "at", "a time above 0")
    samples = check_count(replicates, "replicates", 0)
    rng = check_generator(seed, "net_reclassification")
    faults = Faults("net_reclassification")
    limits = _read_cuts(cuts, faults)
    base, new = _read_risk(base_risk, "base_risk", faults), _read_risk(new_risk, "new_risk", faults)
    seen = observations(time, event, None, None, faults, ("base_risk", base), ("new_risk", new))
    t, _ = merge_near_ties(seen.time, None, tie_tolerance)
    order = np.argsort(t, kind="stable")
    places = [np.searchsorted(limits, r, side="right") for r in (base, new)] if (
        limits is not None
    ) else []  # fmt: skip
    before, after = places or (base, new)
    moves = _Moves(
        t[order], seen.event[order], (after > before)[order], (after < before)[order], horizon,
        censoring_ties == "together",
    )  # fmt: skip
    _refuse(moves)
    options = {
        "cuts": None if limits is None else limits.tolist(), "estimator": estimator,
        "censoring_ties": censoring_ties, "tie_tolerance": tie_tolerance,
    }  # fmt: skip
    table = np.zeros((0, 0), dtype=np.int64)
    if limits is not None:
        size = limits.size + 1
        table = np.bincount(before * size + after, minlength=size * size).reshape(size, size)
    return _result(moves, table, samples, rng, level, options)


def _refuse(moves: _Moves) -> None:
    died = int(np.count_nonzero(moves.event & (moves.time <= moves.at)))
    later = int(np.count_nonzero(moves.time > moves.at))
    if not died or not later:
        raise EstimationError(
            f"net_reclassification: {died} events by {moves.at:g} and {later} followed beyond it; "
            "both are needed; choose another time"
        )


def _result(
    moves: _Moves, table: Integers, replicates: int, generator: np.random.Generator, level: float,
    options: dict[str, Any],
) -> NetReclassification:  # fmt: skip
    estimate = _by_curves if options["estimator"] == "kaplan_meier" else _by_weights
    found = _quantities(estimate(moves, np.ones((1, moves.time.size))))[0]
    if not np.isfinite(found).all():
        raise EstimationError(
            f"net_reclassification: nobody of those who moved up (or down) is followed to "
            f"{moves.at:g}, so their curve is unknown there; use estimator='ipcw', or an earlier "
            "time"
        )
    drawn = _bootstrap(moves, estimate, replicates, generator)
    good = drawn[np.isfinite(drawn).all(axis=1)]
    tails = [(1.0 - level) / 2.0, (1.0 + level) / 2.0]
    lower, upper = np.quantile(good, tails, axis=0) if len(good) else np.full((2, 7), np.nan)
    kind = "continuous" if options["cuts"] is None else "by categories"
    means = "Kaplan-Meier" if options["estimator"] == "kaplan_meier" else "censoring weights"
    nri, event, nonevent, up_events, down_events, down_nonevents, up_nonevents = found.tolist()
    return NetReclassification(
        CAVEAT, nri, event, nonevent, up_events, down_events, down_nonevents, up_nonevents, lower,
        upper, table, moves.time.size,
        int(np.count_nonzero(moves.event & (moves.time <= moves.at))),
        int(moves.up.sum()), int(moves.down.sum()), moves.at, level, replicates,
        replicates - len(good), f"net reclassification {kind}, {means}", options, __version__,
    )  # fmt: skip
