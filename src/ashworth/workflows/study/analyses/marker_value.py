"""The marker's number of every analysed patient, and the cut that makes its groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ashworth.definitions import Endpoint
from ashworth.errors import EstimationError
from ashworth.workflows.study.analyses.context import Context, Floats, Rows, covariate_matrix
from ashworth.workflows.study.analyses.words import left_out, sizes
from ashworth.workflows.study.analysis_settings import Request


@dataclass(frozen=True, slots=True)
class MarkerRows:
    """Patients with a number of the marker and all adjusting covariates.

    Attributes
    ----------
    rows : Rows
        The patients, time in days.
    covariates : ndarray, shape (n, p)
        Columns of the adjusting covariates.
    names : list of str
        Their names.
    labels : list of str
        Words for the adjusting covariates.
    words : str
        Patients, events and who is left out, as sentences.
    """

    rows: Rows
    covariates: Floats
    names: list[str]
    labels: list[str]
    words: str


def marker_rows(context: Context, request: Request, endpoint: Endpoint) -> MarkerRows:
    """Complete cases with a number of the marker."""
    rows = context.rows(endpoint, context.timepoint(request).name)
    z, names, complete = covariate_matrix(rows, context.codings)
    known = np.isfinite(rows.value)
    kept = known & complete
    if not kept.any():
        raise EstimationError("no patient has a number of the marker and all covariates")
    found = rows.take(kept)
    z = z[kept]
    varies = np.ptp(z, axis=0) > 0 if z.size else np.zeros(z.shape[1], dtype=bool)
    text = f"{endpoint.abbreviation}. {sizes(found.n, found.n_events).capitalize()}."
    if not known.all():
        text += f" {int((~known).sum()):,} left out without a number of the marker."
    if (known & ~complete).any():
        text += f" {int((known & ~complete).sum()):,} left out for a missing covariate."
    if not varies.all():
        flat = ", ".join(n for n, v in zip(names, varies, strict=True) if not v)
        text += f" Left out of the models, constant: {flat}."
    competing = int((found.event_code > 1).sum())
    if competing:
        text += f" {competing:,} with a competing event first are censored there."
    words = " ".join(part for part in (text, left_out(rows.analysis)) if part)
    kept_names = [n for n, v in zip(names, varies, strict=True) if v]
    labels = [c.label for c in context.codings if set(c.terms) & set(kept_names)]
    return MarkerRows(found, z[:, varies], kept_names, labels, words)


def marker_cut(context: Context, rows: Rows) -> float:
    """The number from which on the marker is high.

    Raises
    ------
    EstimationError
        With one group only, or where the status is no cut of the number (volumes that differ).
    """
    low, high = rows.value[rows.high == 0], rows.value[rows.high == 1]
    if low.size == 0 or high.size == 0:
        raise EstimationError("all patients are in one group of the marker")
    if low.max() >= high.min():
        raise EstimationError(
            "the status is no cut of the number counted (it depends on the volume too), so that "
            "the two cannot be compared"
        )
    rule = context.results.rule
    declared = context.settings.cut
    if declared is None and rule is not None:
        at_least = rule.cutoff().at_least
        declared = None if at_least is None else float(at_least)
    fits = declared is not None and low.max() < declared <= high.min()
    return float(declared) if fits and declared is not None else float(high.min())


def is_count(values: Floats) -> bool:
    """Whether all numbers are whole and none is negative."""
    return bool((values >= 0).all() and (values == np.floor(values)).all())
