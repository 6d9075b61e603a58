"""A count against a rule: which amount, which cut-off, and what may be said from too little."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, pdtrc

from ashworth.definitions.models import PositivityRule

VolumeModel = Literal["binomial_thinning", "homogeneous_poisson"]
Floats = NDArray[np.float64]
Texts = NDArray[np.object_]
UNITS = {"volume_ml": "ml", "nucleated_cells": "nucleated cells"}


@dataclass(frozen=True, slots=True)
class Call:
    """Status by observed count, element by element.

    Attributes
    ----------
    status : ndarray of object
        positive, negative or not_assessable.
    reason : ndarray of object
        Empty where the count simply decides.
    minimum_count : ndarray of float
        Smallest positive count in the rule's amount (in the analysed amount for rate rules).
    level : ndarray of object
        Level of an ordinal rule, or None.
    """

    status: Texts
    reason: Texts
    minimum_count: Floats
    level: Texts


def minimum_counts(rule: PositivityRule, amounts: Floats, on: date | None) -> Floats:
    """Smallest positive count for each analysed amount."""
    cutoff = rule.cutoff(on)
    scale = amounts if rule.scale == "rate_per_ml" else np.ones_like(amounts)
    if cutoff.at_least is not None:
        return np.maximum(np.ceil(cutoff.at_least * scale - 1e-9), 0.0)
    return np.floor((cutoff.more_than or 0.0) * scale + 1e-9) + 1.0


def reach_probability(
    n: Floats, amount: Floats, wanted: float, cut: Floats, model: VolumeModel
) -> Floats:
    """Probability that the rule's amount, a part of what was analysed, reaches the cut-off.

    ``binomial_thinning``: each of the n cells lies in that part with probability wanted / amount.
    ``homogeneous_poisson``: a new part of the same blood, Poisson with mean n wanted / amount.
    """
    share = wanted / amount
    if model == "homogeneous_poisson":
        return np.asarray(pdtrc(cut - 1.0, n * share))
    inside = betainc(cut, np.maximum(n - cut + 1.0, 0.5), share)
    return np.where(n >= cut, inside, 0.0)


def call_status(
    n: Floats,
    amounts: Floats,
    rule: PositivityRule,
    *,
    on: date | None = None,
    model: VolumeModel | None = None,
    tolerance: float = 0.0,
) -> Call:
    """Apply a rule to counts with their analysed amounts.

    Parameters
    ----------
    n, amounts : ndarray of float, shape (m,)
        Cells and analysed amounts.
    rule : PositivityRule
        Cut-off, amount and scale.
    on : date, optional
        Day whose cut-off is used; the latest by default.
    model : {'binomial_thinning', 'homogeneous_poisson'}, optional
        How to answer when more than the rule's amount was analysed: positive if the model gives
        the rule's amount at least an even chance to reach the cut-off.
    tolerance : float
        Difference between analysed and demanded amount that counts as none, in the
        denominator's unit.

    Returns
    -------
    Call
    """
    cut = minimum_counts(rule, amounts, on)
    wanted = rule.denominator.amount
    status = np.where(n >= cut, "positive", "negative").astype(object)
    reason = np.full(n.shape, "", dtype=object)
    level = _levels(n, rule)
    if rule.scale == "rate_per_ml" or wanted is None:
        return Call(status, reason, cut, level)
    slack = tolerance + 1e-9 * wanted
    short, long = amounts < wanted - slack, amounts > wanted + slack
    unit = UNITS[rule.denominator.kind]
    _judge_short(short, n, amounts, cut, wanted, unit, status, reason)
    top = rule.levels[-1].at_least if rule.levels else np.inf
    level[short & (n < top)] = None
    _judge_long(long, n, amounts, cut, rule, model, status, reason, level)
    return Call(status, reason, cut, level)


def _judge_short(
    short: NDArray[np.bool_],
    n: Floats,
    amounts: Floats,
    cut: Floats,
    wanted: float,
    unit: str,
    status: Texts,
    reason: Texts,
) -> None:
    """Too little: positive if the count already reaches the cut-off, else not assessable."""
    for i in np.flatnonzero(short):
        amount = f"{amounts[i]:.6g} {unit} for {wanted:.6g} {unit}"
        if n[i] >= cut[i]:
            reason[i] = f"cut-off already reached in {amount}"
        else:
            status[i], reason[i] = "not_assessable", f"too little volume: {amount}"
            if unit != "ml":
                reason[i] = f"too few nucleated cells: {amount}"


def _judge_long(
    long: NDArray[np.bool_],
    n: Floats,
    amounts: Floats,
    cut: Floats,
    rule: PositivityRule,
    model: VolumeModel | None,
    status: Texts,
    reason: Texts,
    level: Texts,
) -> None:
    """More than the rule's amount: only a named model may answer."""
    where = np.flatnonzero(long)
    wanted = rule.denominator.amount
    if where.size == 0 or wanted is None:
        return
    unit = UNITS[rule.denominator.kind]
    if model is None:
        for i in where:
            status[i], level[i] = "not_assessable", None
            reason[i] = (
                f"more than the rule's amount: {amounts[i]:.6g} {unit} for {wanted:.6g} {unit}"
            )
        return
    n, amounts = n[where], amounts[where]
    chance = reach_probability(n, amounts, wanted, cut[where], model)
    status[where] = np.where(chance >= 0.5, "positive", "negative")
    level[where] = _model_levels(n, amounts, wanted, rule, model)
    for i, p, amount in zip(where, chance, amounts, strict=True):
        reason[i] = (
            f"{model}: {wanted:.6g} of {amount:.6g} {unit} reaches the cut-off "
            f"with probability {p:.3f}"
        )


def _levels(n: Floats, rule: PositivityRule) -> Texts:
    """Level by observed count; None for rules without levels."""
    if not rule.levels:
        return np.full(n.shape, None, dtype=object)
    names = np.array([level.name for level in rule.levels], dtype=object)
    starts = np.array([level.at_least for level in rule.levels], dtype=float)
    return names[np.searchsorted(starts, n, side="right") - 1]


def _model_levels(
    n: Floats, amounts: Floats, wanted: float, rule: PositivityRule, model: VolumeModel
) -> Texts:
    """Highest level that the rule's amount reaches with at least an even chance."""
    out = _levels(np.zeros_like(n), rule)
    for level in rule.levels[1:]:
        cut = np.full(n.shape, float(level.at_least))
        out[reach_probability(n, amounts, wanted, cut, model) >= 0.5] = level.name
    return out
