"""Cox, Kaplan-Meier and log-rank against R and lifelines in the same run, one thread."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from clock import best_of
from peers import lifelines_seconds, r_seconds

from ashworth.survival import cox, kaplan_meier, log_rank
from data import Study, simulate

SIZES = (1_000, 10_000, 100_000, 1_000_000)


def tasks(s: Study) -> dict[str, Callable[[], Any]]:
    """Our calls."""
    return {
        "cox": lambda: cox(s.time, s.event, s.covariates),
        "cox_strata": lambda: cox(s.time, s.event, s.covariates, strata=s.stratum),
        "cox_robust": lambda: cox(s.time, s.event, s.covariates, robust=True),
        "kaplan_meier": lambda: kaplan_meier(s.time, s.event, group=s.arm),
        "log_rank": lambda: log_rank(s.time, s.event, s.arm),
    }


def numbers(name: str, result: Any) -> np.ndarray:
    """What is compared with R."""
    if name == "cox_robust":
        return result.standard_errors
    if name.startswith("cox"):
        return result.coefficients
    if name == "kaplan_meier":
        return np.array([v.survival[0] for v in result.survival_at(365).values()])
    return np.array([result.statistic])


def compile_seconds() -> float:
    """First call above the twin's size, less a warm one."""
    s = simulate(30_000)
    start = time.perf_counter()
    cox(s.time, s.event, s.covariates)
    first = time.perf_counter() - start
    return first - best_of(lambda: cox(s.time, s.event, s.covariates), 3)[0]


def peak_memory(s: Study) -> float:
    """Growth of the largest resident size during one Cox fit, in design matrices."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cox(s.time, s.event, s.covariates)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (after - before) * 1024 / s.covariates.nbytes


def rows(n: int, *, quick: bool) -> list[tuple[Any, ...]]:
    """One row per task: name, n, our seconds, R's and lifelines' as multiples, difference to R."""
    s = simulate(n)
    repeats = 100 if n <= 1_000 else 20 if n <= 10_000 else 5
    ours = {name: best_of(task, repeats) for name, task in tasks(s).items()}
    in_r = r_seconds(s, 10 if n <= 10_000 else 1 if quick else 2)
    lines = {} if quick and n > 10_000 else lifelines_seconds(s, 3 if n <= 10_000 else 1)
    table = []
    for name, (seconds, result) in ours.items():
        r, found = in_r.get(name, (float("nan"), [np.nan]))
        error = float(np.max(np.abs(numbers(name, result) / np.array(found) - 1)))
        table.append((name, n, seconds, r / seconds, lines.get(name, np.nan) / seconds, error))
    return table


def run(sizes: tuple[int, ...] = SIZES, *, quick: bool = False) -> None:
    """Print the table."""
    print(f"compile (cached afterwards): {compile_seconds():.1f} s")
    if 1_000_000 in sizes:
        print(f"memory of Cox at n = 1e6: {peak_memory(simulate(1_000_000)):.1f} design matrices")
    print("| task | n | ours, ms | R / ours | lifelines / ours | largest difference to R |")
    print("|---|---|---|---|---|---|")
    for n in sizes:
        for name, size, seconds, r, line, error in rows(n, quick=quick):
            print(
                f"| {name} | {size:,} | {seconds * 1e3:.2f} | {r:.1f} | {line:.1f} | {error:.0e} |",
                flush=True,
            )
