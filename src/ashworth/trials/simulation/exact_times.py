"""The same patients in continuous time, one replicate after the other: a check of the day engine.

The uniform numbers are those of the day engine, word by word; accrual, events and drop-out are
inverted by plain numpy, nothing is rounded, and the log-rank sums run over sorted times. With
`whole_days` the times are rounded up as the day engine does, and both engines give the same
numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ashworth.errors import EstimationError
from ashworth.survival import cox
from ashworth.trials.random_numbers.philox import key_of, philox_blocks
from ashworth.trials.simulation.design import GroupHazards, SurvivalDesign

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]
TIMES = 1
"""Purpose of the words: as in `day_kernels`."""
LATEST = 2_000_000_000.0


@dataclass(frozen=True, slots=True)
class SimulatedPatients:
    """The patients of one replicate.

    Attributes
    ----------
    entry, time : ndarray, shape (n,)
        Day of randomisation since the first patient could enter, and days from there to event or
        drop-out, if the trial went on for ever.
    event : ndarray of bool, shape (n,)
        False at drop-out.
    arm, group : ndarray of int, shape (n,)
        0 control, 1 experimental, 2 not analysed; hazard group.
    """

    entry: Floats
    time: Floats
    event: NDArray[np.bool_]
    arm: NDArray[np.int64]
    group: NDArray[np.int64]

    def day_of_events(self, events: int) -> float:
        """Calendar day on which the analysed have so many events; infinite where they never do."""
        calendar = np.sort((self.entry + self.time)[self.event & (self.arm < 2)])
        return float(calendar[events - 1]) if 0 < events <= calendar.size else np.inf

    def seen_on(self, day: float) -> SimulatedPatients:
        """What an analysis on a calendar day sees: entered patients, follow-up cut at the day."""
        room = day - self.entry
        who = (room > 0) & (self.arm < 2)
        inside = self.time <= room
        return SimulatedPatients(
            self.entry[who], np.where(inside, self.time, room)[who], (self.event & inside)[who],
            self.arm[who], self.group[who],
        )  # fmt: skip

    def table(self) -> pl.DataFrame:
        """One row per patient: entry_day, days, event, arm, group."""
        import polars as pl

        return pl.DataFrame(
            {"entry_day": self.entry, "days": self.time, "event": self.event, "arm": self.arm,
             "group": self.group}
        )  # fmt: skip


def simulated_patients(
    design: SurvivalDesign,
    *,
    seed: int,
    scenario: str = "base",
    replicate: int = 0,
    whole_days: bool = True,
    arms: NDArray[np.integer] | None = None,
    groups: NDArray[np.integer] | None = None,
) -> SimulatedPatients:
    """Make the patients of any one replicate again.

    Parameters
    ----------
    design : SurvivalDesign
    seed, scenario, replicate
        As for `simulate_survival`.
    whole_days : bool
        Entry rounded down and times rounded up to whole days, as `simulate_survival` has them.
    arms, groups : ndarray, shape (n,), optional
        As for `simulate_survival`.

    Examples
    --------
    >>> from ashworth.survival import log_rank
    >>> from ashworth.trials import survival_design, simulate_survival
    >>> design = survival_design(n=60, hazard_ratio=0.5, control_median_months=6,
    ...     accrual_months=12, follow_up_months=6)
    >>> seen = simulated_patients(design, seed=1, replicate=17).seen_on(design.latest)
    >>> there = log_rank(seen.time, seen.event, seen.arm).statistic
    >>> here = simulate_survival(design, replicates=1, seed=1, first=17).column("statistic")[0, 0]
    >>> round(float(here) ** 2, 9) == round(there, 9)
    True
    """
    arm = np.asarray(design.arms() if arms is None else arms, dtype=np.int64)
    group = arm if groups is None else np.asarray(groups, dtype=np.int64)
    words = philox_blocks(replicate, np.arange(design.n), TIMES, key_of(seed, scenario))
    uniforms = (words.astype(np.float64) + 0.5) / 4294967296.0
    entry = np.interp(uniforms[:, 0], design.accrual_share, design.accrual_edges)
    fails = _inverted(design.hazards, group, -np.log(uniforms[:, 1]))
    if whole_days:
        entry, fails = np.floor(entry), np.minimum(np.ceil(fails), LATEST)
    if design.drop_out == 0:
        return SimulatedPatients(entry, fails, np.ones(design.n, dtype=np.bool_), arm, group)
    lost = -np.log(uniforms[:, 2]) / design.drop_out
    if whole_days:
        lost = np.minimum(np.ceil(lost), LATEST)
    return SimulatedPatients(entry, np.minimum(fails, lost), fails <= lost, arm, group)


def _inverted(hazards: GroupHazards, group: NDArray[np.int64], reached: Floats) -> Floats:
    """Days at which each patient's cumulative hazard is reached."""
    cumulative, waits = hazards.cumulative, hazards.waits
    piece = (reached[:, None] > cumulative[group][:, 1:]).sum(axis=1)
    beyond = reached - cumulative[group, piece]
    return hazards.starts[group, piece] + beyond * waits[group, piece]


def exact_looks(
    design: SurvivalDesign, seed: int, scenario: str, first: int, arms: NDArray[np.uint8],
    groups: NDArray[np.int16], *, estimate: bool, whole_days: bool, out: Floats,
) -> None:  # fmt: skip
    """Fill ``out`` (replicates, looks, 9) as the day engine does, over sorted times."""
    for r in range(len(out)):
        patients = simulated_patients(
            design, seed=seed, scenario=scenario, replicate=first + r, whole_days=whole_days,
            arms=arms[min(r, len(arms) - 1)], groups=groups[min(r, len(groups) - 1)],
        )  # fmt: skip
        for look, events in enumerate(design.looks):
            day = design.latest if events == 0 else patients.day_of_events(events)
            day = min(day, design.latest)
            seen = patients.seen_on(day)
            out[r, look, :7] = (*_log_rank(seen, design.null_hazard_ratio), day)
            if estimate:
                out[r, look, 7:] = _cox(seen)


def _log_rank(seen: SimulatedPatients, null: float) -> tuple[float, ...]:
    """Statistic, score variance, events and numbers of both arms, over sorted times."""
    treated = seen.arm == 1
    counts = [float((seen.event & ~treated).sum()), float((seen.event & treated).sum()),
              float((~treated).sum()), float(treated.sum())]  # fmt: skip
    at = np.unique(seen.time[seen.event])
    if not at.size:
        return 0.0, 0.0, *counts
    risk = [m.size - np.searchsorted(m, at) for m in (np.sort(seen.time[~treated]),
                                                      np.sort(seen.time[treated]))]  # fmt: skip
    deaths = [np.bincount(np.searchsorted(at, seen.time[seen.event & who]), minlength=at.size)
              for who in (~treated, treated)]  # fmt: skip
    d, total = deaths[0] + deaths[1], risk[0] + risk[1]
    share = null * risk[1] / (null * risk[1] + risk[0])
    ties = np.divide(total - d, total - 1.0, out=np.zeros(at.size), where=total > 1)
    score, variance = (deaths[1] - d * share).sum(), (d * share * (1 - share) * ties).sum()
    statistic = float(score / np.sqrt(variance)) if variance > 0 else 0.0
    return statistic, float(variance), *counts


def _cox(seen: SimulatedPatients) -> tuple[float, float]:
    """Log hazard ratio and its information by `ashworth.survival.cox` (Breslow's ties)."""
    try:
        fit = cox(seen.time, seen.event, {"arm": (seen.arm == 1).astype(np.float64)},
                  ties="breslow")  # fmt: skip
    except EstimationError:
        return np.nan, 0.0
    beta, error = float(fit.coefficients[0]), float(fit.standard_errors[0])
    if not np.isfinite(beta):
        return np.nan, 0.0
    return beta, error**-2


def simulated_analysis(
    design: SurvivalDesign,
    analyse: Callable[[SimulatedPatients], float],
    *,
    replicates: int,
    seed: int,
    scenario: str = "base",
    first: int = 0,
) -> Floats:
    """Do any analysis on every replicate, as its last look sees it.

    Parameters
    ----------
    design : SurvivalDesign
    analyse : callable
        From the patients seen to one number; any function of `ashworth.survival`, for instance.
    replicates, seed, scenario, first
        As for `simulate_survival`: the same patients.

    Returns
    -------
    ndarray, shape (replicates,)

    Examples
    --------
    >>> from ashworth.survival import log_rank
    >>> from ashworth.trials import survival_design
    >>> design = survival_design(n=80, hazard_ratio=(1.0, 0.4), hazard_ratio_from_month=(0, 6),
    ...     control_median_months=8, accrual_months=12, follow_up_months=18)
    >>> def late(seen):
    ...     return log_rank(seen.time, seen.event, seen.arm, gamma=1).p_value
    >>> simulated_analysis(design, late, replicates=50, seed=1).shape
    (50,)
    """
    from ashworth.trials.simulation.runs import check_run

    check_run(replicates, seed, first)
    found = np.empty(replicates)
    for r in range(replicates):
        patients = simulated_patients(design, seed=seed, scenario=scenario, replicate=first + r)
        last = design.looks[-1]
        day = design.latest if last == 0 else patients.day_of_events(last)
        found[r] = analyse(patients.seen_on(min(day, design.latest)))
    return found
