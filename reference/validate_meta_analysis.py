"""Coverage of pooled intervals and prediction intervals by simulation.

Run: `python reference/validate_meta_analysis.py` (seed 20261126; about a minute).
Log hazard ratios of k studies with standard errors from 0.1 to 0.5, true mean 0.5 and tau2 0, 0.05
and 0.2. Printed: share of 95 % intervals that hold the mean, and of prediction intervals that hold
the true effect of a new study.
"""

from __future__ import annotations

import sys
import warnings

import numpy as np

from ashworth.evidence import pool

MEAN, REPEATS = 0.5, 2000
WAYS = {
    "HKSJ": ("hksj", "k-1"),
    "conservative HKSJ": ("hksj_conservative", "k-1"),
    "normal": ("normal", "normal"),
    "HKSJ, k-2": ("hksj", "k-2"),
}


def row(k: int, tau2: float, rng: np.random.Generator, repeats: int) -> list[float]:
    """Coverage in percent: intervals of the first three ways, prediction intervals of all four."""
    inside = np.zeros((2, len(WAYS)))
    for _ in range(repeats):
        s = rng.uniform(0.1, 0.5, k)
        y = rng.normal(MEAN, np.sqrt(tau2), k) + rng.normal(size=k) * s
        new = rng.normal(MEAN, np.sqrt(tau2))
        for j, (test, rule) in enumerate(WAYS.values()):
            found = pool(y, s, ci_method=test, prediction=rule)
            low, high = found.prediction_interval
            inside[0, j] += found.lower <= MEAN <= found.upper
            inside[1, j] += low <= new <= high
    return [*(100.0 * inside[0, :3] / repeats), *(100.0 * inside[1] / repeats)]


def main(repeats: int) -> None:
    """Print the table as markdown."""
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(20261126)
    heads = ["k", "tau2", *list(WAYS)[:3], *(f"new study, {w}" for w in WAYS)]
    sys.stdout.write("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads) + "\n")
    for k in (3, 5, 10, 20, 50):
        for tau2 in (0.0, 0.05, 0.2):
            shares = " | ".join(f"{v:.1f}" for v in row(k, tau2, rng, repeats))
            sys.stdout.write(f"| {k} | {tau2:g} | {shares} |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else REPEATS)
