"""Write the synthetic cohort of the competing risks: data/competing.csv."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
NAMES = (
    "t_continuous", "t_day", "entry_continuous", "entry_day", "code", "group", "x1", "x2", "weight",
    "stratum", "centre",
)  # fmt: skip


def cohort(n: int = 240, seed: int = 1869) -> np.ndarray:
    """Simulate n patients: recurrence (1), death first (2), other (3), censored (0)."""
    rng = np.random.default_rng(seed)
    group, x1 = rng.integers(0, 3, n), rng.normal(size=n).round(4)
    x2 = (rng.random(n) < 0.4).astype(int)
    rates = np.stack([0.012 * np.exp(0.5 * x1 + 0.4 * x2), 0.006 * np.exp(0.3 * x2 - 0.2 * x1),
                      np.full(n, 0.001)])  # fmt: skip
    total = rates.sum(axis=0)
    t = rng.exponential(size=n) / total
    kind = (rng.random(n) * total > np.cumsum(rates, axis=0)).sum(axis=0) + 1
    censored = rng.uniform(5, 130 + 30 * group, n)
    code = np.where(t <= censored, kind, 0)
    t = (np.minimum(t, censored) + 0.01).round(5)
    day = np.ceil(t / 6)
    entry = (t * rng.uniform(0, 0.9, n) * (rng.random(n) < 0.6)).round(5)
    entry_day = np.minimum(np.floor(entry / 6), day - 1)
    weight, stratum = rng.choice([0.5, 1.0, 2.0, 1.7], n), rng.integers(0, 3, n)
    centre = rng.integers(0, 12, n)
    return np.column_stack([t, day, entry, entry_day, code, group, x1, x2, weight, stratum, centre])


def main() -> None:
    path = HERE / "data" / "competing.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(NAMES)
        writer.writerows([[f"{v:.10g}" for v in row] for row in cohort()])
    print(path)


if __name__ == "__main__":
    main()
