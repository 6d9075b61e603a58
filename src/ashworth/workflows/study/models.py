"""Univariable and multivariable Cox models, and subgroups with their interaction tests."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtri

from ashworth.errors import AshworthWarning
from ashworth.survival import CoxResult, SubgroupLevel
from ashworth.survival import subgroup_effects as effects_within
from ashworth.workflows.study.clock import AnalysisSet
from ashworth.workflows.study.coding import Coding, level_texts
from ashworth.workflows.study.fitting import fit_cox
from ashworth.workflows.study.groups import MarkerGroups
from ashworth.workflows.study.settings import StudySettings

MARKER = "marker"
ROWS = {
    "section": pl.String,
    "label": pl.String,
    "n": pl.Int64,
    "events": pl.Int64,
    "estimate": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "p_value": pl.Float64,
    "is_reference": pl.Boolean,
}


@dataclass(frozen=True, slots=True)
class CoxModels:
    """Models of one endpoint at one time point.

    Attributes
    ----------
    univariable, multivariable : polars.DataFrame
        section, label, n, events, estimate (hazard ratio), lower, upper, p_value, is_reference.
    n, events : int
        Complete cases in the multivariable model.
    dropped : polars.DataFrame
        covariate, n: patients left out of the multivariable model for a missing value.
    events_per_term : float
    notes : tuple of str
        What could not be estimated.
    """

    univariable: pl.DataFrame
    multivariable: pl.DataFrame
    n: int
    events: int
    dropped: pl.DataFrame
    events_per_term: float
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Data:
    """Arrays of one analysis, in the order of its patients."""

    time: NDArray[np.float64]
    event: NDArray[np.int64]
    entry: NDArray[np.float64] | None
    strata: NDArray[np.int64] | None
    high: NDArray[np.float64]
    rank: NDArray[np.int64]
    patients: pl.DataFrame


def cox_models(
    analysis: AnalysisSet,
    patients: pl.DataFrame,
    codings: Sequence[Coding],
    groups: MarkerGroups,
    settings: StudySettings,
    strata: NDArray[np.int64] | None,
) -> CoxModels:
    """Fit every covariate alone, then all together on complete cases.

    Raises
    ------
    EstimationError
        If the endpoint has no events.
    """
    data = _data(analysis, patients, strata)
    notes: list[str] = []
    columns, terms = _marker_columns(data, groups), _marker_terms(groups)
    marker = _marker_rows(data, groups, _fit(data, columns, terms, settings, notes), settings)
    alone = [_rows_alone(data, coding, settings, notes) for coding in codings]
    complete = ~_any_missing(data, codings)
    together = _rows_together(_take(data, complete), codings, groups, settings, notes)
    size = len(terms) + sum(len(c.terms) for c in codings)
    events = int(data.event[complete].sum())
    dropped = [(c.label, int(c.missing(data.patients).sum())) for c in codings]
    return CoxModels(
        univariable=pl.concat([marker, *alone]),
        multivariable=together,
        n=int(complete.sum()),
        events=events,
        dropped=pl.DataFrame(
            [d for d in dropped if d[1]],
            schema={"covariate": pl.String, "n": pl.Int64},
            orient="row",
        ),
        events_per_term=events / size,
        notes=tuple(dict.fromkeys(notes)),
    )


def subgroup_effects(
    analysis: AnalysisSet,
    patients: pl.DataFrame,
    codings: Sequence[Coding],
    settings: StudySettings,
    strata: NDArray[np.int64] | None,
) -> pl.DataFrame:
    """Hazard ratio of high against low within levels, with the interaction's p-value.

    A model per level; the test is the likelihood-ratio test of marker by level in one model with
    both main effects (`ashworth.survival.subgroup_effects`).

    Returns
    -------
    polars.DataFrame
        The columns of the model rows and interaction_p (null but on the first row of a section).
    """
    schema = {**ROWS, "interaction_p": pl.Float64}
    factors = [c for c in codings if c.kind == "factor"]
    if not factors:
        return pl.DataFrame(schema=schema)
    data = _data(analysis, patients, strata)
    columns = {c.column: level_texts(data.patients, c.column) for c in factors}
    columns = {name: texts for name, texts in columns.items() if texts.drop_nulls().len()}
    if not columns:
        return pl.concat([_subgroup(c, (), None, 0.0) for c in factors])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AshworthWarning)
        found = effects_within(
            data.time, data.event, data.high,
            columns, model="separate", entry=data.entry, strata=data.strata, ties=settings.ties,
            level=settings.level,
        )  # fmt: skip
    z = float(ndtri(0.5 + settings.level / 2))
    tests = {name: _known(found.interaction_p(name)) for name in columns}
    return pl.concat([_subgroup(c, found.rows, tests.get(c.column), z) for c in factors])


def _data(analysis: AnalysisSet, patients: pl.DataFrame, strata: NDArray[np.int64] | None) -> _Data:
    """Align covariates with the analysis."""
    frame = analysis.frame
    aligned = frame.select("patient_id").join(
        patients, on="patient_id", how="left", maintain_order="left"
    )
    return _Data(
        time=frame["time"].to_numpy().astype(float),
        event=frame["event"].to_numpy(),
        entry=frame["entry"].to_numpy().astype(float) if analysis.delayed else None,
        strata=strata,
        high=frame["high"].cast(pl.Float64).to_numpy(),
        rank=frame["rank"].to_numpy(),
        patients=aligned,
    )


def _take(data: _Data, keep: NDArray[np.bool_]) -> _Data:
    """Keep some patients."""
    return _Data(
        time=data.time[keep],
        event=data.event[keep],
        entry=None if data.entry is None else data.entry[keep],
        strata=None if data.strata is None else data.strata[keep],
        high=data.high[keep],
        rank=data.rank[keep],
        patients=data.patients.filter(pl.Series(keep)),
    )


def _fit(
    data: _Data, matrix: NDArray[np.float64], names: list[str], settings: StudySettings,
    notes: list[str],
) -> CoxResult | None:  # fmt: skip
    """Fit one model; its notes are added to `notes`."""
    fit, said = fit_cox(
        data.time, data.event, matrix, names=names,
        entry=data.entry, strata=data.strata, ties=settings.ties,
    )  # fmt: skip
    notes.extend(said)
    return fit


def _any_missing(data: _Data, codings: Sequence[Coding]) -> NDArray[np.bool_]:
    """Patients with any missing covariate."""
    missing = np.zeros(data.time.size, dtype=bool)
    for coding in codings:
        missing |= coding.missing(data.patients)
    return missing


def _marker_columns(data: _Data, groups: MarkerGroups) -> NDArray[np.float64]:
    """Indicators of every group but the reference, shape (n, groups - 1)."""
    return (data.rank[:, None] == np.arange(1, len(groups.labels))).astype(float)


def _marker_terms(groups: MarkerGroups) -> list[str]:
    """Names of the marker's columns."""
    return [f"{MARKER}={label}" for label in groups.labels[1:]]


def _marker_rows(
    data: _Data, groups: MarkerGroups, fit: CoxResult | None, settings: StudySettings
) -> pl.DataFrame:
    """Rows of the marker in a fitted model, the reference first."""
    rows = []
    for place, label in enumerate(groups.labels):
        here = data.rank == place
        counts = (int(here.sum()), int(data.event[here].sum()))
        effect = (None,) * 4 if place == 0 else _effect(fit, f"{MARKER}={label}", settings)
        rows.append((groups.name, label, *counts, *effect, place == 0))
    return pl.DataFrame(rows, schema=ROWS, orient="row")


def _effect(
    fit: CoxResult | None, term: str, settings: StudySettings
) -> tuple[float | None, float | None, float | None, float | None]:
    """Hazard ratio, limits and Wald p-value of a term; None where not estimable."""
    if fit is None:
        return None, None, None, None
    place = list(fit.names).index(term)
    lower, upper = np.exp(np.asarray(fit.confint(settings.level))[place])
    ratio = float(np.exp(fit.coefficients[place]))
    return _known(ratio), _known(lower), _known(upper), _known(fit.table()["p_value"][place])


def _known(value: float | None) -> float | None:
    """The number, or None for NaN."""
    return None if value is None or np.isnan(value) else float(value)


def _coding_rows(
    data: _Data, coding: Coding, fit: CoxResult | None, settings: StudySettings
) -> pl.DataFrame:
    """Rows of one covariate in a fitted model."""
    present = ~coding.missing(data.patients)
    if coding.kind == "number":
        n, events = int(present.sum()), int(data.event[present].sum())
        effect = _effect(fit, coding.column, settings)
        row = (coding.label, coding.number_label, n, events, *effect, False)
        return pl.DataFrame([row], schema=ROWS, orient="row")
    texts = level_texts(data.patients, coding.column)
    rows = []
    for place, level in enumerate(coding.levels):
        here = (texts == level).fill_null(value=False).to_numpy()
        counts = (int(here.sum()), int(data.event[here].sum()))
        effect = (None,) * 4 if place == 0 else _effect(fit, f"{coding.column}={level}", settings)
        rows.append((coding.label, level.replace("_", " "), *counts, *effect, place == 0))
    return pl.DataFrame(rows, schema=ROWS, orient="row")


def _rows_alone(
    data: _Data, coding: Coding, settings: StudySettings, notes: list[str]
) -> pl.DataFrame:
    """Univariable model of one covariate, on the patients who have it."""
    mine = _take(data, ~coding.missing(data.patients))
    fit = None
    if coding.terms and mine.event.sum():
        fit = _fit(mine, coding.values(mine.patients), list(coding.terms), settings, notes)
    return _coding_rows(mine, coding, fit, settings)


def _rows_together(
    data: _Data, codings: Sequence[Coding], groups: MarkerGroups, settings: StudySettings,
    notes: list[str],
) -> pl.DataFrame:  # fmt: skip
    """Multivariable model on complete cases."""
    blocks = [_marker_columns(data, groups), *(c.values(data.patients) for c in codings)]
    names = [*_marker_terms(groups), *(t for c in codings for t in c.terms)]
    fit = None
    if data.event.sum():
        fit = _fit(data, np.column_stack(blocks), names, settings, notes)
    marker = _marker_rows(data, groups, fit, settings)
    return pl.concat([marker, *(_coding_rows(data, c, fit, settings) for c in codings)])


def _subgroup(
    coding: Coding, level_rows: Sequence[SubgroupLevel], interaction: float | None, z: float
) -> pl.DataFrame:
    """Rows of one factor, in the order of its coding."""
    known = {row.level: row.record(z) for row in level_rows if row.factor == coding.column}
    rows = []
    for place, level in enumerate(coding.levels):
        found = known.get(level)
        counts = (0, 0) if found is None else (found["n"], found["events"])
        keys = ("hazard_ratio", "lower", "upper", "p_value")
        effect = (None,) * 4 if found is None else tuple(_known(found[k]) for k in keys)
        head = (coding.label, level.replace("_", " "), *counts)
        rows.append((*head, *effect, False, interaction if place == 0 else None))
    return pl.DataFrame(rows, schema={**ROWS, "interaction_p": pl.Float64}, orient="row")
