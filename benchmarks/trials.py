"""Simulated trials per processor second against rpact and a loop over lifelines.

The job: 800 patients 1:1, uniform accrual over 24 months, control hazard 0.06 a month for six
months and 0.04 after them, hazard ratio 0.75, drop-out 0.005 a month; the log-rank test at event
500, or at events 167, 333 and 500 with spending like O'Brien and Fleming's, one-sided 0.025. All
trials are simulated. One thread; processor seconds, since other programs may share the machine;
the programs take turns, and each keeps its best turn.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ashworth.trials import group_sequential, simulate_survival, survival_design

HERE = Path(__file__).resolve().parent
PATIENTS = 800
LOOKS = {1: (500,), 3: (167, 333, 500)}
ALPHA = 0.025


@dataclass(frozen=True, slots=True)
class Turn:
    """Processor seconds of a number of trials, and the share of them that found a benefit."""

    seconds: float
    trials: int
    power: float

    @property
    def patients_per_second(self) -> float:
        """Patients simulated and tested per processor second."""
        return self.trials * PATIENTS / self.seconds


def critical_values(looks: int) -> NDArray[np.float64]:
    """Boundaries on the scale of z."""
    if looks == 1:
        return np.array([ndtri(1 - ALPHA)])
    fractions = np.array(LOOKS[looks]) / LOOKS[looks][-1]
    return np.array(group_sequential(information_fractions=fractions, alpha=ALPHA).upper_z)


def ours(looks: int, trials: int) -> Turn:
    """Simulate and test with `simulate_survival`."""
    design = survival_design(
        n=PATIENTS, hazard_ratio=0.75, control_per_month=(0.06, 0.04), control_from_month=(0, 6),
        accrual_months=24, follow_up_months=120, drop_out_per_month=0.005, looks=LOOKS[looks],
    )  # fmt: skip
    bounds = critical_values(looks)
    begin = time.process_time()
    found = simulate_survival(design, replicates=trials, seed=2, estimate=False)
    crossed = (found.column("statistic") <= -bounds).any(axis=1)
    return Turn(time.process_time() - begin, trials, float(crossed.mean()))


def of_rpact(looks: int, trials: int) -> Turn:
    """Simulate with rpact's `getSimulationSurvival`; R times its own call."""
    words = ["Rscript", str(HERE / "trials.R"), str(looks), str(trials)]
    text = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    seconds, power = map(float, text.splitlines()[0].split())
    return Turn(seconds, trials, power)


def of_lifelines(looks: int, trials: int) -> Turn:
    """Draw with numpy, cut at each look, test with lifelines."""
    from lifelines.statistics import logrank_test

    bounds = critical_values(looks)
    random = np.random.default_rng(2)
    arm = np.arange(PATIENTS) % 2
    crossed = 0
    begin = time.process_time()
    for _ in range(trials):
        entry, time_to, event = drawn(random, arm)
        for events, bound in zip(LOOKS[looks], bounds, strict=True):
            day = np.sort((entry + time_to)[event])[events - 1]
            seen = np.minimum(time_to, day - entry)
            inside, had = seen > 0, event & (entry + time_to <= day)
            a, b = inside & (arm == 0), inside & (arm == 1)
            test = logrank_test(seen[a], seen[b], had[a], had[b])
            better = had[b].sum() / seen[b].sum() < had[a].sum() / seen[a].sum()
            if better and test.test_statistic >= bound**2:
                crossed += 1
                break
    return Turn(time.process_time() - begin, trials, crossed / trials)


def drawn(
    random: np.random.Generator, arm: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Entry, time and event of the patients of one trial, in months."""
    entry = random.uniform(0, 24, PATIENTS)
    hazard = random.exponential(size=PATIENTS) / np.where(arm == 1, 0.75, 1.0)
    fails = np.where(hazard < 0.36, hazard / 0.06, 6 + (hazard - 0.36) / 0.04)
    lost = random.exponential(1 / 0.005, PATIENTS)
    return entry, np.minimum(fails, lost), fails <= lost


PROGRAMS: dict[str, tuple[Callable[[int, int], Turn], int]] = {
    "ashworth": (ours, 100_000),
    "rpact": (of_rpact, 10_000),
    "lifelines": (of_lifelines, 300),
}


def present() -> dict[str, tuple[Callable[[int, int], Turn], int]]:
    """The programs that are there."""
    has_r = (
        shutil.which("Rscript") is not None
        and (
            subprocess.run(["Rscript", "-e", "library(rpact)"], capture_output=True, check=False)
        ).returncode
        == 0
    )
    return {k: v for k, v in PROGRAMS.items() if k != "rpact" or has_r}


def run(*, quick: bool = False) -> None:
    """Print both tables; programs take turns."""
    programs, turns = present(), 1 if quick else 3
    for looks in LOOKS:
        ours(looks, 200)
    best: dict[tuple[str, int], Turn] = {}
    for _ in range(turns):
        for name, (program, trials) in programs.items():
            for looks in LOOKS:
                turn = program(looks, trials // 10 if quick else trials)
                old = best.get((name, looks))
                if old is None or turn.seconds < old.seconds:
                    best[name, looks] = turn
    print("All trials are simulated (research use).\n")
    print(
        "| program | looks | trials | patients per processor second | ours / its | power (MCSE) |"
    )
    print("|---|---|---|---|---|---|")
    for (name, looks), turn in best.items():
        ratio = best["ashworth", looks].patients_per_second / turn.patients_per_second
        spread = math.sqrt(turn.power * (1 - turn.power) / turn.trials)
        print(f"| {name} | {looks} | {turn.trials:,} | {turn.patients_per_second:.3g} | "
              f"{ratio:,.0f} | {turn.power:.4f} ({spread:.4f}) |")  # fmt: skip
    cost = best["ashworth", 3].seconds / best["ashworth", 1].seconds
    print(f"\nours, three looks at the cost of one: {cost:.2f} (at most 1.6)")
