"""Bootstrap fits of a Cox model and the scan over cut-points against R in the same run."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from ashworth.survival import bootstrap_optimism, cox, cut_point_search
from ashworth.survival.prognostic_value.refits import draw_rows, refit_samples

N, P, FITS = 3_000, 10, 1_000
HERE = Path(__file__).resolve().parent


def study() -> tuple[Any, ...]:
    """Times in days, ten covariates, and a count of up to 190 values.

    R's scan takes other scores where times are tied: its statistic differs in the fourth digit.
    """
    rng = np.random.default_rng(1869)
    x = rng.normal(size=(N, P))
    risk = x @ np.linspace(-0.3, 0.3, P)
    count = np.minimum(rng.negative_binomial(0.6, 0.01, N), 189).astype(float)
    follow_up = np.ceil(rng.exponential(size=N) * 900 * np.exp(-risk - 0.1 * np.log1p(count)) + 1)
    end = np.floor(rng.uniform(300, 2000, N))
    return np.minimum(follow_up, end), follow_up <= end, x, count


def in_r(columns: list[np.ndarray], fits: int) -> dict[str, list[float]]:
    """Seconds and numbers of R's calls; empty without R."""
    program = shutil.which("Rscript")
    if program is None:
        return {}
    with tempfile.NamedTemporaryFile(suffix=".bin") as file:
        file.write(
            np.concatenate([np.ravel(c, order="F") for c in columns]).astype(float).tobytes()
        )
        file.flush()
        words = [program, str(HERE / "resampling.R"), file.name, str(N), str(P), str(fits)]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    return {name: [float(v) for v in values] for name, *values in lines}


def timed(work: Any) -> tuple[float, Any]:
    """Seconds of one call, and its result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def run(*, quick: bool = False) -> None:
    """Print the table; `quick` fits 100 samples in R and scales."""
    t, e, x, count = study()
    fit = cox(t, e, x)
    rows = list(draw_rows(N, FITS, np.random.default_rng(1), None))
    seconds, refits = timed(
        lambda: list(refit_samples(fit.data, fit.coefficients, rows, efron=True))
    )
    scan_seconds, scan = timed(lambda: cut_point_search(t, e, count, seed=1, minprop=0.01))
    whole, _ = timed(lambda: bootstrap_optimism(fit, replicates=200, seed=1))
    fits = 100 if quick else FITS
    peer = in_r([t, e, count, x, np.array(rows[:fits]).T], fits)
    first = refits[0].coefficients
    print("| task | ours, s | R / ours | largest difference to R |")
    print("|---|---|---|---|")
    r, *coefficients = peer.get("bootstrap", [np.nan, *[np.nan] * P])
    error = np.max(np.abs(first / np.array(coefficients) - 1))
    ratio = r * FITS / fits / seconds
    words = f"{FITS:,} bootstrap Cox fits, n = {N:,}, p = {P}"
    print(f"| {words} | {seconds:.2f} | {ratio:.1f} | {error:.0e} |")
    r, statistic = peer.get("scan", [np.nan, np.nan])
    error = abs(scan.statistic / statistic - 1)
    words = f"scan of {scan.cuts.size} cuts with 1,999 permutations, n = {N:,}"
    print(f"| {words} (R: without) | {scan_seconds:.2f} | {r / scan_seconds:.1f} | {error:.0e} |")
    print(f"| optimism of C, R2, slope: 200 samples | {whole:.2f} | | |")
