"""Fine-Gray, Gray's test and cumulative incidence against cmprsk in the same run, one thread."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from clock import best_of

from ashworth.survival import cumulative_incidence, fine_gray, gray_test

P = 10
PEER_SIZES = (1_000, 2_000, 4_000)
SIZES = (*PEER_SIZES, 100_000)
Sample = tuple[np.ndarray, np.ndarray, np.ndarray]


def simulate(n: int, seed: int = 1869) -> Sample:
    """Whole days over ten years: about 40 % events, 30 % competing events, 30 % censored."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, P))
    scale = np.exp(-x @ np.linspace(-0.3, 0.3, P))
    own, other = rng.exponential(size=n) * scale * 3000, rng.exponential(size=n) * 4000
    end = rng.uniform(500, 3650, n)
    first = np.minimum(own, other)
    code = np.where(end < first, 0, np.where(own <= other, 1, 2))
    return np.ceil(np.minimum(first, end)), code, x


def cmprsk(sample: Sample) -> dict[str, tuple[float, float]]:
    """Seconds of crr (defaults, and its first coefficient) and of cuminc with two groups."""
    if shutil.which("Rscript") is None:
        return {}
    t, code, x = sample
    n = t.size
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.bin"
        np.concatenate([t, code, x.T.ravel()]).astype("<f8").tofile(path)
        program = (
            "if (!requireNamespace('cmprsk', quietly = TRUE)) quit(status = 3);"
            "suppressMessages(library(cmprsk));"
            f"v <- readBin('{path}', 'double', {n * (2 + P)}); t <- v[1:{n}];"
            f"code <- v[{n} + 1:{n}]; x <- matrix(v[-(1:{2 * n})], {n});"
            "a <- system.time(f <- crr(t, code, x, gtol = 1e-10, maxiter = 50))[['elapsed']];"
            "b <- system.time(g <- cuminc(t, code, x[, 1] > 0))[['elapsed']];"
            "cat(sprintf('%.17g', c(a, f$coef[1], b, g$Tests[1, 1])))"
        )
        done = subprocess.run(["Rscript", "-e", program], capture_output=True, text=True)
    if done.returncode:
        return {}
    values = [float(w) for w in done.stdout.split()]
    return {"fine_gray": (values[0], values[1]), "incidence and Gray": (values[2], values[3])}


def run() -> None:
    """Print the table."""
    print("| task | n | ours, ms | processor, ms | cmprsk / ours | relative difference |")
    print("|---|---|---|---|---|---|")
    for n in SIZES:
        t, code, x = sample = simulate(n)
        theirs = cmprsk(sample) if n in PEER_SIZES else {}
        group = x[:, 0] > 0
        tasks = {
            "fine_gray": lambda: fine_gray(t, code, x).coefficients[0],  # noqa: B023
            "incidence and Gray": lambda: (
                cumulative_incidence(t, code, group=group),  # noqa: B023
                gray_test(t, code, group).statistic,  # noqa: B023
            )[1],
        }
        for name, task in tasks.items():
            task()
            start = time.process_time()
            task()
            processor = time.process_time() - start
            seconds, value = best_of(task, 5)
            peer, number = theirs.get(name, (np.nan, np.nan))
            print(
                f"| {name} | {n:,} | {seconds * 1e3:.1f} | {processor * 1e3:.0f} | "
                f"{peer / seconds:.0f} | {abs(value / number - 1):.0e} |",
                flush=True,
            )


if __name__ == "__main__":
    run()
