"""Lead time: from the first positive draw to the recurrence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import bdtr, betaincinv

from ashworth.errors import EstimationError
from ashworth.survival.inputs import (
    Booleans,
    Faults,
    Floats,
    check_level,
    labels,
    numbers,
    observations,
)
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class LeadTime:
    """Lead time among recurrences, with what biases it.

    Attributes
    ----------
    patient : tuple
        Patients with a recurrence and a draw before it, sorted.
    recurrence_day, first_positive_day, last_negative_day, last_draw_day : ndarray, shape (r,)
        Per such patient; NaN without a positive draw, and without a negative draw before the first
        positive one.
    lead_time : ndarray, shape (r,)
        From the first positive draw to the recurrence; NaN where no draw was positive.
    n_before : int
        Of them with a positive draw before the recurrence.
    n_first_positive : int
        Of these positive at their first draw already, with a lead that began before it.
    proportion, proportion_lower, proportion_upper : float
        Their share of the r recurrences, with exact (Clopper-Pearson) limits.
    median, median_lower, median_upper : float
        Median lead time with limits from order statistics; NaN without any, and NaN limits where
        there are too few.
    lower_quartile, upper_quartile : float
        Quartiles of the lead time.
    schedule_gap : float
        Median time from the last negative to the first positive draw: how much longer the true
        lead may be. NaN where no patient was negative first.
    unwarned_gap : float
        Median time from the last (negative) draw to the recurrence of those never positive.
    positive_without_recurrence, without_recurrence : int
        Of the patients with a draw and no recurrence those ever positive, and all of them.
    no_draw, draws_after : int
        Recurrences without an earlier draw, and draws on or after the end of follow-up; both are
        left out.
    n, events : int
        Patients with a draw before the end of their follow-up, and recurrences among them (r).
    bias : tuple of str
        What the numbers do not show; print it with them.
    level : float
        Confidence level.
    method, options, version
        Name of the estimator, what was chosen, version of the package.
    """

    patient: tuple[Any, ...]
    recurrence_day: Floats
    first_positive_day: Floats
    last_negative_day: Floats
    last_draw_day: Floats
    lead_time: Floats
    n_before: int
    n_first_positive: int
    proportion: float
    proportion_lower: float
    proportion_upper: float
    median: float
    median_lower: float
    median_upper: float
    lower_quartile: float
    upper_quartile: float
    schedule_gap: float
    unwarned_gap: float
    positive_without_recurrence: int
    without_recurrence: int
    no_draw: int
    draws_after: int
    n: int
    events: int
    bias: tuple[str, ...]
    level: float
    method: str
    options: Mapping[str, Any]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """One row per measure with its limits, and in `bias` what biases it."""
        import polars as pl

        nan = float("nan")
        rows = [
            ("recurrences with a draw before", self.events, float(self.events), nan, nan),
            ("share positive before recurrence", self.events, self.proportion,
             self.proportion_lower, self.proportion_upper),
            ("median lead time", self.n_before, self.median, self.median_lower, self.median_upper),
            ("lower quartile of the lead time", self.n_before, self.lower_quartile, nan, nan),
            ("upper quartile of the lead time", self.n_before, self.upper_quartile, nan, nan),
            ("median time from last negative to first positive draw",
             self.n_before - self.n_first_positive, self.schedule_gap, nan, nan),
            ("median time from last draw to recurrence, never positive",
             self.events - self.n_before, self.unwarned_gap, nan, nan),
            ("positive without recurrence", self.without_recurrence,
             float(self.positive_without_recurrence), nan, nan),
        ]  # fmt: skip
        said = " ".join(self.bias)
        return pl.DataFrame(
            [(*row, said) for row in rows],
            schema=["measure", "n", "value", "lower", "upper", "bias"],
            orient="row",
        )

    def patients(self) -> pl.DataFrame:
        """One row per recurrence with a draw before it."""
        import polars as pl

        names = (
            "recurrence_day", "first_positive_day", "last_negative_day", "last_draw_day",
            "lead_time",
        )  # fmt: skip
        return pl.DataFrame(
            {"patient": [str(p) for p in self.patient]} | {n: getattr(self, n) for n in names}
        )


def _median_limits(values: Floats, level: float) -> tuple[float, float]:
    """Order statistics that enclose the median with at least the level; NaN with too few."""
    n = values.size
    half, rank = (1.0 - level) / 2.0, 0
    while rank < n and bdtr(rank, n, 0.5) <= half:
        rank += 1
    if rank == 0:
        return float("nan"), float("nan")
    ordered = np.sort(values)
    return float(ordered[rank - 1]), float(ordered[n - rank])


def _proportion_limits(count: int, n: int, level: float) -> tuple[float, float]:
    """Clopper and Pearson's limits."""
    half = (1.0 - level) / 2.0
    lower = betaincinv(count, n - count + 1, half) if count else 0.0
    upper = betaincinv(count + 1, n - count, 1.0 - half) if count < n else 1.0
    return float(lower), float(upper)


def _middle(values: Floats, q: float = 0.5) -> float:
    known = values[~np.isnan(values)]
    return float(np.quantile(known, q)) if known.size else float("nan")


def _extreme(place: Any, days: Floats, n: int, which: Booleans, *, last: bool) -> Floats:
    """First or last of the chosen draw days of every patient; NaN without one."""
    start = -np.inf if last else np.inf
    found = np.full(n, start)
    (np.maximum if last else np.minimum).at(found, place[which], days[which])
    return np.where(np.isinf(found), np.nan, found)


def _number_of(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _bias(
    warned: int, already: int, positive: int, without: int, gap: float, no_draw: int, after: int
) -> tuple[str, ...]:
    later = f" (median {gap:.3g})" if gap == gap else ""
    return (
        f"Selection: only patients with the event count. {positive} of {without} patients without "
        "it were positive too and have no lead time; the risk after a positive draw is another "
        "question.",
        "Interval: draws were taken on a schedule. The status turned positive at an unknown time "
        f"since the last negative draw{later}, and before the first draw in {already} of {warned} "
        "patients, so the lead is counted too short.",
        "Length: slow disease is positive for longer and so is met by more draws; long leads are "
        "over-represented.",
        "Follow-up: events after its end are missing, most of all late ones after long leads.",
        "Immortal time: a patient must be free of the event to have a later draw. Do not compare "
        "outcomes from baseline by ever being positive; use a landmark or a time-varying status.",
        "Lead time alone makes survival from the positive draw longer; it does not show that "
        "earlier treatment helps.",
        f"Left out: {_number_of(no_draw, 'event')} without a draw before; "
        f"{_number_of(after, 'draw')} on or after the end of follow-up.",
    )


def lead_time(
    draw_patient: Any,
    draw_day: Any,
    positive: Any,
    patient: Any,
    time: Any,
    event: Any,
    *,
    level: float = 0.95,
) -> LeadTime:
    r"""Measure how long before a recurrence serial draws turned positive.

    Use it to describe serial draws of patients who recurred. It is no measure of benefit, and the
    result says what biases it.

    Parameters
    ----------
    draw_patient, draw_day, positive : array-like, shape (d,)
        Patient, day and status (bool or 0/1) of every draw that gave a status.
    patient, time, event : array-like, shape (n,)
        Every patient once: the day of recurrence or of the end of follow-up, and 1 for recurrence.
        Days count from the same origin as those of the draws.
    level : float
        Confidence level.

    Returns
    -------
    LeadTime
        Share positive before the recurrence, median and quartiles of the lead, ``.bias``,
        ``.table()`` and ``.patients()``.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows; draws of patients who are not listed.
    EstimationError
        Without a recurrence that has a draw before it.

    Notes
    -----
    A draw on the day of the recurrence is not before it. The median's limits are order statistics
    (binomial); the lead is counted from the day of the first positive draw.

    References
    ----------
    .. [1] Zelen M, Feinleib M (1969). On the theory of screening for chronic diseases.
       Biometrika 56:601-614.

    Examples
    --------
    >>> found = lead_time(["a", "a", "b", "c"], [10, 50, 20, 30], [0, 1, 0, 1],
    ...                   ["a", "b", "c"], [90, 60, 200], [1, 1, 0])
    >>> found.median, found.n_before, found.events, found.positive_without_recurrence
    (40.0, 1, 2, 1)
    """
    check_level(level)
    names, place, days, status, end, recurred = _read(
        draw_patient, draw_day, positive, patient, time, event
    )
    n = len(names)
    inside = days < end[place]
    first = _extreme(place, days, n, inside & status, last=False)
    last = _extreme(place, days, n, inside, last=True)
    turned = np.where(np.isnan(first), np.inf, first)
    negative = _extreme(place, days, n, inside & ~status & (days < turned[place]), last=True)
    drawn = ~np.isnan(last)
    count = drawn & recurred
    r = int(count.sum())
    if r == 0:
        raise EstimationError(
            f"lead_time: none of {int(recurred.sum())} recurrences has a draw before it"
        )
    lead = (end - first)[count]
    known = lead[~np.isnan(lead)]
    gap = _middle((first - negative)[count])
    free = drawn & ~recurred
    warned_not = int((free & ~np.isnan(first)).sum())
    already = int(np.isnan(negative[count & ~np.isnan(first)]).sum())
    no_draw, after = int((recurred & ~drawn).sum()), int((~inside).sum())
    return LeadTime(
        tuple(np.asarray(names, dtype=object)[count]), end[count], first[count], negative[count],
        last[count], lead, known.size, already, known.size / r,
        *_proportion_limits(known.size, r, level),
        _middle(known), *_median_limits(known, level), _middle(known, 0.25), _middle(known, 0.75),
        gap, _middle((end - last)[count & np.isnan(first)]), warned_not, int(free.sum()), no_draw,
        after, int(drawn.sum()), r,
        _bias(known.size, already, warned_not, int(free.sum()), gap, no_draw, after), level,
        "first positive draw to recurrence", {"level": level},
    )  # fmt: skip


def _read(
    draw_patient: Any, draw_day: Any, positive: Any, patient: Any, time: Any, event: Any
) -> tuple[list[Any], Any, Floats, Booleans, Floats, Booleans]:
    """Check both tables; patients by label, draws by the index of their patient."""
    faults = Faults("lead_time")
    names, codes = labels(patient, "patient", faults)
    drawn, draws = labels(draw_patient, "draw_patient", faults)
    days, status = numbers(draw_day, "draw_day", faults), numbers(positive, "positive", faults)
    for name, column in (("draw_day", days), ("positive", status)):
        if column.size != draws.size:
            remedy = "align the columns of the draws"
            faults.note(name, f"{column.size} values", f"{draws.size}, as many as draws", remedy)
    faults.stop()
    faults.rows(
        ~np.isfinite(days), "draw_day", "missing or infinite values", "finite numbers",
        "leave out draws without a date, and count them",
    )  # fmt: skip
    faults.rows(
        (status != 0.0) & (status != 1.0), "positive", "values other than 0 and 1",
        "0, 1, False or True", "leave out draws without a status, and count them",
    )  # fmt: skip
    twice = np.bincount(codes, minlength=len(names))[codes] > 1
    faults.rows(twice, "patient", "patients listed twice", "each patient once", "merge the rows")
    index = {name: i for i, name in enumerate(names)}
    unknown = np.array([d not in index for d in drawn], dtype=bool)
    if unknown.any():
        strange = unknown[draws]
        remedy = "add their follow-up, or leave these draws out"
        faults.rows(strange, "draw_patient", "patients without follow-up", "listed ones", remedy)
    seen = observations(time, event, None, None, faults, ("patient", codes))
    place = np.array([index[d] for d in drawn], dtype=np.int64)[draws]
    order = np.argsort(codes)
    return names, place, days, status == 1.0, seen.time[order], seen.event[order]
