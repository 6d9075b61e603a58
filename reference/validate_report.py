"""Do the limits that the report prints hold the planted hazard ratios?

Run: python reference/validate_report.py [seeds] [preset ...]
Simulates whole studies, analyses each as `ashworth run` does, and counts how often the limits of
the multivariable model hold the planted value. Band: 99 % binomial band of a true 95 %.
"""

from __future__ import annotations

import sys
import tomllib

import polars as pl
from scipy.stats import binom

from ashworth.cohorts import preset, simulate
from ashworth.workflows.simulate_cohort import study_toml
from ashworth.workflows.study.analyse import analyse
from ashworth.workflows.study.settings import StudySettings

PLANTED = {
    "metastatic": {"os": "os", "pfs": "first_event"},
    "early_dtc": {"os": "os", "idfs": "first_event"},
    "early_ctc": {"os": "os", "idfs": "first_event"},
}


def printed(name: str, seed: int, **sizes: int) -> pl.DataFrame:
    """Rows of the marker in the printed multivariable models, with the planted value."""
    cohort = simulate(preset(name, **sizes), seed)
    settings = StudySettings.model_validate(tomllib.loads(study_toml(name, cohort)))
    slim = settings.model_copy(
        update={"endpoints": tuple(PLANTED[name]), "subgroups": (), "population": "none"}
    )
    results = analyse(cohort.tables, slim)
    baseline = results.groups.timepoints[0].name
    rows = []
    for r in results.results:
        if r.survival.analysis.timepoint != baseline:
            continue
        effects = cohort.spec.count_effects
        marker = r.models.multivariable.slice(1, len(effects)).iter_rows(named=True)
        for row, effect in zip(marker, effects, strict=True):
            planted = getattr(effect, PLANTED[name][r.endpoint.id])
            rows.append({"endpoint": r.endpoint.id, "planted": planted, "seed": seed, **row})
    return pl.DataFrame(rows)


def coverage(name: str, seeds: range, **sizes: int) -> pl.DataFrame:
    """Share of seeds whose printed limits hold the planted value, per endpoint."""
    frames = []
    for seed in seeds:
        frames.append(printed(name, seed, **sizes))
        if sys.stderr.isatty():
            print(
                f"\r{name}: seed {seed - seeds.start + 1} of {len(seeds)}", end="", file=sys.stderr
            )
    rows = pl.concat(frames).with_columns(
        held=(pl.col("lower") <= pl.col("planted")) & (pl.col("planted") <= pl.col("upper"))
    )
    table = rows.group_by("endpoint", "label", "planted", maintain_order=True).agg(
        n=pl.len(), held=pl.col("held").sum(), geometric_mean=pl.col("estimate").log().mean().exp()
    )
    return table.with_columns(preset=pl.lit(name), share=pl.col("held") / pl.col("n"))


def main() -> int:
    """Print coverage and leave with 1 if it lies outside the band."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    names = sys.argv[2:] or list(PLANTED)
    table = pl.concat([coverage(name, range(1, n + 1)) for name in names])
    low, high = binom.ppf([0.005, 0.995], n, 0.95) / n
    print(table, f"\nband for {n} seeds: {low:.3f} to {high:.3f}")
    share = table["share"].to_numpy()
    return int(not ((share >= low) & (share <= high)).all())


if __name__ == "__main__":
    raise SystemExit(main())
