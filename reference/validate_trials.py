"""Do simulated trials say what theory says? Type I error, power, strategy trials, every protocol.

    python reference/validate_trials.py [--replicates 2000000] [--power 400000] [--seed 1]

All trials are simulated. Last run in validate_trials.txt. Each part prints what it compares with:

- type I error of three looks with spending like O'Brien and Fleming's, one-sided 0.025;
- power against the expected log-rank score day by day and against Lakatos's Markov model with 120
  steps a year (`log_rank_power_of_patients`), in Monte Carlo standard errors (MCSE), with what the
  formulae of Schoenfeld and Freedman are off; two designs against numbers of lrstat;
- STIC CTC: non-inferiority at 1.25 when every discordant patient has a hazard ratio of 1.5, on the
  last day and on the day of the 491 events that its published interval implies;
- the route shares of S0500, and one line for every protocol of the library.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from ashworth.definitions import load_all
from ashworth.trials import (
    TrialCourse,
    expected_score,
    group_sequential,
    load_protocol,
    log_rank_power_of_patients,
    simulate_survival,
    survival_design,
)
from ashworth.trials.simulation.dilution import diluted_strategy
from ashworth.version import __version__
from ashworth.workflows.trials.simulate import simulate

ALPHA = 0.025
PIECES: dict[str, Any] = {"control_per_month": (0.06, 0.04), "control_from_month": (0.0, 6.0)}
BASE: dict[str, Any] = {
    "n": 800,
    "accrual_months": 24.0,
    "follow_up_months": 12.0,
    "drop_out_per_month": 0.005,
}
DESIGNS: dict[str, dict[str, Any]] = {
    "constant hazards": {"control_median_months": 13.9, "hazard_ratio": 0.75},
    "hazards in pieces": {**PIECES, "hazard_ratio": 0.75},
    "delayed effect": {
        **PIECES, "hazard_ratio": (1.0, 0.6), "hazard_ratio_from_month": (0.0, 6.0),
    },
    "two to one": {**PIECES, "hazard_ratio": 0.75, "ratio": (1, 2)},
    "non-inferiority at 1.25": {
        "n": 778, "control_median_months": 13.9, "hazard_ratio": 1.0, "accrual_months": 54.0,
        "follow_up_months": 24.0, "drop_out_per_month": 0.0, "null_hazard_ratio": 1.25,
    },
    "heavy drop-out": {**PIECES, "hazard_ratio": 0.7, "drop_out_per_month": 0.03},
}  # fmt: skip
LRSTAT = {"hazards in pieces": 0.86576535, "delayed effect": 0.72913164}
"""Power by lrstat 0.2.15 (`lrpower`), continuous time."""


def type_one_error(replicates: int, seed: int) -> Iterator[str]:
    """Three looks at events 167, 333 and 500 of 800 patients without an effect."""
    looks = (167, 333, 500)
    design = survival_design(
        **{**BASE, **PIECES, "hazard_ratio": 1.0, "follow_up_months": 120.0, "looks": looks}
    )
    bounds = group_sequential(
        information_fractions=[x / looks[-1] for x in looks], alpha=ALPHA
    ).upper_z
    crossed = np.zeros(len(looks), dtype=np.int64)
    done = 0
    while done < replicates:
        count = min(50_000, replicates - done)
        found = simulate_survival(design, replicates=count, seed=seed, first=done, estimate=False)
        beyond = found.column("statistic") <= -np.array(bounds)
        first = np.where(beyond.any(axis=1), beyond.argmax(axis=1), len(looks))
        crossed += np.bincount(first, minlength=len(looks) + 1)[: len(looks)]
        done += count
    share = crossed.sum() / replicates
    error = math.sqrt(share * (1 - share) / replicates)
    yield (
        f"type I error, three looks, {replicates:,} trials: {share:.5f} (MCSE {error:.5f}); "
        f"asked {ALPHA} +/- 0.0003"
    )
    by_look = ", ".join(f"{c / replicates:.5f}" for c in crossed)
    yield f"  first crossed at look 1, 2, 3: {by_look}; z {', '.join(f'{z:.4f}' for z in bounds)}"


def months(options: dict[str, Any]) -> TrialCourse:
    """The same trial for Lakatos's model."""
    if "control_per_month" in options:
        breaks = tuple(options["control_from_month"])[1:]
        control = {"control_hazard": options["control_per_month"], "hazard_breaks": breaks}
    else:
        control = {"control_median": options["control_median_months"]}
    first, second = options.get("ratio", (1, 1))
    return TrialCourse(
        hazard_ratio=options["hazard_ratio"],
        hazard_ratio_breaks=tuple(options.get("hazard_ratio_from_month", (0.0,)))[1:],
        accrual_duration=options["accrual_months"], follow_up=options["follow_up_months"],
        ratio=second / first, dropout_hazard=options["drop_out_per_month"], time_unit="months",
        **control,
    )  # fmt: skip


def power(replicates: int, seed: int) -> Iterator[str]:
    """Simulated power beside theory for every design."""
    yield f"power at {ALPHA} one-sided (0.05 for non-inferiority), {replicates:,} trials each"
    for name, options in DESIGNS.items():
        yield _power_line(name, {**BASE, **options}, replicates, seed)


def _power_line(name: str, given: dict[str, Any], replicates: int, seed: int) -> str:
    null, ratio = given.get("null_hazard_ratio", 1.0), given.get("ratio", (1, 1))
    alpha, part, n = (0.05 if null != 1.0 else ALPHA), ratio[1] / sum(ratio), given["n"]
    design = survival_design(**given)
    found = simulate_survival(design, replicates=replicates, seed=seed, scenario=name,
                              estimate=False)  # fmt: skip
    share = float((found.column("statistic")[:, -1] < -ndtri(1 - alpha)).mean())
    error = math.sqrt(share * (1 - share) / replicates)
    score = expected_score(design)
    by_days = score.power(n, alpha, 1)
    markov = log_rank_power_of_patients(
        months(given), n, alpha=alpha, null_hazard_ratio=null, method="lakatos", steps_per_year=120
    ).power
    said = [
        f"  {name}: {share:.5f} (MCSE {error:.5f})",
        f"by days {by_days:.5f} ({(share - by_days) / error:+.1f} MCSE)",
        f"Lakatos, 120 steps a year {markov:.5f} ({(share - markov) / error:+.1f})",
        f"Schoenfeld off by {score.schoenfeld_power(n, null, part, alpha, 1) - by_days:+.4f}",
    ]
    if null == 1.0:
        said.append(f"Freedman by {score.freedman_power(n, part, alpha, 1) - by_days:+.4f}")
    if name in LRSTAT:
        said.append(f"lrstat {LRSTAT[name]:.5f} ({(share - LRSTAT[name]) / error:+.1f})")
    said.append(f"events {float(found.events.mean()):.1f} (expected {n * score.events:.1f})")
    said.append(f"SD of the statistic {found.column('statistic').std():.4f} "
                f"(expected {score.spread:.4f})")  # fmt: skip
    return "; ".join(said)


def strategy(replicates: int, seed: int) -> Iterator[str]:
    """STIC CTC with a discordant hazard ratio of 1.5, at its events and at 491."""
    found = diluted_strategy(load_protocol("stic-ctc"), ratios=(1.0, 1.5))
    assert found is not None
    row = found.rows[-1]
    yield (
        f"STIC CTC, illustrative hazards, discordant hazard ratio 1.5: overall "
        f"{row.overall_hazard_ratio:.3f}; non-inferiority at 1.25 declared in "
        f"{100 * row.declared:.1f} % by expectation"
    )
    yield _strategy_line("on the last day", None, replicates, seed)
    yield _strategy_line("on the day of event 491", 491, replicates, seed)
    drift = math.log(1.25 / row.overall_hazard_ratio) * math.sqrt(491 / 4)
    yield (
        f"  with the overall ratio of the last day and 491 events, by the normal approximation: "
        f"{100 * ndtr(drift - ndtri(0.95)):.1f} %"
    )


def _strategy_line(when: str, events: int | None, replicates: int, seed: int) -> str:
    """Simulated share of trials that declare, beside the expected one, and the ratio then."""
    made = simulate("stic-ctc", replicates=replicates, seed=seed, scenarios=["discordant-harm"],
                    events=events)  # fmt: skip
    cell = made.cells[0]
    rows = {r["measure"]: r for r in cell.measures}
    declared = rows["probability of declaring non-inferiority"]
    assert cell.score is not None
    share, error, expected = (100 * declared[k] for k in ("estimate", "mcse", "expected"))
    return (
        f"  analysed {when}: {replicates:,} trials, {rows['events']['estimate']:.0f} events, "
        f"overall {cell.score.limit_hazard_ratio:.3f}; declared in {share:.1f} % "
        f"(MCSE {error:.1f}), expected {expected:.1f} %"
    )


def protocols(replicates: int, seed: int) -> Iterator[str]:
    """One line for every protocol of the library, from its own file."""
    for name in sorted({definition.id for definition in load_all("protocol")}):
        made = simulate(name, replicates=replicates, seed=seed, scenarios=["base"])
        cell = made.cells[0]
        rows = {r["measure"]: r for r in cell.measures}
        if name == "s0500":
            for measure, r in rows.items():
                if measure.startswith("share at"):
                    yield f"  s0500, {measure}: {r['estimate']:.4f} (MCSE {r['mcse']:.4f})"
        kept = [k for k in rows if k.startswith("probability of") or k == "share of successes"]
        said = "; ".join(
            f"{k} {rows[k]['estimate']:.3f} (MCSE {rows[k]['mcse']:.3f})" for k in kept
        )
        yield f"  {name}: {cell.patients} patients; {said or 'nothing is tested'}"


def main() -> None:
    """Print every part as it is done."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--replicates", type=int, default=2_000_000)
    parser.add_argument("--power", type=int, default=400_000)
    parser.add_argument("--protocols", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print(f"Simulated trials, ashworth {__version__}, seed {asked.seed}", flush=True)
    parts = (
        type_one_error(asked.replicates, asked.seed),
        power(asked.power, asked.seed),
        strategy(asked.power // 20, asked.seed),
        protocols(asked.protocols, asked.seed),
    )
    for part in parts:
        for line in part:
            print(line, flush=True)


if __name__ == "__main__":
    main()
