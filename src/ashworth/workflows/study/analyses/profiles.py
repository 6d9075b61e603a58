"""Profiles of covariates that a study file asks predictions for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ashworth.errors import InputError, Problem
from ashworth.workflows.study.analyses.context import Context, Floats
from ashworth.workflows.study.analyses.multivariable import MultivariableFit, marker_columns
from ashworth.workflows.study.analysis_settings import PredictedSurvivalRequest
from ashworth.workflows.study.coding import Coding

MARKER = "marker"
KEY = "analyses.profiles"
Named = Mapping[str, str | float | bool]


@dataclass(frozen=True, slots=True)
class Profile:
    """One set of covariate values in one marker group.

    Attributes
    ----------
    label : str
        Name in the legend of its figure.
    panel : str
        Figure in which it is drawn: what the named covariates are; '' for a single figure.
    values : ndarray, shape (p,)
        In the order of the fit's columns.
    fixed : tuple of str
        What is at its reference level or median, in words.
    """

    label: str
    panel: str
    values: Floats
    fixed: tuple[str, ...]

    @property
    def title(self) -> str:
        """Profile and marker group."""
        return f"{self.panel}; {self.label}" if self.panel else self.label


def read_profiles(
    context: Context, request: PredictedSurvivalRequest, model: MultivariableFit
) -> list[Profile]:
    """Profiles of a request: each in every marker group, unless it names one as `marker`.

    A marker group is named by its label, or as ``"low"`` or ``"high"`` where there are two.

    Raises
    ------
    InputError
        Names that are no covariates of the model, and levels and values that do not exist: all.
    """
    labels = context.results.groups.labels
    names = {label: label for label in labels}
    if len(labels) == 2:
        names |= {"low": labels[0], "high": labels[1]}
    problems = [p for named in request.profiles for p in _faults(context, named, names)]
    if problems:
        raise InputError(problems, subject="study.toml")
    wanted: Sequence[Named] = request.profiles or ({},)
    found: list[Profile] = []
    for named in wanted:
        group = named.get(MARKER)
        for rank, label in enumerate(labels):
            if group is None or names[str(group)] == label:
                found.append(_profile(context, model, named, rank, label))
    return found


def _faults(context: Context, named: Named, labels: Mapping[str, str]) -> list[Problem]:
    """What is wrong with one profile."""
    codings = {c.column: c for c in context.codings}
    faults = []
    for name, value in named.items():
        if name == MARKER:
            if str(value) not in labels:
                faults.append(_problem(name, value, ", ".join(labels), "name a marker group"))
        elif name not in codings:
            allowed = ", ".join([MARKER, *codings])
            remedy = "name a covariate listed under `adjust`"
            faults.append(_problem(name, value, allowed, remedy, what="covariate"))
        elif codings[name].kind == "factor":
            if _level(value) not in codings[name].levels:
                allowed = ", ".join(codings[name].levels)
                faults.append(_problem(name, value, allowed, "name a level that occurs"))
        elif isinstance(value, str | bool) or not np.isfinite(value):
            faults.append(_problem(name, value, "a number", "give a number"))
    return faults


def _problem(name: str, value: Any, allowed: str, remedy: str, *, what: str = "value") -> Problem:
    found = f"{name} = {value!r}" if what == "value" else f"unknown {what} {name!r}"
    return Problem("study.toml", None, KEY, found, allowed, remedy)


def _level(value: str | float | bool) -> str:
    """A level as text: yes, no, and whole numbers without a point."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else f"{value:g}"


def _profile(
    context: Context, model: MultivariableFit, named: Named, rank: int, label: str
) -> Profile:
    groups = context.results.groups
    marker, own = marker_columns(np.array([rank]), groups.labels)
    values: dict[str, float] = dict(zip(own, marker[0].tolist(), strict=True))
    fixed, words = [], []
    for coding in context.codings:
        given = named.get(coding.column)
        text = _value_words(coding, model.rows.patients, given)
        (fixed if given is None else words).append(f"{coding.label} {text}")
        columns = _columns(coding, model.rows.patients, given)
        values |= dict(zip(coding.terms, columns.tolist(), strict=True))
    vector = np.array([values[n] for n in model.fit.names])
    group = label if groups.name in label else f"{groups.name} {label}"
    return Profile(group, ", ".join(words), vector, tuple(fixed))


def _median(coding: Coding, patients: pl.DataFrame) -> float:
    """Median of a number as it stands in the patients table."""
    return float(np.nanmedian(patients[coding.column].cast(pl.Float64).to_numpy()))


def _columns(coding: Coding, patients: pl.DataFrame, given: Any) -> Floats:
    """Model columns of one value; the reference level or median where none is given."""
    if coding.kind == "number":
        value = _median(coding, patients) if given is None else float(given)
        frame = pl.DataFrame({coding.column: [value]}, schema={coding.column: pl.Float64})
        return coding.values(frame)[0]
    level = coding.levels[0] if given is None else _level(given)
    return np.array([float(level == other) for other in coding.levels[1:]])


def _value_words(coding: Coding, patients: pl.DataFrame, given: Any) -> str:
    """One value in words."""
    if coding.kind == "factor":
        return (coding.levels[0] if given is None else _level(given)).replace("_", " ")
    value = _median(coding, patients) if given is None else float(given)
    unit = f" {coding.unit}" if coding.unit else ""
    return f"{value:g}{unit}" + (" (median)" if given is None else "")
