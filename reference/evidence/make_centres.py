"""Write the synthetic patients of several centres: data/centres.csv.

Centre "none" has no events, "one" has marker-positive patients only, "rare" has events among the
positive only, "tiny" has four patients.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
SIZES = {
    "A": 120, "B": 80, "C": 150, "D": 60, "E": 90, "F": 70, "none": 12, "one": 15, "rare": 20,
    "tiny": 4,
}  # fmt: skip


def patients(seed: int = 1869) -> list[tuple[object, ...]]:
    """Patients with a marker, age that differs by centre, grade, entry, time and event."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[object, ...]] = []
    for i, (centre, n) in enumerate(SIZES.items()):
        marker = (rng.random(n) < 0.35).astype(int)
        age = (rng.normal(54 + 2 * (i % 5), 9, n)).round(1)
        grade = rng.integers(1, 4, n)
        effect = rng.normal(0.6, 0.7)
        if centre == "one":
            marker[:] = 1
        risk = effect * marker + 0.015 * (age - 55) + 0.3 * (grade == 3)
        risk = risk + 0.02 * marker * (age - 55) + rng.normal(0, 0.3)
        time = np.ceil(rng.exponential(900, n) * np.exp(-risk))
        end = np.ceil(rng.uniform(200, 2000, n))
        event = (time <= end).astype(int)
        if centre == "none":
            event[:] = 0
        if centre == "rare":
            event = event * marker
        time = np.minimum(time, end)
        entry = np.floor(time * rng.uniform(0, 0.5, n) * (rng.random(n) < 0.3))
        entry = np.minimum(entry, time - 1)
        rows += [(centre, *r) for r in zip(entry.astype(int), time.astype(int), event, marker,
                                           age, grade, strict=True)]  # fmt: skip
    return rows


def main() -> None:
    path = HERE / "data" / "centres.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("centre", "entry", "time", "event", "marker", "age", "grade"))
        writer.writerows(patients())
    print(path)


if __name__ == "__main__":
    main()
