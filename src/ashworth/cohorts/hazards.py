"""Times to death and to the first event, both with proportional hazards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtri

from ashworth.cohorts.spec import CohortSpec, CountEffect, CovariateEffect
from ashworth.streams import stream
from ashworth.survival import classify_subtype

Floats = NDArray[np.float64]
Which = Literal["os", "first_event"]


@dataclass(frozen=True, slots=True)
class Times:
    """Days from the baseline draw, without censoring.

    Attributes
    ----------
    death, first_event : ndarray of int, shape (n,)
        Whole days, rounded up, at least 1; equal where death is the first event.
    fatal_course : ndarray of bool, shape (n,)
        First event that foretells the death.
    frailty : ndarray of float, shape (n,)
        Standard normal score of dying early, given covariates and count.
    """

    death: NDArray[np.int64]
    first_event: NDArray[np.int64]
    fatal_course: NDArray[np.bool_]
    frailty: Floats


def draw_times(
    spec: CohortSpec, seed: int, patients: pl.DataFrame, counts: Floats, centre_effect: Floats
) -> Times:
    r"""Draw death and first event for every patient.

    Both are Weibull with the same shape k, and both are exactly proportional hazards:
    :math:`S(t) = \exp(-(t / s)^k e^{\eta})`. Let r be the ratio of the two cumulative hazards of
    a patient (first event over death, at least 1). With probability `coupling` the two share one
    uniform, so that the first event precedes the death by the factor :math:`r^{1/k}`; else the
    first event is the earlier of death and an independent latent event with the hazard
    (r - 1) times that of death. Either way the first event has r times the hazard of death.

    Parameters
    ----------
    spec : CohortSpec
        Effects and baseline medians.
    seed : int
        Seed of the cohort.
    patients : polars.DataFrame
        Covariates.
    counts : ndarray, shape (n,)
        Count (observed, or true cells) that the count effects belong to.
    centre_effect : ndarray, shape (n,)
        Log hazard of each patient's centre.

    Returns
    -------
    Times

    Raises
    ------
    ValueError
        If for some patient the first event would have less hazard than death.
    """
    n = spec.n_patients
    log_os = linear_predictor(spec, patients, counts, "os")
    log_first = linear_predictor(spec, patients, counts, "first_event")
    ratio = (spec.median_os / spec.median_first_event) ** spec.shape * np.exp(log_first - log_os)
    if np.any(ratio < 1.0):
        raise ValueError(
            f"the first event has less hazard than death for {int((ratio < 1).sum())} patients "
            "(it includes death); shorten median_first_event or bring its effects nearer to OS"
        )
    scale = spec.median_os / np.log(2.0) ** (1.0 / spec.shape)
    risk = np.exp(log_os + centre_effect)
    waiting = stream(seed, "death").standard_exponential(n)
    latent = stream(seed, "first event").standard_exponential(n)
    fatal = stream(seed, "coupling").random(n) < spec.coupling
    death = scale * (waiting / risk) ** (1.0 / spec.shape)
    with np.errstate(divide="ignore"):
        independent = scale * (latent / (risk * (ratio - 1.0))) ** (1.0 / spec.shape)
    first = np.where(fatal, death * ratio ** (-1.0 / spec.shape), np.minimum(independent, death))
    return Times(
        death=_whole_days(death),
        first_event=_whole_days(first),
        fatal_course=fatal & (first < death),
        frailty=np.clip(-ndtri(-np.expm1(-waiting)), -6.0, 6.0),
    )


def linear_predictor(
    spec: CohortSpec, patients: pl.DataFrame, counts: Floats, which: Which
) -> Floats:
    """Log hazard ratio of every patient against the reference, centre apart."""
    total = count_term(spec.count_effects, counts, which)
    for effect in spec.covariate_effects:
        total = total + _term(effect, patients, which)
    for effect in spec.interaction_effects:
        inside = _in_class(patients, effect.subtype, effect.level)
        total = total + np.log(getattr(effect, which)) * (inside & (counts >= spec.cutoff))
    return total


def count_term(effects: Sequence[CountEffect], counts: Floats, which: Which) -> Floats:
    """Log hazard ratio by count category."""
    starts = np.array([e.at_least for e in effects], dtype=float)
    ratios = np.array([1.0, *(getattr(e, which) for e in effects)])
    return np.log(ratios)[np.searchsorted(starts, counts, side="right")]


def _term(effect: CovariateEffect, patients: pl.DataFrame, which: Which) -> Floats:
    """Log hazard ratio of one covariate."""
    size = np.log(getattr(effect, which))
    column = patients[effect.column]
    if effect.level is None:
        values = column.cast(pl.Float64).to_numpy()
        return size * (values - effect.centre) / effect.per
    if column.dtype == pl.Boolean:
        return size * (column.to_numpy() == (effect.level == "yes"))
    return size * (column.cast(pl.String) == effect.level).to_numpy()


def _in_class(patients: pl.DataFrame, subtype: str, level: str) -> NDArray[np.bool_]:
    """Patients of one class; unknown is not in it."""
    classes = patients.select("patient_id").join(
        classify_subtype(patients, subtype).table(), on="patient_id", maintain_order="left"
    )
    return (classes["subtype"] == level).fill_null(value=False).to_numpy()


def _whole_days(time: Floats) -> NDArray[np.int64]:
    """Round up to days, so that no time is 0; far times are cut at 200 years."""
    return np.maximum(np.ceil(np.minimum(time, 73050.0)), 1.0).astype(np.int64)
