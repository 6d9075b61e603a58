"""Write data/discrimination.csv, a synthetic cohort with ties and competing events (fixed seed)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl


def make(n: int = 240, seed: int = 20_261_126) -> pl.DataFrame:
    """Whole days (many ties), half of the score values tied, event codes 0, 1, 2."""
    rng = np.random.default_rng(seed)
    first = np.round(rng.normal(size=n), 1)
    second = np.round(0.7 * first + rng.normal(size=n), 1)
    hazard = np.exp(0.6 * first + 0.3 * second)
    times = rng.exponential(1.0, size=(3, n)) * [[40.0], [90.0], [45.0]]
    times[0] /= hazard
    time = np.ceil(times.min(axis=0))
    return pl.DataFrame(
        {
            "time": time.astype(int),
            "code": np.array([1, 2, 0])[times.argmin(axis=0)],
            "entry": np.floor(time * rng.uniform(0.0, 0.9, size=n)).astype(int),
            "first": first,
            "second": second,
            "risk_a": np.round(1.0 / (1.0 + np.exp(0.4 - first)), 3),
            "risk_b": np.round(1.0 / (1.0 + np.exp(0.4 - first - second / 2.0)), 3),
            "stratum": rng.integers(0, 3, size=n),
            "cluster": rng.integers(0, 50, size=n),
            "weight": rng.integers(1, 4, size=n),
        }
    )


if __name__ == "__main__":
    make().write_csv(Path(__file__).parent / "data" / "discrimination.csv")
