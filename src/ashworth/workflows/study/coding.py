"""Covariates as model terms: labels, reference levels, units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ashworth.errors import InputError, Problem
from ashworth.workflows.study.settings import Covariate, StudySettings

LEVEL_ORDER: dict[str, tuple[str, ...]] = {
    "menopausal_status": ("pre", "peri", "post"),
    "histology": ("nst", "lobular", "mixed", "other"),
    "er_status": ("negative", "positive"),
    "pr_status": ("negative", "positive"),
    "her2_status": ("negative", "positive"),
    "her2_ihc": ("0", "1+", "2+", "3+"),
    "her2_ish": ("not_amplified", "equivocal", "amplified"),
    "setting": ("dcis", "early", "metastatic"),
    "grade": ("1", "2", "3"),
}
LABELS = {
    "age_years": "Age",
    "menopausal_status": "Menopausal status",
    "er_status": "Oestrogen receptor",
    "pr_status": "Progesterone receptor",
    "er_percent": "Oestrogen receptor",
    "pr_percent": "Progesterone receptor",
    "her2_status": "HER2 status",
    "her2_ihc": "HER2 by immunohistochemistry",
    "her2_ish": "HER2 by in situ hybridisation",
    "ki67_percent": "Ki-67",
    "pt": "Tumour stage (pT)",
    "pn": "Nodal stage (pN)",
    "m": "Metastasis stage (M)",
    "line": "Line of therapy",
    "de_novo": "De novo metastatic disease",
    "centre": "Centre",
}
UNITS = {"age_years": "years", "er_percent": "%", "pr_percent": "%", "ki67_percent": "%"}
DEFAULT_PER = {"age_years": 10.0, "ki67_percent": 10.0, "er_percent": 10.0, "pr_percent": 10.0}
MOST_LEVELS = 30
MISSING_LEVELS = ("unknown", "not_done", "")


@dataclass(frozen=True, slots=True)
class Coding:
    """How one column enters a table or a model.

    Attributes
    ----------
    column, label, unit : str
        Column of `patients`, its label, its unit ('' if none).
    kind : {'number', 'factor'}
    levels : tuple of str
        Levels of a factor that occur; the first is the reference.
    per : float
        Step of a number to which the hazard ratio belongs.
    transform : {'none', 'log1p', 'log2'}
    """

    column: str
    label: str
    unit: str
    kind: Literal["number", "factor"]
    levels: tuple[str, ...]
    per: float
    transform: Literal["none", "log1p", "log2"]

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the model's columns."""
        if self.kind == "number":
            return (self.column,)
        return tuple(f"{self.column}={level}" for level in self.levels[1:])

    @property
    def number_label(self) -> str:
        """Label of a number's hazard ratio with its step."""
        if self.transform != "none":
            inside = f"{self.label} + 1" if self.transform == "log1p" else self.label
            return f"{'ln' if self.transform == 'log1p' else 'log2'}({inside}), per unit"
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.label}, per {self.per:g}{unit}"

    def values(self, patients: pl.DataFrame) -> NDArray[np.float64]:
        """Model columns, shape (n, number of terms); NaN where the value is missing."""
        if self.kind == "number":
            return self._numbers(patients)[:, None]
        texts = level_texts(patients, self.column)
        columns = [
            (texts == level).cast(pl.Float64).to_numpy().astype(float) for level in self.levels[1:]
        ]
        out = np.column_stack(columns) if columns else np.empty((patients.height, 0))
        out[texts.is_null().to_numpy(), :] = np.nan
        return out

    def missing(self, patients: pl.DataFrame) -> NDArray[np.bool_]:
        """Return which patients have no value, shape (n,)."""
        if self.kind == "number":
            return np.isnan(self._numbers(patients))
        return level_texts(patients, self.column).is_null().to_numpy()

    def _numbers(self, patients: pl.DataFrame) -> NDArray[np.float64]:
        """Transform and scale a number."""
        raw = patients[self.column].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.transform == "log1p":
                raw = np.log1p(raw)
            elif self.transform == "log2":
                raw = np.log2(raw)
        return np.where(np.isfinite(raw), raw, np.nan) / self.per


def level_texts(patients: pl.DataFrame, column: str) -> pl.Series:
    """Levels as text; unknown and the like are null."""
    series = patients[column]
    if series.dtype == pl.Boolean:
        return series.replace_strict({True: "yes", False: "no"}, return_dtype=pl.String)
    texts = series.cast(pl.String)
    return texts.set(texts.is_in(MISSING_LEVELS), None)


def code_covariates(
    columns: tuple[str, ...], patients: pl.DataFrame, settings: StudySettings, *, key: str
) -> tuple[Coding, ...]:
    """Codings of the named columns.

    Raises
    ------
    InputError
        If `study.toml` names a column (under `key`) that the patients table does not have, or
        in which nobody has a value.
    """
    filled = [c for c in patients.columns if level_texts(patients, c).drop_nulls().len()]
    problems = [_absent(c, filled, key) for c in columns if c not in filled]
    if problems:
        raise InputError(problems, subject="study.toml")
    codings = tuple(_coding(c, patients, settings.covariates.get(c)) for c in columns)
    many = [c for c in codings if len(c.levels) > MOST_LEVELS]
    if many:
        raise InputError([_too_many(c, key) for c in many], subject="study.toml")
    return codings


def _too_many(coding: Coding, key: str) -> Problem:
    """A factor with so many levels that it is none."""
    return Problem(
        "study.toml",
        None,
        key,
        f"'{coding.column}' with {len(coding.levels)} levels",
        f"at most {MOST_LEVELS} levels, or a number",
        "group the levels, declare the column as a number, or stratify by it",
    )


def _absent(column: str, filled: list[str], key: str) -> Problem:
    """A covariate without any value."""
    return Problem(
        "study.toml",
        None,
        key,
        f"'{column}', of which no patient has a value",
        f"columns of patients with values: {', '.join(filled)}",
        f"fill the column in patients.csv (an own one is declared under [covariates.{column}]), "
        "or leave it out",
    )


def _coding(column: str, patients: pl.DataFrame, declared: Covariate | None) -> Coding:
    """Coding of one column."""
    spec = declared or Covariate()
    levels = _levels(column, patients, spec)
    step = spec.per or DEFAULT_PER.get(column, 1.0)
    return Coding(
        column=column,
        label=spec.label or LABELS.get(column, column.replace("_", " ").capitalize()),
        unit=spec.unit or UNITS.get(column, ""),
        kind="factor" if levels is not None else "number",
        levels=levels or (),
        per=1.0 if spec.transform != "none" else step,
        transform=spec.transform,
    )


def _levels(column: str, patients: pl.DataFrame, spec: Covariate) -> tuple[str, ...] | None:
    """Levels that occur, reference first; None for a number."""
    dtype = patients.schema[column]
    named = spec.categories or LEVEL_ORDER.get(column)
    if named is None and dtype.is_numeric():
        return None
    present = set(level_texts(patients, column).drop_nulls().unique().to_list())
    if dtype == pl.Boolean:
        named = named or ("no", "yes")
    order = [v for v in named or () if v in present]
    return tuple(order + sorted(present.difference(order)))
