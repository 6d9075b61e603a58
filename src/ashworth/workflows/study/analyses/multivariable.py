"""The model of marker and adjusting covariates, on complete cases, for what is read off it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ashworth.errors import EstimationError
from ashworth.survival import CoxResult
from ashworth.workflows.study.analyses.context import Context, Floats, Rows, covariate_matrix
from ashworth.workflows.study.analyses.words import left_out, sizes
from ashworth.workflows.study.fitting import fit_cox
from ashworth.workflows.study.methods import stratified_words


@dataclass(frozen=True, slots=True)
class MultivariableFit:
    """A fitted model with the patients in it.

    Attributes
    ----------
    fit : CoxResult
        Marker and covariates, those left out that the data do not determine; time in the report's
        unit.
    rows : Rows
        Complete cases.
    n_missing : int
        Patients left out for a missing covariate.
    terms : mapping of str to tuple of str
        Label of the marker and of each covariate, and its columns in the fit.
    dropped : tuple of str
        Labels of columns that the data do not determine.
    """

    fit: CoxResult
    rows: Rows
    n_missing: int
    terms: Mapping[str, tuple[str, ...]]
    dropped: tuple[str, ...]


def marker_columns(rank: NDArray[np.int64], labels: Sequence[str]) -> tuple[Floats, list[str]]:
    """Indicators of every marker group but the reference, and their names."""
    return (rank[:, None] == np.arange(1, len(labels))).astype(float), list(labels[1:])


def multivariable_fit(context: Context, rows: Rows) -> MultivariableFit:
    """Fit the marker's groups and the adjusting covariates together.

    Raises
    ------
    EstimationError
        Where there is no fit, or no coefficient that is finite.
    """
    groups = context.results.groups
    covariates, names, complete = covariate_matrix(rows, context.codings)
    kept = rows.take(complete)
    marker, own = marker_columns(kept.rank, groups.labels)
    matrix, names = np.column_stack([marker, covariates[complete]]), [*own, *names]
    known = _determined(context, kept, matrix, names)
    fit, notes = _fit(context, kept, matrix[:, known], [names[j] for j in known])
    if fit is None:
        raise EstimationError("; ".join(notes))
    if np.isinf(fit.coefficients).any():
        raise EstimationError(f"{'; '.join(notes)}; the model has no finite maximum")
    inside = set(fit.names)
    terms = {groups.name: tuple(n for n in own if n in inside)}
    for coding in context.codings:
        terms[coding.label] = tuple(n for n in coding.terms if n in inside)
    return MultivariableFit(
        fit, kept, int((~complete).sum()), {k: v for k, v in terms.items() if v},
        tuple(n for j, n in enumerate(names) if j not in known),
    )  # fmt: skip


def _determined(context: Context, rows: Rows, matrix: Floats, names: list[str]) -> list[int]:
    """Columns whose coefficients the data determine."""
    fit, notes = _fit(context, rows, matrix, names)
    if fit is None:
        raise EstimationError("; ".join(notes))
    return np.flatnonzero(~np.isnan(fit.coefficients)).tolist()


def _fit(
    context: Context, rows: Rows, matrix: Floats, names: list[str]
) -> tuple[CoxResult | None, tuple[str, ...]]:
    return fit_cox(
        context.in_unit(rows.time), rows.event, matrix, names=names,
        entry=None if rows.entry is None else context.in_unit(rows.entry),
        strata=rows.strata, ties=context.settings.ties,
    )  # fmt: skip


def model_words(context: Context, model: MultivariableFit) -> str:
    """Patients, events, what the model holds, and who is left out, as sentences."""
    fit = model.fit
    what = " and ".join(model.terms) if len(model.terms) < 3 else ", ".join(model.terms)
    words = stratified_words(context.settings)
    text = f"The Cox model has {sizes(fit.n, fit.events)} and the terms {what}"
    text += f" ({words})." if words else "."
    if model.n_missing:
        text += f" {model.n_missing:,} left out for a missing covariate."
    if model.dropped:
        text += f" Not determined by the data and left out: {', '.join(model.dropped)}."
    return " ".join(part for part in (text, left_out(model.rows.analysis)) if part)


def few_events(model: MultivariableFit) -> list[str]:
    """Say so where the model has few events per coefficient."""
    per = model.fit.events / len(model.fit.names)
    if per >= 10:
        return []
    return [
        f"{per:.1f} events per coefficient: with fewer than 10 the estimates are unstable and "
        "their limits too narrow"
    ]
