"""Live comparison with R where it is installed: one call for all."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from ashworth.trials import (
    fisher_exact_test,
    two_proportions_formula,
    two_proportions_power,
    two_proportions_z_test,
)

pytestmark = pytest.mark.r

PROGRAM = """
show <- function(...) cat(sprintf('%.17g', c(...)), '\\n')
for (t in list(c(4, 29, 5, 29), c(30, 50, 9, 40), c(1, 7, 6, 9), c(120, 300, 90, 310)))
  for (s in c('two.sided', 'less', 'greater'))
    show(fisher.test(matrix(c(t[3], t[4] - t[3], t[1], t[2] - t[1]), 2), alternative = s)$p.value,
         suppressWarnings(prop.test(t[c(3, 1)], t[c(4, 2)], alternative = s,
                                    correct = FALSE)$p.value))
for (s in c('two.sided', 'less')) {
  p <- outer(0:11, 0:8, Vectorize(function(x, y)
    fisher.test(matrix(c(y, 8 - y, x, 11 - x), 2), alternative = s)$p.value))
  show(sum(outer(dbinom(0:11, 11, 0.7), dbinom(0:8, 8, 0.2)) * (p <= 0.05 * (1 + 1e-9))), 0)
}
d <- power.prop.test(p1 = 0.5, p2 = 0.3, power = 0.85, sig.level = 0.02, tol = 1e-12)
show(d$n, 0)
if (requireNamespace('rpact', quietly = TRUE)) {
  suppressMessages(library(rpact))
  for (r in c(0.5, 1, 2)) for (h in c(0, -0.1)) show(getSampleSizeRates(alpha = 0.025, beta = 0.1,
    pi1 = 0.7, pi2 = 0.6, thetaH0 = h, allocationRatioPlanned = r)$nFixed, 0)
}
"""


@pytest.fixture(scope="module")
def shown():
    if shutil.which("Rscript") is None:
        pytest.skip("R is not installed")
    done = subprocess.run(["Rscript", "-e", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return iter([tuple(map(float, line.split())) for line in done.stdout.splitlines()])


def test_tests_power_and_formulae_equal_r(shown):
    for x, n, y, m in ((4, 29, 5, 29), (30, 50, 9, 40), (1, 7, 6, 9), (120, 300, 90, 310)):
        for side in ("two-sided", "less", "greater"):
            fisher = fisher_exact_test(x, n, y, m, alternative=side).p_value
            normal = two_proportions_z_test(x, n, y, m, alternative=side).p_value
            assert (fisher, normal) == pytest.approx(next(shown), rel=1e-9)
    for sided in (2, 1):
        power = two_proportions_power(0.7, 0.2, 11, 8, sided=sided).power
        assert power == pytest.approx(next(shown)[0], rel=1e-10)
    design = two_proportions_formula(0.5, 0.3, power=0.85, alpha=0.02)
    assert design.n_control == pytest.approx(next(shown)[0], rel=1e-8)
    for ratio in (0.5, 1.0, 2.0):
        for null in (0.0, -0.1):
            design = two_proportions_formula(
                0.6, 0.7, alpha=0.025, sided=1, power=0.9, ratio=ratio, null_difference=null,
                method="farrington_manning",
            )  # fmt: skip
            if (made := next(shown, None)) is not None:
                assert design.n_total == pytest.approx(made[0], rel=1e-9)
