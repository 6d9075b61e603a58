"""Clicked points of one arm: put in order, with a report of what had to be changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ashworth.survival.inputs import Faults, Floats, Integers

_NOISE = 1e-9
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Clicks:
    """Points of one arm after repair, and what the repair did.

    Attributes
    ----------
    time, given, survival : ndarray, shape (k,)
        Times, which increase; survival as given; survival as used, which never rises.
    n_given, n_repaired : int
        Points given; points whose survival was changed.
    largest_repair : float
        Largest change of survival, as a proportion.
    n_merged : int
        Points left out because a later one stands at the same time.
    """

    time: Floats
    given: Floats
    survival: Floats
    n_given: int
    n_repaired: int
    largest_repair: float
    n_merged: int


def repair(time: Floats, survival: Floats, most: float, rows: Integers, faults: Faults) -> Clicks:
    """Make survival never rise, by least squares; note a fault where that changes too much.

    Parameters
    ----------
    time, survival : ndarray, shape (m,)
        Points of one arm, times in order, finite.
    most : float
        Largest change of survival that is a repair and not a fault.
    rows : ndarray, shape (m,)
        Their rows in the input, from 0; an added point at time 0 has the row of the next.
    faults : Faults
        Collects.

    Returns
    -------
    Clicks
        Where points share a time, the lowest as repaired: the foot of a step.
    """
    from scipy.optimize import isotonic_regression

    repaired = np.clip(isotonic_regression(survival, increasing=False).x, 0.0, 1.0)
    repaired[time == 0.0] = 1.0
    change = np.abs(repaired - survival)
    if (change > most).any():
        _too_much(change, most, rows, faults)
    added = int(rows.size > 1 and rows[0] == rows[1])
    kept = np.append(time[1:] > time[:-1], True)
    return Clicks(
        time[kept],
        survival[kept],
        np.where(change > _NOISE, repaired, np.clip(survival, 0.0, 1.0))[kept],
        time.size - added,
        int((change > _NOISE).sum()),
        float(change.max(initial=0.0)),
        int((~kept).sum()),
    )


def _too_much(change: Floats, most: float, rows: Integers, faults: Faults) -> None:
    bad = rows[change > most].tolist()
    more = ", ..." if len(bad) > _SHOWN else ""
    listed = ", ".join(str(r) for r in bad[:_SHOWN])
    faults.note(
        "survival",
        f"values that rise, or are not 1 at time 0, by up to {change.max():.3g} (rows from 0: "
        f"{listed}{more})",
        f"changes by repair of at most {most:g}",
        "click these points again; look whether two arms are in one, or pass largest_repair",
    )
