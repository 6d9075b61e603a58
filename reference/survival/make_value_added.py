"""Write `data/value_added.csv`: a synthetic cohort with a count, competing events and predictions.

A third of the counts are 0, times are whole days with ties, and two columns of predictions are
risks of the event by day 1095 from a model that is not the one that made the data. Column `time` is
the first of both events or the end of follow-up, `code` says which (0 none, 1 the event, 2
competing).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

N = 400


def main() -> None:
    """Draw with a fixed seed and write."""
    rng = np.random.default_rng(20261126)
    age = np.round(rng.normal(58.0, 11.0, N), 1)
    grade3 = (rng.random(N) < 0.35) * 1
    count = np.where(rng.random(N) < 0.35, 0, rng.negative_binomial(0.6, 0.04, N))
    risk = 0.02 * (age - 58.0) + 0.5 * grade3 + 0.28 * np.log1p(count)
    event = rng.exponential(1.0, N) * 2200.0 * np.exp(-risk)
    other = rng.exponential(1.0, N) * 6000.0 * np.exp(-0.04 * (age - 58.0))
    end = rng.uniform(500.0, 2500.0, N)
    time = np.ceil(np.minimum(np.minimum(event, other), end))
    code = np.where(end <= np.minimum(event, other), 0, np.where(event <= other, 1, 2))
    time = np.where(rng.random(N) < 0.5, np.ceil(time / 30.0) * 30.0, time)
    clinical = 1.0 - np.exp(-0.55 * np.exp(0.025 * (age - 58.0) + 0.4 * grade3))
    further = 0.02 * (age - 58.0) + 0.4 * grade3 + 0.35 * np.log1p(count)
    marked = 1.0 - np.exp(-0.35 * np.exp(further))
    pl.DataFrame(
        {
            "time": time.astype(int), "code": code, "age": age, "grade3": grade3, "count": count,
            "untied": time + np.round(rng.random(N), 6), "clinical": np.round(clinical, 6),
            "marked": np.round(marked, 6), "skewed": np.round(rng.lognormal(0.0, 1.0, N), 5),
        }
    ).write_csv(Path(__file__).parent / "data" / "value_added.csv")  # fmt: skip


if __name__ == "__main__":
    main()
