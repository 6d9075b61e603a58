"""Write the synthetic cohort of the pinned values: data/cohort.csv."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
NAMES = (
    "x1", "x2", "x3", "t_continuous", "t_day", "entry_continuous", "entry_day", "event", "weight",
    "offset", "stratum", "arm",
)  # fmt: skip


def cohort(n: int = 160, seed: int = 1869) -> np.ndarray:
    """Simulate n subjects; the first two strata have one subject and no event."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3)).round(4)
    x[:, 2] = x[:, 2] > 0
    stratum = rng.integers(2, 6, n)
    stratum[0], stratum[1:6] = 0, 1
    t = (rng.exponential(size=n) * np.exp(-x @ [0.5, -0.4, 0.7]) * 100).round(5) + 0.01
    day = np.ceil(t / 6)
    late = rng.random(n) < 0.6
    entry = (t * rng.uniform(0, 0.9, n) * late).round(5)
    entry_day = np.minimum(np.floor(entry / 6), day - 1)
    event = rng.random(n) < 0.7
    event[1:6] = False
    weight = rng.choice([0.5, 1.0, 2.0, 1.7], n)
    offset = (rng.normal(size=n) * 0.3).round(4)
    arm = rng.integers(0, 3, n)
    return np.column_stack([x, t, day, entry, entry_day, event, weight, offset, stratum, arm])


def main() -> None:
    path = HERE / "data" / "cohort.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(NAMES)
        writer.writerows([[f"{v:.10g}" for v in row] for row in cohort()])
    print(path)


if __name__ == "__main__":
    main()
