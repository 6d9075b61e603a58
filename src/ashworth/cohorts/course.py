"""Outcomes and treatments as dated facts, as far as they were observed."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ashworth.cohorts.hazards import Times
from ashworth.cohorts.spec import CohortSpec
from ashworth.streams import stream

Days = NDArray[np.int64]
_FATAL_KINDS = {
    "ipsilateral_invasive_recurrence": 0.10,
    "regional_recurrence": 0.10,
    "distant_recurrence": 0.77,
    "contralateral_invasive_breast_cancer": 0.03,
}
_OTHER_KINDS = {
    "ipsilateral_invasive_recurrence": 0.24,
    "regional_recurrence": 0.11,
    "distant_recurrence": 0.30,
    "contralateral_invasive_breast_cancer": 0.19,
    "second_primary_non_breast": 0.16,
}
_CAUSES = ("death_breast_cancer", "death_other_cause", "death_unknown_cause")
_REGIMENS = {
    "her2": ("trastuzumab + pertuzumab + taxane", "trastuzumab + capecitabine"),
    "hormone": ("aromatase inhibitor + CDK4/6 inhibitor", "fulvestrant", "capecitabine"),
    "other": ("taxane", "capecitabine", "anthracycline"),
}
DCIS_PER_YEAR = 0.0008


def censoring_days(spec: CohortSpec, seed: int, accrual: Days) -> Days:
    """Day of the data cut or of the loss to follow-up, whichever is first; at least 1."""
    administrative = spec.accrual_days + spec.further_days - accrual
    rate = max(spec.drop_out_per_year, 1e-12) / 365.25
    lost = stream(seed, "drop-out").standard_exponential(accrual.size) / rate
    return np.maximum(np.ceil(np.minimum(administrative, lost)), 1.0).astype(np.int64)


def draw_outcomes(
    spec: CohortSpec, seed: int, patient_id: pl.Series, times: Times, censored: Days
) -> pl.DataFrame:
    """Dated facts of every patient up to death or last contact.

    Parameters
    ----------
    spec : CohortSpec
        Early or metastatic.
    seed : int
        Seed of the cohort.
    patient_id : polars.Series
        Names, in order.
    times : Times
        Uncensored days.
    censored : ndarray of int
        Last day of observation.

    Returns
    -------
    polars.DataFrame
        patient_id, day, kind; sorted.
    """
    kinds, spread_day = _first_kinds(spec, seed, times)
    has_first = times.first_event < times.death
    dies = times.death <= censored
    distant = has_first & (
        (kinds == "distant_recurrence") | (kinds == "progression") | (spread_day > 0)
    )
    end = np.minimum(times.death, censored)
    facts = [
        (has_first & (times.first_event <= censored), times.first_event, kinds),
        ((spread_day > 0) & (spread_day <= end), spread_day, "distant_recurrence"),
        (dies, times.death, _causes(spec, seed, distant | times.fatal_course)),
        (~dies, censored, "last_contact"),
    ]
    if spec.setting == "metastatic":
        facts.append((~dies, censored, "last_disease_assessment"))
    else:
        facts.append((np.ones(end.size, dtype=bool), np.zeros(end.size, dtype=np.int64), "surgery"))
        facts.append(_in_situ(seed, end))
    ids = patient_id.to_numpy()
    parts = [
        pl.DataFrame(
            {
                "patient_id": ids[chosen].tolist(),
                "day": day[chosen],
                "kind": [kind] * int(chosen.sum())
                if isinstance(kind, str)
                else kind[chosen].tolist(),
            },
            schema={"patient_id": pl.String, "day": pl.Int64, "kind": pl.String},
        )
        for chosen, day, kind in facts
    ]
    return pl.concat(parts).unique().sort("patient_id", "day", "kind")


def draw_treatments(
    spec: CohortSpec, seed: int, patients: pl.DataFrame, times: Times, censored: Days
) -> pl.DataFrame:
    """Treatment that starts at day 0 and stops at the first event."""
    n = spec.n_patients
    regimen = _regimens(spec, seed, patients)
    last = np.minimum(times.first_event, censored)
    if spec.setting == "early":
        last = np.minimum(last, 126)
        line = pl.Series(np.zeros(n, dtype=np.int64))
    else:
        line = patients["line"].cast(pl.Int64)
    going_on = (times.first_event > censored) & (spec.setting == "metastatic")
    stop = pl.Series(last).set(pl.Series(going_on), None)
    return pl.DataFrame(
        {
            "patient_id": patients["patient_id"],
            "line": line,
            "regimen": regimen,
            "start_day": np.zeros(n, dtype=np.int64),
            "stop_day": stop,
        }
    )


def _regimens(spec: CohortSpec, seed: int, patients: pl.DataFrame) -> list[str]:
    """Regimens that fit the receptors; one for all early patients."""
    if spec.setting == "early":
        return ["anthracycline + taxane"] * spec.n_patients
    chance = stream(seed, "regimen").random(spec.n_patients)
    groups = patients.select(
        pl.when(pl.col("her2_status") == "positive")
        .then(pl.lit("her2"))
        .when(pl.col("er_status") == "positive")
        .then(pl.lit("hormone"))
        .otherwise(pl.lit("other"))
    ).to_series()
    return [
        _REGIMENS[group][int(share * len(_REGIMENS[group]))]
        for group, share in zip(groups, chance, strict=True)
    ]


def _first_kinds(spec: CohortSpec, seed: int, times: Times) -> tuple[NDArray[np.object_], Days]:
    """Kind of the first event, and day of a later distant recurrence (0: none)."""
    n = times.death.size
    spread = np.zeros(n, dtype=np.int64)
    if spec.setting == "metastatic":
        return np.full(n, "progression", dtype=object), spread
    chance = stream(seed, "kind of first event").random(n)
    kinds = np.where(
        times.fatal_course, _by_share(_FATAL_KINDS, chance), _by_share(_OTHER_KINDS, chance)
    ).astype(object)
    local = (kinds == "ipsilateral_invasive_recurrence") | (kinds == "regional_recurrence")
    follows = times.fatal_course & local & (times.death - times.first_event >= 2)
    where = stream(seed, "later distant recurrence").random(n)
    gap = times.death - times.first_event - 1
    day = times.first_event + 1 + np.floor(where * np.maximum(gap, 1)).astype(np.int64)
    return kinds, np.where(follows, day, spread)


def _by_share(shares: dict[str, float], chance: NDArray[np.float64]) -> NDArray[np.object_]:
    """Pick names by uniform draws."""
    bounds = np.cumsum(list(shares.values()))[:-1]
    return np.array(list(shares), dtype=object)[np.searchsorted(bounds, chance)]


def _causes(spec: CohortSpec, seed: int, from_cancer: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Cause of death: mostly the cancer after distant disease, mostly another one without."""
    chance = stream(seed, "cause of death").random(from_cancer.size)
    with_cancer = np.searchsorted([0.92, 0.96], chance)
    share = 0.80 if spec.setting == "metastatic" else 0.06
    without = np.searchsorted([share, 0.93], chance)
    return np.array(_CAUSES, dtype=object)[np.where(from_cancer, with_cancer, without)]


def _in_situ(seed: int, end: Days) -> tuple[NDArray[np.bool_], Days, str]:
    """Contralateral carcinoma in situ: rare, and no event in STEEP's invasive endpoints."""
    waiting = stream(seed, "in situ").standard_exponential(end.size) / (DCIS_PER_YEAR / 365.25)
    day = np.ceil(np.minimum(waiting, 73050.0)).astype(np.int64)
    return day < end, day, "dcis_contralateral"
