"""Is the corrected hazard ratio unbiased, and do its limits hold the planted one?

Run: .venv/bin/python reference/validate_dilution.py [runs] [first seed]
Gamma concentrations are drawn, tubes of 7.5 ml counted, the hazard depends on the true status
(concentration of 5 per 7.5 ml and more) and a covariate; the population is fitted to the counts.
For each setting and analysis: mean bias of the log hazard ratio and share of 95 % intervals that
hold it, with the band in which 99 % of such experiments lie if 0.95 is true.
Last run (500 runs, first seed 1) in validate_dilution.txt.
"""

from __future__ import annotations

import sys

import numpy as np
from scipy.stats import binom

from ashworth.cohorts import RegressionDilution, regression_dilution
from ashworth.enumeration import NegativeBinomial, fit_population

CUT = 5 / 7.5
SETTINGS = (
    ("metastatic, HR 2", NegativeBinomial(1.5, 0.3), 400, 2.0),
    ("metastatic, HR 4", NegativeBinomial(1.5, 0.3), 400, 4.0),
    ("near the cut-off, HR 3", NegativeBinomial(0.6, 1.0), 400, 3.0),
)


def study(seed: int, prior: NegativeBinomial, n: int, ratio: float) -> RegressionDilution:
    """Simulate one study and correct it."""
    rng = np.random.default_rng(seed)
    true = prior.draw(n, rng)
    cells, x = rng.poisson(7.5 * true), rng.normal(size=n)
    death = rng.exponential(1.0 / (np.where(true >= CUT, ratio, 1.0) * np.exp(0.4 * x)))
    end = rng.uniform(0.0, 3.0, n)
    return regression_dilution(
        np.minimum(death, end), death <= end, cells, 7.5, minimum_count=5, concentration=CUT,
        population=fit_population(cells, 7.5), covariates=x,
    )  # fmt: skip


def main() -> None:
    """Print one line per setting and analysis."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    low, high = binom.ppf([0.005, 0.995], runs, 0.95) / runs
    print(f"{runs} runs; band of a true 0.95: {low:.3f} to {high:.3f}")
    for name, prior, n, ratio in SETTINGS:
        fits = [study(first + k, prior, n, ratio) for k in range(runs)]
        away = np.array([f.coefficients for f in fits]) - np.log(ratio)
        held = np.abs(away) <= 1.959963984540054 * np.array([f.standard_errors for f in fits])
        for k, analysis in enumerate(fits[0].analyses):
            error = away[:, k].std(ddof=1) / np.sqrt(runs)
            print(
                f"{name}, n = {n}, {analysis}: bias {away[:, k].mean():+.3f} (SE {error:.3f}), "
                f"held {held[:, k].mean():.3f}"
            )


if __name__ == "__main__":
    main()
