"""Random-effects pooling against metafor in the same run, one thread."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from clock import best_of

from ashworth.evidence import leave_one_out, pool

HERE = Path(__file__).resolve().parent
SIZES = (20, 200, 2_000)


def simulate(k: int, seed: int = 1869) -> tuple[np.ndarray, np.ndarray]:
    """Log hazard ratios of k studies with tau2 = 0.18, and their standard errors."""
    rng = np.random.default_rng(seed)
    error = np.exp(rng.normal(-1.5, 0.5, k))
    return rng.normal(0.3, np.sqrt(0.18 + error**2)), error


def metafor(y: np.ndarray, s: np.ndarray, repeats: int) -> tuple[float, float] | None:
    """Seconds of R's ``rma(method = "REML", test = "knha")`` with its defaults, and its tau2."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "studies.bin"
        np.concatenate([y, s]).astype("<f8").tofile(path)
        code = (
            "if (!requireNamespace('metafor', quietly = TRUE)) quit(status = 3);"
            "suppressMessages(library(metafor));"
            f"v <- readBin('{path}', 'double', {2 * y.size}); y <- v[1:{y.size}];"
            f"s <- v[{y.size} + 1:{y.size}]; best <- Inf;"
            f"for (i in 1:{repeats}) {{ t <- system.time(r <- rma(y, sei = s, test = 'knha'))"
            "[['elapsed']]; best <- min(best, t) }; cat(sprintf('%.17g', c(best, r$tau2)))"
        )
        done = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    seconds, tau2 = done.stdout.split()
    return float(seconds), float(tau2)


def pymare(y: np.ndarray, s: np.ndarray) -> float:
    """Seconds of PyMARE's REML with Knapp and Hartung's interval; NaN where it is not installed."""
    try:
        from pymare import Dataset
        from pymare.estimators import VarianceBasedLikelihoodEstimator
    except ImportError:
        return float("nan")

    def fit() -> object:
        data = Dataset(y=y, v=s**2)
        found = VarianceBasedLikelihoodEstimator(method="REML").fit_dataset(data).summary()
        return found.get_fe_stats()

    return best_of(fit, 10)[0]


def statsmodels(y: np.ndarray, s: np.ndarray) -> float:
    """Seconds of statsmodels' ``combine_effects`` (Paule and Mandel with HKSJ: it has no REML)."""
    try:
        from statsmodels.stats.meta_analysis import combine_effects
    except ImportError:
        return float("nan")
    return best_of(lambda: combine_effects(y, s**2, method_re="iterated", use_t=True), 10)[0]


def run(sizes: tuple[int, ...] = SIZES) -> None:
    """Print the table: our whole call with Q-profile limits and prediction interval."""
    print(
        "| random effects, REML, HKSJ | k | ours, ms | metafor, ms | metafor / ours | tau2 "
        "| PyMARE, ms | statsmodels (PM), ms |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for k in sizes:
        y, s = simulate(k)
        seconds, result = best_of(lambda y=y, s=s: pool(y, s), 300)
        peer = metafor(y, s, 20 if k < 1_000 else 3)
        in_r, tau2 = peer or (float("nan"), float("nan"))
        error = abs(result.tau2 / tau2 - 1)
        print(
            f"| pool | {k:,} | {seconds * 1e3:.3f} | {in_r * 1e3:.1f} | {in_r / seconds:,.0f} "
            f"| {error:.0e} | {pymare(y, s) * 1e3:.1f} | {statsmodels(y, s) * 1e3:.1f} |",
            flush=True,
        )
    pooled = pool(*simulate(200))
    print(f"\nleave one out, k = 200: {best_of(lambda: leave_one_out(pooled), 30)[0] * 1e3:.1f} ms")
