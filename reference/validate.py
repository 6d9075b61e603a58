"""Simulate coverage and error rates at full size: `./dev validate [runs]`.

Every figure must lie in the binomial band of its number of runs (99.9 %).
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
from scipy.special import ndtri

from ashworth.survival import cox, kaplan_meier, log_rank

LEVEL = 0.95


def band(p: float, runs: int, slack: float = 0.0) -> tuple[float, float]:
    """Limits in which a proportion p of `runs` lies with probability 0.999."""
    half = float(ndtri(0.9995)) * np.sqrt(p * (1 - p) / runs) + 1 / runs
    return p - half - slack, p + half + slack


def arms(rng: np.random.Generator, n: int, ratio: float) -> tuple[np.ndarray, ...]:
    """Exponential times in two arms, censored uniformly, in whole days."""
    arm = rng.integers(0, 2, n)
    time = rng.exponential(size=n) * 900 * ratio ** (-arm.astype(float))
    end = rng.uniform(200, 2000, n)
    return np.ceil(np.minimum(time, end)), time <= end, arm


def curve_coverage(runs: int, ci: str, n: int = 200) -> float:
    """How often the limits at one year hold the true survival."""
    hits = 0
    truth = np.exp(-365 / 900)
    for seed in range(runs):
        time, event, _ = arms(np.random.default_rng([1, seed]), n, 1.0)
        at = kaplan_meier(time, event, ci=ci).survival_at(365)
        hits += bool(at.lower[0] <= truth <= at.upper[0])
    return hits / runs


def median_coverage(runs: int, n: int = 200) -> float:
    """How often the limits of the median hold it."""
    truth, hits = np.log(2) * 900, 0
    for seed in range(runs):
        time, event, _ = arms(np.random.default_rng([2, seed]), n, 1.0)
        lower, upper = kaplan_meier(time, event).median_limits
        hits += bool(not lower > truth and not upper < truth - 1)
    return hits / runs


def log_rank_error(runs: int, n: int = 200) -> float:
    """Type I error of the log-rank test at 5 %."""
    found = 0
    for seed in range(runs):
        time, event, arm = arms(np.random.default_rng([3, seed]), n, 1.0)
        found += log_rank(time, event, arm).p_value < 1 - LEVEL
    return found / runs


def cox_coverage(runs: int, ratio: float = 2.0, n: int = 300) -> float:
    """How often Cox limits hold the true log hazard ratio, with a second covariate and strata."""
    hits = 0
    for seed in range(runs):
        rng = np.random.default_rng([4, seed])
        time, event, arm = arms(rng, n, ratio)
        x = np.column_stack([arm, rng.normal(size=n)])
        lower, upper = cox(time, event, x, strata=rng.integers(0, 5, n)).confint(LEVEL)[0]
        hits += bool(lower <= np.log(ratio) <= upper)
    return hits / runs


def likelihood_ratio_error(runs: int, n: int = 300) -> float:
    """Type I error of the likelihood ratio test of three covariates at 5 %."""
    found = 0
    for seed in range(runs):
        rng = np.random.default_rng([5, seed])
        time, event, _ = arms(rng, n, 1.0)
        found += cox(time, event, rng.normal(size=(n, 3))).likelihood_ratio_test.p_value < 0.05
    return found / runs


TASKS: dict[str, tuple[Callable[[int], float], float, float]] = {
    "KM limits at 1 year, log-log": (lambda k: curve_coverage(k, "log-log"), LEVEL, 0.01),
    "KM limits at 1 year, log": (lambda k: curve_coverage(k, "log"), LEVEL, 0.01),
    "limits of the median": (median_coverage, LEVEL, 0.015),
    "log-rank, type I error": (log_rank_error, 1 - LEVEL, 0.005),
    "Cox limits, HR 2, 5 strata": (cox_coverage, LEVEL, 0.005),
    "likelihood ratio test, type I error": (likelihood_ratio_error, 1 - LEVEL, 0.01),
}
"""Task, nominal value, and what a first-order method may miss it by at these sizes."""


def validate(runs: int) -> list[str]:
    """Run all tasks; return the names of those outside their band."""
    failed = []
    for name, (task, nominal, slack) in TASKS.items():
        low, high = band(nominal, runs, slack)
        found = task(runs)
        good = low <= found <= high
        print(f"{name:38} {found:.4f}  band {low:.4f}-{high:.4f}  {'ok' if good else 'OUTSIDE'}")
        failed += [] if good else [name]
    return failed


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 4_000
    sys.exit(bool(validate(runs)))


if __name__ == "__main__":
    main()
