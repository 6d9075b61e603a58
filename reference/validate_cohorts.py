"""Do the limits of the report's model hold the planted hazard ratios?

Run: .venv/bin/python reference/validate_cohorts.py [seeds] [first seed]
For each preset and endpoint: share of 95 % intervals that hold the planted value, mean bias in
standard errors, and the band within which a true 95 % would lie in 99 % of such experiments.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from ashworth import cohorts, definitions, enumeration, survival
from ashworth.cohorts import CohortSpec, SimulatedCohort


@dataclass(frozen=True, slots=True)
class Coverage:
    """Coverage of one planted value over seeds."""

    preset: str
    endpoint: str
    term: str
    planted: float
    n: int
    held: int
    mean_z: float
    mean_hazard_ratio: float


def analysis_set(cohort: SimulatedCohort, endpoint: str) -> pl.DataFrame:
    """Patients with an assessable baseline status: time, event, count, covariates."""
    spec, tables = cohort.spec, cohort.tables
    rule = definitions.load("positivity_rule", spec.rule)
    statuses = enumeration.statuses(
        tables["specimens"], tables["assay_runs"], tables["counts"], rule,
        assay=definitions.load("assay", spec.assay), fulfilled=spec.fulfilled,
    ).table()  # fmt: skip
    wanted = definitions.load("endpoint", endpoint)
    events = survival.derive_events(tables["outcomes"], wanted)
    events = events if isinstance(events, pl.DataFrame) else events.table()
    first = (pl.col("timepoint") == spec.timepoints[0]) & (pl.col("status") != "not_assessable")
    return (
        statuses.filter(first)
        .join(events.select("patient_id", "exit_day", "event_code"), on="patient_id")
        .join(tables["patients"], on="patient_id")
        .with_columns((pl.col("exit_day") - pl.col("specimen_day")).alias("time"))
        .filter(pl.col("time") > 0)
        .sort("patient_id")
    )


def design(spec: CohortSpec, frame: pl.DataFrame, *, levels: bool) -> tuple[np.ndarray, list[str]]:
    """Columns of the adjusted model: count categories or positivity, then covariates."""
    columns, names = [], []
    n = frame["n_cells"].to_numpy()
    starts = [e.at_least for e in spec.count_effects]
    if levels:
        for low, high in zip(starts, [*starts[1:], np.inf], strict=True):
            columns.append((n >= low) & (n < high))
            names.append(f"count>={low}")
    else:
        columns.append((frame["status"] == "positive").to_numpy())
        names.append("positive")
    for effect in spec.covariate_effects:
        column = frame[effect.column]
        if effect.level is None:
            columns.append(column.cast(pl.Float64).to_numpy() / effect.per)
        elif column.dtype == pl.Boolean:
            columns.append(column.to_numpy())
        else:
            columns.append((column.cast(pl.String) == effect.level).to_numpy())
        names.append(f"{effect.column}={effect.level}" if effect.level else effect.column)
    return np.column_stack(columns).astype(float), names


def fit(cohort: SimulatedCohort, endpoint: str, *, levels: bool = False) -> dict[str, tuple]:
    """Log hazard ratio and standard error by term, of the model that the truth names."""
    frame = analysis_set(cohort, endpoint)
    x, names = design(cohort.spec, frame, levels=levels)
    result = survival.cox(
        frame["time"].to_numpy(), (frame["event_code"] == 1).to_numpy(), x,
        names=names, strata=frame["centre"].to_numpy(),
    )  # fmt: skip
    rows = result.table().select("term", "coefficient", "standard_error").iter_rows()
    return {term: (beta, error) for term, beta, error in rows}


def planted(spec: CohortSpec, endpoint: str, *, levels: bool) -> dict[str, float]:
    """Planted log hazard ratios by term."""
    which = "os" if endpoint == "os" else "first_event"
    counts = spec.count_effects
    out = {f"count>={e.at_least}" if levels else "positive": getattr(e, which) for e in counts}
    for e in spec.covariate_effects:
        out[f"{e.column}={e.level}" if e.level else e.column] = getattr(e, which)
    return {term: float(np.log(ratio)) for term, ratio in out.items()}


def coverage(
    spec: CohortSpec, endpoint: str, seeds: Iterable[int], *, levels: bool = False
) -> list[Coverage]:
    """Count how often 95 % limits hold the planted values."""
    truth = planted(spec, endpoint, levels=levels)
    scores: dict[str, list[float]] = {term: [] for term in truth}
    estimates: dict[str, list[float]] = {term: [] for term in truth}
    for seed in seeds:
        found = fit(cohorts.simulate(spec, seed), endpoint, levels=levels)
        for term, value in truth.items():
            beta, error = found[term]
            scores[term].append((beta - value) / error)
            estimates[term].append(beta)
    return [
        Coverage(spec.name, endpoint, term, float(np.exp(truth[term])), len(z),
                 int(np.sum(np.abs(z) <= 1.959964)), float(np.mean(z)),
                 float(np.exp(np.mean(estimates[term]))))
        for term, z in scores.items()
    ]  # fmt: skip


def main() -> None:
    """Print the coverage of all presets."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    half = 2.576 * np.sqrt(0.95 * 0.05 / seeds)
    print(f"{seeds} seeds; 99 % band of a true 95 %: {0.95 - half:.3f} to {0.95 + half:.3f}")
    for name in cohorts.PRESETS:
        spec = cohorts.preset(name)
        for endpoint in ("os", spec.first_endpoint):
            results = coverage(
                spec, endpoint, range(first, first + seeds), levels=len(spec.count_effects) > 1
            )
            for c in results:
                print(
                    f"{c.preset:10s} {c.endpoint:5s} {c.term:22s} planted {c.planted:5.2f} "
                    f"mean {c.mean_hazard_ratio:5.2f} coverage {c.held / c.n:.3f} "
                    f"mean z {c.mean_z:+.2f}"
                )


if __name__ == "__main__":
    main()
