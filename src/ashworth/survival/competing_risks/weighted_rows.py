"""Fine and Gray's model as a weighted Cox model on split rows, late entry included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ashworth.survival.competing_risks.censoring import estimate_censoring
from ashworth.survival.competing_risks.codes import check_cause, read_codes
from ashworth.survival.inputs import (
    TIE_TOLERANCE,
    Booleans,
    Faults,
    Floats,
    Integers,
    labels,
)
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class FineGrayRows:
    """Split rows for a weighted Cox model, m of them from n patients.

    Attributes
    ----------
    row : ndarray of int, shape (m,)
        Patient, counted from 0: index for covariates, and cluster of the robust variance.
    start, stop : ndarray, shape (m,)
        At risk at t if ``start < t <= stop``.
    event : ndarray of bool, shape (m,)
        Whether the event of interest ended the row.
    weight : ndarray, shape (m,)
        Case weight.
    method, n, events, options, version
        Name of the estimator, patients, events of the cause, what was chosen, version.
    """

    row: Integers
    start: Floats
    stop: Floats
    event: Booleans
    weight: Floats
    method: str
    n: int
    events: int
    options: Mapping[str, Any]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """One line per split row."""
        import polars as pl

        names = ("row", "start", "stop", "event", "weight")
        return pl.DataFrame({name: getattr(self, name) for name in names})


@dataclass(frozen=True, slots=True)
class _Steps:
    """Times at which the weight changes, and its value before the first and after each."""

    cut: Floats
    level: Floats


def _entered(entry: Floats, time: Floats) -> _Steps:
    """Probability of having entered by then, by Kaplan and Meier backwards in time."""
    distinct, count = np.unique(entry, return_counts=True)
    inside = np.searchsorted(np.sort(entry), distinct, side="right")
    left = np.searchsorted(np.sort(time), distinct, side="right")
    share = 1.0 - count / np.maximum(inside - left, count)
    return _Steps(distinct, np.append(np.cumprod(share[:0:-1])[::-1], 1.0))


def _weights(time: Floats, code: Integers, entry: Floats | None) -> _Steps:
    """Censoring weight, times the probability of having entered."""
    censored = estimate_censoring(time, code > 0, events_at_risk=False, entry=entry)
    free = np.concatenate([[1.0], censored.survival])
    if entry is None or not (entry > time.min()).any():
        return _Steps(censored.time, free)
    late = _entered(entry, time)
    cut = np.union1d(censored.time, late.cut)
    here = np.maximum(np.searchsorted(late.cut, cut, side="right") - 1, 0)
    level = late.level[here] * free[np.searchsorted(censored.time, cut, side="right")]
    return _Steps(cut, np.concatenate([[1.0], level]))


def _split(
    time: Floats, code: Integers, entry: Floats | None, start: Floats, cause: int
) -> tuple[Integers, Floats, Floats, Floats]:
    """Index, start, stop and weight of the split rows of one censoring group."""
    index = np.arange(time.size)
    own = np.unique(time[code == cause])
    if own.size == 0:
        return index[:0], start[:0], time[:0], time[:0]
    steps = _weights(time, code, entry)
    ends = np.append(steps.cut, time.max())
    used = np.zeros(ends.size, dtype=bool)
    used[np.searchsorted(ends, own)] = True
    pieces = np.flatnonzero(used)
    competing = (code > 0) & (code != cause)
    first = np.searchsorted(ends, time)
    stop = np.where(competing, ends[np.minimum(first, ends.size - 1)], time)
    skip = np.searchsorted(pieces, first, side="right")
    more = np.where(competing, pieces.size - skip, 0)
    parent = np.repeat(index, more)
    piece = pieces[np.arange(more.sum()) - np.repeat(np.cumsum(more) - more, more) + skip[parent]]
    weight = steps.level[piece] / steps.level[first[parent]]
    row = np.concatenate([index, parent])
    begin = np.concatenate([start, ends[piece - 1]])
    order = np.lexsort((begin, row))
    end = np.concatenate([stop, ends[piece]])
    size = np.concatenate([np.ones(time.size), weight])
    return row[order], begin[order], end[order], size[order]


def fine_gray_rows(
    time: Any,
    event_code: Any,
    *,
    cause: int = 1,
    entry: Any = None,
    weights: Any = None,
    censoring_group: Any = None,
    tie_tolerance: float = TIE_TOLERANCE,
) -> FineGrayRows:
    r"""Split follow-up so that a weighted Cox model of it is Fine and Gray's model.

    Use it with late entry, other ties, splines or a penalty, where `fine_gray` does not reach:
    ``cox(rows.stop, rows.event, x[rows.row], entry=rows.start, weights=rows.weight,
    cluster=rows.row)``. Its robust variance takes the weights as known.

    Parameters
    ----------
    time : array-like, shape (n,)
        End of follow-up, above 0.
    event_code : array-like of int, shape (n,)
        0 censored, 1, 2, ... the kind of event.
    cause : int
        Code of the event of interest.
    entry : array-like, shape (n,), optional
        Late entry: at risk at t if ``entry < t <= time``.
    weights : array-like, shape (n,), optional
        Case weights; they multiply, and do not enter the censoring distribution.
    censoring_group : array-like, shape (n,), optional
        Labels of groups with their own censoring (and entry) distribution; R takes its strata.
    tie_tolerance : float
        As for `kaplan_meier`.

    Returns
    -------
    FineGrayRows
        The rows that R's ``survival::finegray`` makes: censorings come after events at equal
        times; groups without an event of the cause are left out.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        Without events of the cause.

    Notes
    -----
    A row with a competing event at x goes on to the end with the weight
    :math:`G(u-) H(u-) / \{G(x-) H(x-)\}` at u, where G is the probability of not being censored
    and H that of having entered.

    References
    ----------
    .. [1] Geskus RB (2011). Cause-specific cumulative incidence estimation and the Fine and Gray
       model under both left truncation and right censoring. Biometrics 67:39-49.

    Examples
    --------
    >>> rows = fine_gray_rows([2, 3, 4, 6], [2, 0, 1, 1])
    >>> [(int(r), float(a), float(b), round(float(w), 3))
    ...  for r, a, b, w in zip(rows.row, rows.start, rows.stop, rows.weight) if r == 0]
    [(0, 0.0, 3.0, 1.0), (0, 3.0, 6.0, 0.667)]
    """
    faults = Faults("fine_gray_rows")
    names, group = ([], None)
    if censoring_group is not None:
        names, group = labels(censoring_group, "censoring_group", faults)
    rows = read_codes(
        time, event_code, entry, weights, faults, ("censoring_group", group),
        tie_tolerance=tie_tolerance,
    )  # fmt: skip
    remedy = "a split row needs time at risk: add half a day to events on day 0, or leave them out"
    faults.rows(rows.time <= 0.0, "time", "time 0", "above 0", remedy)
    faults.stop()
    check_cause(cause, rows, "fine_gray_rows")
    start = np.zeros(rows.time.size) if rows.entry is None else rows.entry
    parts = []
    for g in range(max(len(names), 1)):
        which = np.arange(rows.time.size) if group is None else np.flatnonzero(group == g)
        late = None if rows.entry is None else rows.entry[which]
        made = _split(rows.time[which], rows.code[which], late, start[which], cause)
        parts.append((which[made[0]], *made[1:]))
    row, begin, end, weight = (np.concatenate(p) for p in zip(*parts, strict=True))
    if rows.weights is not None:
        weight = weight * rows.weights[row]
    event = rows.code[row] == cause
    options = {
        "cause": cause, "entry": entry is not None, "weights": weights is not None,
        "censoring_group": censoring_group is not None,
    }  # fmt: skip
    return FineGrayRows(
        row, begin, end, event, weight, "Fine-Gray rows", rows.time.size,
        int(np.count_nonzero(rows.code == cause)), options,
    )  # fmt: skip
