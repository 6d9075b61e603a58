"""Live comparison with R's rpact where it is installed: one call for all settings."""

from __future__ import annotations

import math
import shutil
import subprocess

import numpy as np
import pytest

from ashworth.trials import group_sequential, repeated_interval, stagewise_inference

pytestmark = pytest.mark.r

PROGRAM = """
if (!requireNamespace('rpact', quietly = TRUE)) { cat('absent'); quit(save = 'no') }
suppressMessages(library(rpact))
show <- function(...) cat('=', sprintf('%.17g', c(...)), '\\n')
t <- c(0.3, 0.55, 0.8, 1)
types <- c('asOF', 'asP', 'asHSD', 'asKD', 'OF', 'P', 'WT', 'HP', 'asUser')
for (s in 1:2) for (type in if (s == 1) types else c('asOF', 'P', 'HP', 'asUser')) {
  a <- list(informationRates = t, alpha = 0.025 * s, beta = 0.15, sided = s, typeOfDesign = type)
  if (type == 'asHSD') a$gammaA <- -3
  if (type == 'asKD') a$gammaA <- 2.2
  if (type == 'WT') a$deltaWT <- 0.15
  if (type == 'HP') a$constantBoundsHP <- 3.2
  if (type == 'asUser') a$userAlphaSpending <- 0.025 * s * c(0.1, 0.2, 0.5, 1)
  d <- do.call(getDesignGroupSequential, a)
  ch <- getDesignCharacteristics(d)
  show(d$criticalValues, ch$inflationFactor, ch$averageSampleNumber1, ch$averageSampleNumber0)
}
for (b in c(TRUE, FALSE)) {
  d <- getDesignGroupSequential(informationRates = t, alpha = 0.025, beta = 0.15,
    typeOfDesign = 'asOF', typeBetaSpending = 'bsHSD', gammaB = -2, bindingFutility = b)
  show(d$criticalValues, d$futilityBounds, getDesignCharacteristics(d)$inflationFactor)
}
d <- getDesignGroupSequential(kMax = 3, typeOfDesign = 'asOF', alpha = 0.025)
x <- getDataset(cumulativeEvents = c(100, 210), cumulativeLogRanks = c(1.2, 2.9))
r <- getAnalysisResults(d, x)
show(log(c(r$repeatedConfidenceIntervalLowerBounds[1:2],
  r$repeatedConfidenceIntervalUpperBounds[1:2], r$finalConfidenceIntervalLowerBounds[2],
  r$medianUnbiasedEstimates[2], r$finalConfidenceIntervalUpperBounds[2])), r$finalPValues[2])
"""
TIMES = [0.3, 0.55, 0.8, 1.0]
FAMILIES = (
    {"efficacy": "obrien_fleming"},
    {"efficacy": "pocock"},
    {"efficacy": "hwang_shih_decani", "gamma": -3},
    {"efficacy": "kim_demets", "rho": 2.2},
    {"efficacy": "exact_obrien_fleming"},
    {"efficacy": "exact_pocock"},
    {"efficacy": "wang_tsiatis", "shape": 0.15},
    {"efficacy": "haybittle_peto", "interim_z": 3.2},
    {"efficacy": "user"},
)
TWO_SIDED = tuple(FAMILIES[i] for i in (0, 5, 7, 8))


@pytest.fixture(scope="module")
def rpact():
    """One row of numbers per setting."""
    program = shutil.which("Rscript")
    assert program is not None
    code = f"options(warn = -1); {PROGRAM}"
    done = subprocess.run([program, "-e", code], capture_output=True, text=True, check=True)
    if "absent" in done.stdout:
        pytest.skip("rpact is not installed")
    return [list(map(float, line[1:].split())) for line in done.stdout.splitlines()
            if line.startswith("= ")]  # fmt: skip


def test_bounds_inflation_and_expected_information_equal_rpact(rpact):
    assert len(rpact) == 16
    rows = iter(rpact)
    for sided in (1, 2):
        for family in FAMILIES if sided == 1 else TWO_SIDED:
            spent = {"spent": 0.025 * sided * np.array([0.1, 0.2, 0.5, 1.0])}
            extra = spent if family["efficacy"] == "user" else {}
            d = group_sequential(information_fractions=TIMES, alpha=0.025 * sided, power=0.85,
                                 sided=sided, **family, **extra)  # fmt: skip
            found = [*d.upper_z, d.inflation, d.expected_alternative, d.expected_null]
            assert found == pytest.approx(next(rows), abs=1e-6), (sided, family)


def test_futility_bounds_equal_rpact(rpact):
    for binding, row in zip((True, False), rpact[13:15], strict=True):
        d = group_sequential(information_fractions=TIMES, power=0.85, binding=binding,
                             futility="hwang_shih_decani", futility_gamma=-2)  # fmt: skip
        assert [*d.upper_z, *d.lower_z[:-1], d.inflation] == pytest.approx(row, abs=1e-5)


def test_repeated_and_final_inference_equals_rpact(rpact):
    """rpact searches its limits to about 1e-6 on the hazard ratio's scale."""
    design = group_sequential(3)
    one, two = 2 / math.sqrt(100), 2 / math.sqrt(210)
    first = repeated_interval(design, 1, 1.2 * one, one)
    second = repeated_interval(design, 2, 2.9 * two, two)
    last = stagewise_inference(design, 2, 2.9 * two, two)
    found = [first.lower, second.lower, first.upper, second.upper, last.lower,
             last.median_unbiased, last.upper, last.p_value]  # fmt: skip
    assert found == pytest.approx(rpact[-1], abs=2e-5)
