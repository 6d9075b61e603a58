"""Data of the benchmarks: follow-up at day resolution, about half with an event."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

STRATA = 11


@dataclass(frozen=True, slots=True)
class Study:
    """Simulated follow-up of n subjects."""

    time: np.ndarray
    event: np.ndarray
    covariates: np.ndarray
    stratum: np.ndarray
    arm: np.ndarray


def simulate(n: int, p: int = 10, seed: int = 1869) -> Study:
    """Exponential times with p normal covariates, uniform censoring over ten years, whole days."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p))
    risk = np.exp(-x @ np.linspace(-0.3, 0.3, p))
    time = np.ceil(rng.exponential(size=n) * risk * 2300)
    end = np.ceil(rng.uniform(0, 3650, n))
    event = (time <= end).astype(float)
    stratum, arm = rng.integers(0, STRATA, n), rng.integers(0, 2, n)
    return Study(np.minimum(time, end), event, x, stratum, arm)


def write(study: Study, path: Path) -> None:
    """Write the columns one after the other as float64, for R's readBin."""
    parts = [study.time, study.event, study.stratum, study.arm, study.covariates.T.ravel()]
    np.concatenate([np.asarray(p, dtype="<f8") for p in parts]).tofile(path)
