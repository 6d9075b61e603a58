"""True concentrations, draws, runs and counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc, ndtri

from ashworth.cohorts.spec import CohortSpec
from ashworth.enumeration.populations import NegativeBinomial
from ashworth.streams import stream

Floats = NDArray[np.float64]
NO_RESULT = ("not_done", "failed", "insufficient_volume", "not_evaluable")


@dataclass(frozen=True, slots=True)
class Sample:
    """One tube per patient at one time point.

    Attributes
    ----------
    concentration : ndarray of float, shape (n,)
        True cells per unit of the denominator.
    amount : ndarray of float, shape (n,)
        Amount in the tube.
    cells : ndarray of int, shape (n,)
        Cells that the laboratory counts in it.
    full_cells : ndarray of int, shape (n,)
        Count with the rest that a short tube lacks.
    outcome : ndarray of str, shape (n,)
        Outcome of the run; without a result the count is not in the tables.
    short : ndarray of bool, shape (n,)
        Less than the full amount.
    """

    concentration: Floats
    amount: Floats
    cells: NDArray[np.int64]
    full_cells: NDArray[np.int64]
    outcome: NDArray[np.str_]
    short: NDArray[np.bool_]

    def deciding(self, cutoff: int) -> NDArray[np.int64]:
        """Count that decides the status: a short tube below the cut-off would need the rest."""
        return np.where(self.short & (self.cells < cutoff), self.full_cells, self.cells)


def draw_concentrations(spec: CohortSpec, seed: int) -> Floats:
    """True concentrations at baseline."""
    return spec.population.draw(spec.n_patients, stream(seed, "concentration"))


def burden_score(spec: CohortSpec, concentration: Floats) -> Floats:
    """Standard normal score of a concentration within its population, limited to ±4."""
    prior = spec.population
    if isinstance(prior, NegativeBinomial):
        share = gammainc(prior.size, concentration * prior.size / prior.mean)
        return np.clip(ndtri(share), -4.0, 4.0)
    logs = np.log(np.maximum(concentration, 1e-300))
    return np.clip((logs - prior.log_mean) / prior.log_sd, -4.0, 4.0)


def take_sample(spec: CohortSpec, seed: int, timepoint: str, concentration: Floats) -> Sample:
    """Draw a tube from every patient and count."""
    n = spec.n_patients
    full = np.full(n, spec.amount)
    if spec.amount_log_sd > 0:
        spread = spec.amount_log_sd * stream(seed, f"{timepoint} amount").standard_normal(n)
        full = np.round(spec.amount * np.exp(spread), -3)
    generator = stream(seed, f"{timepoint} volume")
    short = (generator.random(n) < spec.short_tubes) & (spec.denominator == "volume_ml")
    amount = np.where(short, np.round(full * generator.uniform(0.5, 0.9, n), 1), full)
    rate = spec.measurement.recovery * concentration + spec.measurement.blank_rate
    cells = stream(seed, f"{timepoint} cells").poisson(amount * rate)
    rest = stream(seed, f"{timepoint} rest").poisson((full - amount) * rate)
    fate = stream(seed, f"{timepoint} outcome").random(n)
    words = np.array([*NO_RESULT, "done"])
    outcome = words[np.minimum((fate / max(spec.no_result, 1e-12)).astype(float), 4.0).astype(int)]
    return Sample(concentration, amount, cells, cells + rest, outcome, short)


def concentration_under_therapy(
    spec: CohortSpec, seed: int, concentration: Floats, frailty: Floats
) -> Floats:
    """Concentration at first follow-up.

    The log changes by a normal amount that is correlated with `frailty`, the standard normal
    score of dying early given baseline count and covariates. So the course of the count carries
    prognosis, while the hazard given the baseline count stays proportional.
    """
    lean = spec.therapy_prognosis
    noise = stream(seed, "therapy").standard_normal(concentration.size)
    score = lean * frailty + np.sqrt(1.0 - lean**2) * noise
    return concentration * np.exp(spec.therapy_log_change + spec.therapy_log_sd * score)
