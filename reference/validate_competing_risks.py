"""Simulate coverage and error rates of competing risks and surveillance.

``python validate_competing_risks.py [runs]``; 2000 by default. The truth is Fine and Gray's own
model: the incidence of cause 1 is 1 - (1 - p (1 - e^-t))^exp(bx) and the rest fail from cause 2;
two groups (x = 0, 1), p = 0.5, uniform censoring over 0.3 to 3 (about 30 %), n = 300, times in
hundredths with ties. Every figure must lie in the binomial band of its number of runs (99.9 %),
with 0.01 on either side, for all but the median hold in large samples only.

Measured on 26 November 2026 with 1000 runs (band for 95 %: 0.916-0.984; for 5 %: 0.016-0.084):

| what | found |
|---|---|
| coverage, Fine-Gray coefficient | 0.954 (0.951 with 4000 runs) |
| coverage, Fine-Gray prediction | 0.951 |
| type I error, Fine-Gray Wald test | 0.044 |
| type I error, Gray's test | 0.043 |
| coverage, incidence, jackknife and aalen | 0.945, 0.945 |
| coverage, risk difference | 0.951 |
| coverage, PPV, NPV, sensitivity, specificity | 0.950, 0.945, 0.958, 0.954 |
| coverage, PPV and sensitivity by weights | 0.948, 0.958 |
| coverage, median lead time of 25 (exact, at least 0.95) | 0.959 |
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
from validate import band

from ashworth.survival import (
    absolute_risk_by_status,
    cumulative_incidence,
    fine_gray,
    gray_test,
    lead_time,
    predictive_values,
)

P, N, LEVEL, SLACK = 0.5, 300, 0.95, 0.01
Sample = tuple[np.ndarray, np.ndarray, np.ndarray]


def patients(seed: int, effect: float, n: int = N) -> Sample:
    """Times, codes and group of n patients; ends are whole hundredths, so that ties occur."""
    rng = np.random.default_rng([7, seed])
    x = rng.integers(0, 2, n)
    power = np.exp(effect * x)
    u = rng.random(n)
    own = u < 1 - (1 - P) ** power
    with np.errstate(invalid="ignore", divide="ignore"):
        time = -np.log1p(-(1 - (1 - u) ** (1 / power)) / P)
    time = np.where(own, time, rng.exponential(size=n))
    end = rng.uniform(0.3, 3.0, n)
    code = np.where(time <= end, np.where(own, 1, 2), 0)
    return np.ceil(np.minimum(time, end) * 100) / 100, code, x


def truth(time: float, effect: float, x: int) -> float:
    """Incidence of cause 1."""
    return float(1 - (1 - P * -np.expm1(-time)) ** np.exp(effect * x))


def fine_gray_coverage(seed: int) -> bool:
    time, code, x = patients(seed, 0.5)
    lower, upper = fine_gray(time, code, x).confint(LEVEL)[0]
    return bool(lower <= 0.5 <= upper)


def fine_gray_error(seed: int) -> bool:
    return bool(fine_gray(*patients(seed, 0.0)).p_values[0] < 1 - LEVEL)


def prediction_coverage(seed: int) -> bool:
    time, code, x = patients(seed, 0.5)
    found = fine_gray(time, code, x).predict([1.0], 1.0, level=LEVEL)
    return bool(found.lower[0, 0] <= truth(1.0, 0.5, 1) <= found.upper[0, 0])


def gray_error(seed: int) -> bool:
    return gray_test(*patients(seed, 0.0)).p_value < 1 - LEVEL


def incidence_coverage(variance: str) -> Callable[[int], bool]:
    def one(seed: int) -> bool:
        time, code, _ = patients(seed, 0.0)
        fit = cumulative_incidence(time, code, variance=variance, level=LEVEL)
        at = fit["all", 1].incidence_at(1.0)
        return bool(at.lower[0] <= truth(1.0, 0.0, 0) <= at.upper[0])

    return one


def difference_coverage(seed: int) -> bool:
    found = absolute_risk_by_status(*patients(seed, 0.5), 1.0, level=LEVEL)
    true = truth(1.0, 0.5, 1) - truth(1.0, 0.5, 0)
    return bool(found.difference_lower[1, 0] <= true <= found.difference_upper[1, 0])


def value_coverage(measure: int, method: str) -> Callable[[int], bool]:
    low, high = truth(1.0, 0.5, 0), truth(1.0, 0.5, 1)
    true = (high, 1 - low, high / (high + low), (1 - low) / (2 - low - high))[measure]

    def one(seed: int) -> bool:
        found = predictive_values(*patients(seed, 0.5), 1.0, method=method, level=LEVEL)
        return bool(found.lower[measure, 0] <= true <= found.upper[measure, 0])

    return one


def median_coverage(seed: int) -> bool:
    rng = np.random.default_rng([8, seed])
    n = 25
    lead, ids = rng.exponential(size=n), np.arange(n)
    found = lead_time(ids, 10 - lead, np.ones(n), ids, np.full(n, 10.0), np.ones(n), level=LEVEL)
    return found.median_lower <= np.log(2) <= found.median_upper


CHECKS: dict[str, tuple[Callable[[int], bool], float]] = {
    "coverage, Fine-Gray coefficient": (fine_gray_coverage, LEVEL),
    "coverage, Fine-Gray prediction": (prediction_coverage, LEVEL),
    "type I error, Fine-Gray Wald": (fine_gray_error, 1 - LEVEL),
    "type I error, Gray": (gray_error, 1 - LEVEL),
    "coverage, incidence, jackknife": (incidence_coverage("jackknife"), LEVEL),
    "coverage, incidence, aalen": (incidence_coverage("aalen"), LEVEL),
    "coverage, risk difference": (difference_coverage, LEVEL),
    "coverage, PPV": (value_coverage(0, "kaplan-meier"), LEVEL),
    "coverage, NPV": (value_coverage(1, "kaplan-meier"), LEVEL),
    "coverage, sensitivity": (value_coverage(2, "kaplan-meier"), LEVEL),
    "coverage, specificity": (value_coverage(3, "kaplan-meier"), LEVEL),
    "coverage, PPV by weights": (value_coverage(0, "ipcw"), LEVEL),
    "coverage, sensitivity by weights": (value_coverage(2, "ipcw"), LEVEL),
}


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    bad = 0
    for name, (check, target) in CHECKS.items():
        found = sum(check(seed) for seed in range(runs)) / runs
        low, high = band(target, runs, SLACK)
        inside = low <= found <= high
        bad += not inside
        print(
            f"{name}: {found:.4f} ({low:.4f}-{high:.4f}){'' if inside else ' OUTSIDE'}", flush=True
        )
    found = sum(median_coverage(seed) for seed in range(runs)) / runs
    bad += found < LEVEL - 0.01
    print(f"coverage, median lead time (exact, at least {LEVEL}): {found:.4f}")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
