"""A cohort from its specification and a seed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ashworth.cohorts.counting import (
    Sample,
    burden_score,
    concentration_under_therapy,
    draw_concentrations,
    take_sample,
)
from ashworth.cohorts.course import censoring_days, draw_outcomes, draw_treatments
from ashworth.cohorts.covariates import draw_patients
from ashworth.cohorts.hazards import Times, draw_times
from ashworth.cohorts.spec import CohortSpec
from ashworth.cohorts.truth import planted_truth
from ashworth.streams import stream
from ashworth.version import __version__

CALLER = "simulated reader"


@dataclass(frozen=True, slots=True)
class SimulatedCohort:
    """Simulated tables with the truth behind them.

    Attributes
    ----------
    tables : dict of str to polars.DataFrame
        patients, specimens, assay_runs, counts, outcomes, treatments.
    truth : dict
        Planted values (see `truth_record`), and under ``concentrations`` a table: patient_id,
        timepoint, concentration, mean_count, full_count.
    spec : CohortSpec
    seed, n : int
    method : str
        Says that everything is simulated.
    """

    tables: dict[str, pl.DataFrame]
    truth: dict[str, Any]
    spec: CohortSpec
    seed: int
    n: int
    method: str = "simulated patients; nothing here was observed"
    version: str = __version__

    @property
    def options(self) -> dict[str, Any]:
        """The specification as a dictionary."""
        return asdict(self.spec)

    def table(self) -> pl.DataFrame:
        """Rows of each table."""
        sizes = {name: frame.height for name, frame in self.tables.items()}
        return pl.DataFrame({"table": list(sizes), "rows": list(sizes.values())})

    def truth_record(self) -> dict[str, Any]:
        """Truth without the table of concentrations; plain values that JSON can hold."""
        return {k: v for k, v in self.truth.items() if k != "concentrations"}


def simulate(spec: CohortSpec, seed: int) -> SimulatedCohort:
    """Simulate a cohort.

    True concentrations come from the population; covariates lean on them a little; the baseline
    tube is counted; death and first event follow proportional hazards given count category and
    the adjusted covariates, with a baseline hazard for each centre; therapy changes the
    concentration before the second draw; patients are censored at the data cut or lost.

    Parameters
    ----------
    spec : CohortSpec
        What to simulate; see `preset`.
    seed : int
        The same seed gives the same tables. Each quantity has its own stream.

    Returns
    -------
    SimulatedCohort

    Notes
    -----
    Day 0 is the day of the baseline draw and the index date. Times are rounded up to whole days,
    so that the order of events is kept and no time is 0. The second draw is taken only from
    patients who are alive and in follow-up on its day.

    Examples
    --------
    >>> from ashworth.cohorts import preset
    >>> cohort = simulate(preset("metastatic", n_patients=50), seed=1)
    >>> cohort.tables["patients"].height, cohort.truth["label"]
    (50, 'simulated')
    """
    accrual = stream(seed, "accrual").integers(0, spec.accrual_days + 1, size=spec.n_patients)
    concentration = draw_concentrations(spec, seed)
    patients = draw_patients(spec, seed, burden_score(spec, concentration), accrual)
    baseline = take_sample(spec, seed, spec.timepoints[0], concentration)
    centre_effects = _centre_effects(spec, seed)
    counts = (
        baseline.deciding(spec.cutoff).astype(float)
        if spec.hazard_on == "observed"
        else concentration * spec.amount
    )
    by_patient = centre_effects["log_hazard"].to_numpy()[_centre_index(patients, centre_effects)]
    times = draw_times(spec, seed, patients, counts, by_patient)
    censored = censoring_days(spec, seed, accrual)
    draws = _draws(spec, seed, baseline, times, censored)
    tables = {"patients": patients} | _laboratory(spec, patients["patient_id"], draws)
    tables["outcomes"] = draw_outcomes(spec, seed, patients["patient_id"], times, censored)
    tables["treatments"] = draw_treatments(spec, seed, patients, times, censored)
    truth = planted_truth(spec, seed, centre_effects)
    truth["concentrations"] = _concentrations(spec, patients["patient_id"], draws)
    return SimulatedCohort(tables=tables, truth=truth, spec=spec, seed=seed, n=spec.n_patients)


Draw = tuple[str, Sample, NDArray[np.int64], NDArray[np.bool_]]


def _centre_effects(spec: CohortSpec, seed: int) -> pl.DataFrame:
    """Log hazard of every centre."""
    width = max(2, len(str(spec.n_centres)))
    effects = stream(seed, "centre effect").standard_normal(spec.n_centres)
    return pl.DataFrame(
        {
            "centre": [f"C{i:0{width}d}" for i in range(1, spec.n_centres + 1)],
            "log_hazard": np.sqrt(spec.centre_variance) * effects,
        }
    )


def _centre_index(patients: pl.DataFrame, centre_effects: pl.DataFrame) -> NDArray[np.int64]:
    """Position of each patient's centre."""
    return np.searchsorted(centre_effects["centre"].to_numpy(), patients["centre"].to_numpy())


def _draws(
    spec: CohortSpec, seed: int, baseline: Sample, times: Times, censored: NDArray[np.int64]
) -> list[Draw]:
    """Time point, sample, day and who was drawn."""
    n = spec.n_patients
    everyone = np.ones(n, dtype=bool)
    draws: list[Draw] = [(spec.timepoints[0], baseline, np.zeros(n, dtype=np.int64), everyone)]
    if len(spec.timepoints) == 2:
        name = spec.timepoints[1]
        later = concentration_under_therapy(spec, seed, baseline.concentration, times.frailty)
        first, last = spec.follow_up_window
        day = stream(seed, "day of follow-up").integers(first, last + 1, size=n)
        present = day < np.minimum(times.death, censored)
        present &= stream(seed, "not drawn").random(n) >= spec.not_drawn
        draws.append((name, take_sample(spec, seed, name, later), day, present))
    return draws


def _laboratory(
    spec: CohortSpec, patient_id: pl.Series, draws: list[Draw]
) -> dict[str, pl.DataFrame]:
    """Tables specimens, assay_runs and counts."""
    parts: dict[str, list[pl.DataFrame]] = {"specimens": [], "assay_runs": [], "counts": []}
    for number, (timepoint, sample, day, present) in enumerate(draws, start=1):
        keys = pl.DataFrame({"patient_id": patient_id}).with_columns(
            pl.concat_str("patient_id", pl.lit(f"-{number}")).alias("specimen_id"),
        )
        volume = sample.amount if spec.denominator == "volume_ml" else np.full(day.size, 5.0)
        whole = keys.with_columns(
            pl.lit(spec.matrix).alias("matrix"),
            pl.lit(timepoint).alias("timepoint"),
            pl.Series("collected_day", day),
            pl.Series("volume_ml", volume),
            pl.lit("1").alias("run_id"),
            pl.lit(spec.assay).alias("assay"),
            pl.Series("outcome", sample.outcome.tolist()),
            pl.lit(spec.phenotype).alias("phenotype"),
            pl.lit(CALLER).alias("caller"),
            pl.Series("n_cells", sample.cells),
            pl.Series("amount", sample.amount),
        ).filter(pl.Series(present))
        run = ["patient_id", "specimen_id", "run_id"]
        parts["specimens"].append(
            whole.select(*run[:2], "matrix", "timepoint", "collected_day", "volume_ml")
        )
        parts["assay_runs"].append(whole.select(*run, "assay", "outcome"))
        parts["counts"].append(
            whole.filter(pl.col("outcome") == "done").select(
                *run, "phenotype", "caller", "n_cells", pl.col("amount").alias(spec.denominator)
            )
        )
    return {
        name: pl.concat(frames).sort("patient_id", "specimen_id") for name, frames in parts.items()
    }


def _concentrations(spec: CohortSpec, patient_id: pl.Series, draws: list[Draw]) -> pl.DataFrame:
    """Truth behind every draw, also of those that were not taken."""
    rate = spec.measurement
    frames = [
        pl.DataFrame(
            {
                "patient_id": patient_id,
                "timepoint": [timepoint] * spec.n_patients,
                "concentration": sample.concentration,
                "mean_count": spec.amount
                * (rate.recovery * sample.concentration + rate.blank_rate),
                "full_count": sample.full_cells,
            }
        )
        for timepoint, sample, _, _ in draws
    ]
    return pl.concat(frames).sort("patient_id", "timepoint")
