"""Made-up counts under therapy; no number comes from a patient."""

from __future__ import annotations

import numpy as np
import polars as pl


def courses(sizes: dict[str, int], *, draws: int = 3) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Draws of every patient, and the medians."""
    rng = np.random.default_rng(5)
    rows = []
    for group, n in sizes.items():
        for i in range(n):
            level = rng.lognormal(2.0, 1.5)
            for k in range(draws):
                day = 0.0 if k == 0 else 28.0 * k + float(rng.integers(-4, 5))
                count = int(rng.poisson(level * 0.5**k))
                rows.append((group, f"{group}-{i}", k, day, count, i % 2 == 0))
    frame = pl.DataFrame(
        rows, schema=["group", "patient", "draw", "time", "count", "marked"], orient="row"
    )
    medians = frame.group_by("group", "draw", maintain_order=True).agg(
        pl.col("time").median(), pl.col("count").median().alias("median"), pl.len().alias("n")
    )
    return frame.drop("draw"), medians.drop("draw")
