"""59 published figures as patients (MIT licence), and their steps as input."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ashworth.survival import cox

FOLDER = Path(__file__).resolve().parents[1] / "data" / "published_curves"
INTERVALS = 8


@dataclass(frozen=True)
class Printed:
    """One figure: its patients, and its curve with the numbers at risk at eight times."""

    name: str
    trial: str
    n_arms: int
    printed_log_hr: float
    time: np.ndarray
    event: np.ndarray
    arm: np.ndarray

    @property
    def log_hr(self) -> float:
        second = (self.arm == np.unique(self.arm)[1]).astype(float)
        return float(cox(self.time, self.event, second).coefficients[0])

    def events(self) -> dict[str, int]:
        return {a: int(self.event[self.arm == a].sum()) for a in np.unique(self.arm).tolist()}

    def sizes(self) -> dict[str, int]:
        return {a: int((self.arm == a).sum()) for a in np.unique(self.arm).tolist()}

    def curve(self) -> dict[str, Any]:
        """Steps of every arm and the end of its curve."""
        parts = []
        for label in np.unique(self.arm).tolist():
            t, d = self._of(label)
            times, survival, died = kaplan_meier(t, d)
            keep = died | (times == times[-1])
            parts.append((times[keep], survival[keep], [label] * int(keep.sum())))
        return {
            "time": np.concatenate([p[0] for p in parts]),
            "survival": np.concatenate([p[1] for p in parts]),
            "arm": [a for p in parts for a in p[2]],
        }

    def clicks(self, error: float, points: int, rng: np.random.Generator) -> dict[str, Any]:
        """Equidistant clicks with a normal error, three digits."""
        parts = []
        for label in np.unique(self.arm).tolist():
            times, survival, _ = kaplan_meier(*self._of(label))
            at = np.linspace(0.0, times[-1], points + 1)[1:]
            level = np.append(1.0, survival)[np.searchsorted(times, at, side="right")]
            seen = np.clip(level + rng.normal(0.0, error, at.size), 0.0, 1.0)
            parts.append((at, np.round(seen, 3), [label] * at.size))
        return {
            "time": np.concatenate([p[0] for p in parts]),
            "survival": np.concatenate([p[1] for p in parts]),
            "arm": [a for p in parts for a in p[2]],
        }

    def risk_table(self) -> dict[str, Any]:
        """Numbers at risk at eight regular times of the figure, as far as each curve goes."""
        rows = []
        for label in np.unique(self.arm).tolist():
            t, _ = self._of(label)
            for at in np.arange(INTERVALS) * self.time.max() / INTERVALS:
                if at <= t.max():
                    rows.append((at, int((t >= at).sum()), label))
        times, numbers, arms = zip(*rows, strict=True)
        return {"risk_time": times, "at_risk": numbers, "risk_arm": arms}

    def _of(self, label: str) -> tuple[np.ndarray, np.ndarray]:
        mine = self.arm == label
        return self.time[mine], self.event[mine]


def kaplan_meier(t: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct times, the estimate just after each, and whether there was an event."""
    times, place = np.unique(t, return_inverse=True)
    died = np.bincount(place, d)
    at_risk = t.size - np.append(0, np.cumsum(np.bincount(place))[:-1])
    return times, np.cumprod(1.0 - died / at_risk), died > 0


@cache
def figures() -> tuple[Printed, ...]:
    """All 59."""
    known = pl.read_csv(FOLDER / "figures.csv")
    patients = pl.read_csv(FOLDER / "patients.csv.gz")
    parts = patients.partition_by("figure", as_dict=True)
    made = []
    for row in known.iter_rows(named=True):
        mine = parts[(row["name"],)]
        columns = (mine[c].to_numpy() for c in ("time", "event", "arm"))
        made.append(
            Printed(
                row["name"],
                row["ClinicalTrial"],
                row["NumberOfArms"],
                float(np.log(row["HazardRatio"])),
                *columns,
            )
        )
    return tuple(made)
