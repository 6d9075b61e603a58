"""Do the limits of shared frailty hold the planted values, and is the test of variance 0 exact?

Run: .venv/bin/python reference/validate_frailty.py [runs] [first seed]
20 centres of 15 patients, half of them censored at random, one covariate with log hazard ratio 0.5.
For each frailty distribution and variance: share of 95 % intervals that hold the covariate's
coefficient and the variance, mean estimates, and how often the test of variance 0 has p < 0.05;
with the band in which 99 % of such experiments lie if the nominal share is true.
Last run (500 runs gamma, 200 runs Gaussian, first seed 1) in validate_frailty.txt.
"""

from __future__ import annotations

import sys

import numpy as np
from scipy.stats import binom

from ashworth.survival import FrailtyResult, frailty_cox

CENTRES, SIZE, BETA = 20, 15, 0.5


def study(seed: int, distribution: str, variance: float) -> FrailtyResult:
    """Simulate one study and fit it."""
    rng = np.random.default_rng(seed)
    if variance == 0.0:
        frailty = np.ones(CENTRES)
    elif distribution == "gamma":
        frailty = rng.gamma(1.0 / variance, variance, CENTRES)
    else:
        frailty = np.exp(rng.normal(0.0, np.sqrt(variance), CENTRES))
    centre = np.repeat(np.arange(CENTRES), SIZE)
    x = rng.normal(size=centre.size)
    death = rng.exponential(1.0 / (frailty[centre] * np.exp(BETA * x)))
    end = rng.exponential(1.0, centre.size)
    return frailty_cox(
        np.minimum(death, end), death <= end, x, centre,
        distribution=distribution,  # pyrefly: ignore[bad-argument-type]
    )  # fmt: skip


def main() -> None:
    """Print one line per setting."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    low, high = binom.ppf([0.005, 0.995], runs, 0.95) / runs
    print(f"{runs} runs; band of a true 0.95: {low:.3f} to {high:.3f}")
    print(f"band of a true 0.05: {1 - high:.3f} to {1 - low:.3f}")
    for distribution in ("gamma", "gaussian"):
        for variance in (0.0, 0.1, 0.4):
            fits = [study(first + k, distribution, variance) for k in range(runs)]
            beta = np.mean([f.confint()[0, 0] <= BETA <= f.confint()[0, 1] for f in fits])
            held = np.mean([f.variance_lower <= variance <= f.variance_upper for f in fits])
            small = np.mean([f.variance_test.p_value < 0.05 for f in fits])
            means = np.mean([[f.coefficients[0], f.variance] for f in fits], axis=0)
            print(
                f"{distribution} {variance:g}: coefficient held {beta:.3f} (mean {means[0]:.3f}), "
                f"variance held {held:.3f} (mean {means[1]:.3f}), test p < 0.05 {small:.3f}"
            )


if __name__ == "__main__":
    main()
