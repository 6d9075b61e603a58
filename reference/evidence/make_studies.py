"""Write the synthetic sets of studies of the pinned values: data/studies.csv."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
SETS = {
    "two": (2, 0.3), "three": (3, 0.2), "six": (6, 0.5), "twelve": (12, 0.15), "forty": (40, 0.4),
}  # fmt: skip


def sets(seed: int = 1869) -> list[tuple[str, float, float]]:
    """Sets of k log hazard ratios with heterogeneity tau; one agrees better than chance."""
    rng = np.random.default_rng(seed)
    rows = []
    for name, (k, tau) in SETS.items():
        error = np.exp(rng.normal(-1.4, 0.6, k)).round(4)
        estimate = rng.normal(0.5, np.sqrt(tau**2 + error**2)).round(4)
        rows += [(name, *pair) for pair in zip(estimate, error, strict=True)]
    rows += [("alike", e, s) for e, s in zip((0.40, 0.41, 0.42, 0.40), (0.2, 0.25, 0.3, 0.22),
                                             strict=True)]  # fmt: skip
    wide = np.exp(np.linspace(-5, 2, 15)).round(5)
    centre = rng.normal(0.2, np.sqrt(0.1 + wide**2)).round(4)
    return rows + [("wide", e, s) for e, s in zip(centre, wide, strict=True)]


def main() -> None:
    path = HERE / "data" / "studies.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("set", "estimate", "standard_error"))
        writer.writerows((name, f"{e:.10g}", f"{s:.10g}") for name, e, s in sets())
    print(path)


if __name__ == "__main__":
    main()
