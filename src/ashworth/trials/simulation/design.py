"""What a simulated trial with a time to event needs: hazards, accrual, looks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ashworth.trials.faults import Faults

Floats = NDArray[np.float64]
DAYS_PER_MONTH = 365.25 / 12
NEVER = 1e12


@dataclass(frozen=True, slots=True)
class GroupHazards:
    """Hazards of groups of patients in pieces, per day.

    Attributes
    ----------
    starts, rates : ndarray, shape (groups, pieces)
        Day at which a piece begins (the first at 0), and its hazard.
    """

    starts: Floats
    rates: Floats

    @property
    def cumulative(self) -> Floats:
        """Cumulative hazard at the begin of every piece."""
        widths = np.diff(self.starts, axis=1)
        grown = np.cumsum(self.rates[:, :-1] * widths, axis=1)
        return np.concatenate([np.zeros((len(self.rates), 1)), grown], axis=1)

    @property
    def waits(self) -> Floats:
        """Days per unit of hazard; a piece without hazard never ends."""
        with np.errstate(divide="ignore"):
            return np.where(self.rates > 0, 1 / self.rates, NEVER)

    def integrated(self, days: Floats) -> Floats:
        """Cumulative hazard of every group at days, shape (groups, days)."""
        ends = np.concatenate([self.starts[:, 1:], np.full((len(self.starts), 1), np.inf)], axis=1)
        inside = np.clip(days[None, None, :], self.starts[..., None], ends[..., None])
        return ((inside - self.starts[..., None]) * self.rates[..., None]).sum(axis=1)


@dataclass(frozen=True, slots=True)
class SurvivalDesign:
    """A two-arm trial with a time to event, in days.

    Attributes
    ----------
    hazards : GroupHazards
        Group 0 is control and group 1 experimental, unless groups are given with the patients.
    accrual_edges, accrual_share : tuple of float
        Calendar days and the share of patients entered by each; from 0 to 1.
    latest : int
        Calendar day of the last analysis at the latest.
    n : int
        Patients.
    ratio : tuple of int
        Control to experimental.
    drop_out : float
        Hazard of loss per day.
    looks : tuple of int
        Events of each look, increasing; 0: on the latest day.
    null_hazard_ratio : float
    """

    hazards: GroupHazards
    n: int
    accrual_edges: tuple[float, ...]
    latest: int
    accrual_share: tuple[float, ...] = (0.0, 1.0)
    ratio: tuple[int, int] = (1, 1)
    drop_out: float = 0.0
    looks: tuple[int, ...] = (0,)
    null_hazard_ratio: float = 1.0
    notes: tuple[str, ...] = field(default=())

    def arms(self) -> NDArray[np.uint8]:
        """Arm of each patient, in blocks that keep the ratio; entry does not follow the order."""
        block = [0] * self.ratio[0] + [1] * self.ratio[1]
        return np.resize(np.array(block, dtype=np.uint8), self.n)


def survival_design(
    *,
    n: int,
    hazard_ratio: float | Sequence[float],
    accrual_months: float,
    follow_up_months: float,
    control_median_months: float | None = None,
    control_per_month: Sequence[float] | None = None,
    control_from_month: Sequence[float] = (0.0,),
    hazard_ratio_from_month: Sequence[float] = (0.0,),
    drop_out_per_month: float = 0.0,
    ratio: tuple[int, int] = (1, 1),
    looks: Sequence[int] = (0,),
    null_hazard_ratio: float = 1.0,
) -> SurvivalDesign:
    """Make a two-arm design from months.

    Parameters
    ----------
    n : int
        Patients.
    hazard_ratio, hazard_ratio_from_month
        Experimental to control; in pieces for a delayed effect.
    accrual_months, follow_up_months : float
        Uniform accrual; time from its end to the last analysis.
    control_median_months, control_per_month, control_from_month
        Median for a constant hazard, or hazards in pieces.
    drop_out_per_month : float
    ratio : tuple of int
        Control to experimental.
    looks : sequence of int
        Events of each look; 0 for the last day.
    null_hazard_ratio : float
        Margin of non-inferiority, 1 for superiority.

    Raises
    ------
    InputError
        All faults at once.

    Examples
    --------
    >>> survival_design(n=100, hazard_ratio=0.7, control_median_months=12, accrual_months=12,
    ...     follow_up_months=12).latest
    731
    """
    faults = Faults("survival_design")
    faults.whole("n", n, least=2)
    faults.number("accrual_months", accrual_months, above=0)
    faults.number("follow_up_months", follow_up_months, least=0)
    faults.number("drop_out_per_month", drop_out_per_month, least=0)
    faults.number("null_hazard_ratio", null_hazard_ratio, above=0)
    effects = [hazard_ratio] if isinstance(hazard_ratio, (int, float)) else list(hazard_ratio)
    for value in effects:
        faults.number("hazard_ratio", value, above=0)
    _check_looks(faults, looks, n)
    rates = _control_rates(faults, control_median_months, control_per_month)
    _check_starts(faults, "control_from_month", control_from_month, rates)
    _check_starts(faults, "hazard_ratio_from_month", hazard_ratio_from_month, effects)
    faults.refuse()
    hazards = two_arm_hazards(rates, control_from_month, effects, hazard_ratio_from_month)
    accrual = accrual_months * DAYS_PER_MONTH
    latest = math.ceil(accrual + follow_up_months * DAYS_PER_MONTH)
    return SurvivalDesign(
        hazards, int(n), (0.0, accrual), latest, ratio=ratio,
        drop_out=drop_out_per_month / DAYS_PER_MONTH, looks=tuple(int(x) for x in looks),
        null_hazard_ratio=null_hazard_ratio,
    )  # fmt: skip


def two_arm_hazards(
    per_month: Sequence[float], from_month: Sequence[float], effects: Sequence[float],
    effects_from: Sequence[float],
) -> GroupHazards:  # fmt: skip
    """Hazards per day of control and of the experimental arm."""
    knots = np.array(sorted({*map(float, from_month), *map(float, effects_from)}))
    control = np.asarray(per_month)[np.searchsorted(from_month, knots, side="right") - 1]
    effect = np.asarray(effects)[np.searchsorted(effects_from, knots, side="right") - 1]
    rates = np.stack([control, control * effect]) / DAYS_PER_MONTH
    return GroupHazards(np.stack([knots, knots]) * DAYS_PER_MONTH, rates)


def stacked(parts: Sequence[GroupHazards]) -> GroupHazards:
    """Put groups with different pieces together; shorter ones repeat their last piece far away."""
    most = max(p.starts.shape[1] for p in parts)
    starts, rates = [], []
    for part in parts:
        missing = most - part.starts.shape[1]
        far = np.full((len(part.starts), missing), NEVER) + np.arange(missing)
        starts.append(np.concatenate([part.starts, far], axis=1))
        rates.append(
            np.concatenate([part.rates, np.repeat(part.rates[:, -1:], missing, 1)], axis=1)
        )
    return GroupHazards(np.concatenate(starts), np.concatenate(rates))


def _control_rates(
    faults: Faults, median: float | None, per_month: Sequence[float] | None
) -> list[float]:
    if (median is None) == (per_month is None):
        faults.add("control_median_months", "both or none of median and hazards", "one of them")
        return [1.0]
    if median is not None:
        right = faults.number("control_median_months", median, above=0)
        return [math.log(2) / median if right else 1.0]
    for value in per_month or ():
        faults.number("control_per_month", value, least=0)
    return list(per_month or ())


def _check_starts(
    faults: Faults, name: str, starts: Sequence[float], values: Sequence[float]
) -> None:
    begin = [float(s) for s in starts]
    if len(begin) != len(values) or begin[:1] != [0.0] or begin != sorted(set(begin)):
        faults.add(name, str(begin), f"{len(values)} months that begin at 0 and increase")


def _check_looks(faults: Faults, looks: Sequence[int], n: int) -> None:
    events = [x for x in looks if x != 0]
    if not looks or events != sorted(set(events)) or 0 in looks[:-1]:
        faults.add("looks", str(list(looks)), "increasing numbers of events; 0 only as the last")
    if any(x < 0 or x > n for x in events):
        faults.add("looks", str(list(looks)), f"events that {n} patients can have",
                   "no look after the last possible event")  # fmt: skip
