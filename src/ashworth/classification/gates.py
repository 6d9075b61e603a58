"""Calls by gates: every cell gets a class, a score and its reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ashworth.classification.clusters import clusters
from ashworth.classification.leukocytes import Leukocytes, find_leukocytes, no_leukocytes
from ashworth.classification.relative import relative_features
from ashworth.definitions.call_models import CallClass, CallRule, Gate, RelativeFeature
from ashworth.definitions.loader import load
from ashworth.version import __version__

Features = Mapping[RelativeFeature, NDArray[np.float64]]
SIZES = ("nucleus_um2", "diameter_um")
SHARES = ("nuclear_share", "nucleus_on_ck", "saturated_in_all", "least_over_most")
SIZE_SOFTNESS = 0.25
NONE_FITS, UNDECIDED = -1, -2
_PREFIX = {"nucleus": "dapi", "inclusion": "ck", "exclusion": "cd45"}


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of the cells of one cartridge.

    Attributes
    ----------
    calls : polars.DataFrame
        cell_id, caller, call, score, reasons, cluster_id; in the order of the cells.
    leukocytes : Leukocytes
        The reference population.
    evaluable : bool
        False where a channel or the reference population is missing; then every call is
        ``not_evaluable`` and `reason` says why.
    reason : str
    caller, method : str
    n : int
    options : dict
    version : str
    """

    calls: pl.DataFrame
    leukocytes: Leukocytes
    evaluable: bool
    reason: str
    caller: str
    n: int
    options: dict[str, Any]
    method: str = "gates relative to the cartridge's leukocytes and background, first that fits"
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """Return the calls."""
        return self.calls


def call_cells(cells: pl.DataFrame, rule: str | CallRule = "ctc-epithelial") -> Calls:
    """Call every cell of one cartridge.

    Parameters
    ----------
    cells : polars.DataFrame
        Cells of one cartridge (all of them: the leukocytes among them are the reference), as
        `ashworth.imaging` measures them.
    rule : str or CallRule
        Id of a shipped call rule, or a rule.

    Returns
    -------
    Calls

    Notes
    -----
    The score of a cell says how clearly it fits its class: the least, over the class's gates, of
    :math:`1 / (1 + (l / v)^{1/s})` for a value v above the limit l (inverted for upper limits);
    0.5 is on the limit. s is 1, and 0.25 for sizes, which vary less than intensities; shares
    enter as odds.
    """
    rule = load("call_rule", rule) if isinstance(rule, str) else rule
    missing = [r for r in rule.channels if f"{_PREFIX[r]}_mean" not in cells.columns]
    if missing:
        nobody = no_leukocytes(cells.height)
        return _not_evaluable(cells, rule, nobody, f"channel missing: {', '.join(missing)}")
    leukocytes = find_leukocytes(cells, rule.leukocytes)
    if not leukocytes.enough:
        reason = f"{leukocytes.n} leukocytes, the rule needs {rule.leukocytes.minimum}"
        return _not_evaluable(cells, rule, leukocytes, reason)
    features = relative_features(cells, leukocytes)
    choice, score = decide(features, rule)
    call = names_of(choice, rule)
    table = pl.DataFrame(
        {
            "cell_id": cells["cell_id"],
            "caller": pl.repeat(rule.caller, cells.height, eager=True),
            "call": call,
            "score": score,
            "reasons": reasons(features, choice, rule),
            "cluster_id": clusters(cells, call),
        }
    )
    return Calls(table, leukocytes, True, "", rule.caller, cells.height, _options(rule))


def _options(rule: CallRule) -> dict[str, Any]:
    return {"rule": rule.id, "rule_version": rule.version}


def _not_evaluable(
    cells: pl.DataFrame, rule: CallRule, leukocytes: Leukocytes, reason: str
) -> Calls:
    n = cells.height
    table = pl.DataFrame(
        {
            "cell_id": cells["cell_id"],
            "caller": pl.repeat(rule.caller, n, eager=True),
            "call": pl.repeat("not_evaluable", n, eager=True),
            "score": pl.repeat(None, n, dtype=pl.Float64, eager=True),
            "reasons": pl.repeat(reason, n, eager=True),
            "cluster_id": pl.repeat(None, n, dtype=pl.String, eager=True),
        }
    )
    return Calls(table, leukocytes, False, reason, rule.caller, n, _options(rule))


def decide(features: Features, rule: CallRule) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Choose a class for every cell from its relative features.

    Returns
    -------
    choice : ndarray of int64, shape (n,)
        Position of the class in the rule; -1 where none fits, -2 where it cannot be told.
    score : ndarray of float64, shape (n,)
    """
    n = len(next(iter(features.values())))
    choice, score = np.full(n, NONE_FITS), np.full(n, 0.5)
    open_ = np.ones(n, bool)
    for k, candidate in enumerate(rule.classes):
        holds, unknown, fit = _judge(features, candidate, n)
        taken = open_ & holds
        choice[taken], score[taken] = k, fit[taken]
        undecided = open_ & unknown
        choice[undecided], score[undecided] = UNDECIDED, np.nan
        open_ &= ~(holds | unknown)
    return choice, score


def names_of(choice: NDArray[np.int64], rule: CallRule) -> list[str]:
    """Name the calls of chosen classes.

    Examples
    --------
    >>> rule = load("call_rule", "ctc-epithelial")
    >>> given = {k: np.array([v]) for k, v in rule.cases[0].given.features.items()}
    >>> names_of(decide(given, rule)[0], rule)
    ['ctc']
    """
    names = {k: c.call for k, c in enumerate(rule.classes)}
    names |= {NONE_FITS: rule.otherwise, UNDECIDED: "not_evaluable"}
    return [names[k] for k in choice.tolist()]


def _judge(
    features: Features, candidate: CallClass, n: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float64]]:
    """Whether a class's gates all hold, whether that cannot be told, and how clearly they do."""
    fails, unknown, fit = np.zeros(n, bool), np.zeros(n, bool), np.ones(n)
    for gate in candidate.gates:
        value = features.get(gate.feature, np.full(n, np.nan))
        missing = np.isnan(value)
        unknown |= missing
        fails |= ~missing & ~_passes(value, gate)
        fit = np.fmin(fit, _fit(value, gate))
    return ~fails & ~unknown, ~fails & unknown, fit


def _passes(value: NDArray[np.float64], gate: Gate) -> NDArray[np.bool_]:
    return value > gate.limit if gate.above is not None else value <= gate.limit


def _fit(value: NDArray[np.float64], gate: Gate) -> NDArray[np.float64]:
    """How clearly a gate holds, 0 to 1; 0.5 on the limit, 1 where the limit is 0."""
    limit = gate.limit
    if limit <= 0:
        return np.ones_like(value)
    if gate.feature in SHARES:
        value, limit = _odds(value), float(_odds(np.array(limit)))
    softness = SIZE_SOFTNESS if gate.feature in SIZES else 1.0
    ratio = np.maximum(value, 1e-6 * limit) / limit
    return 1 / (1 + ratio ** ((-1.0 if gate.above is not None else 1.0) / softness))


def _odds(share: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(share, 0.001, 0.999)
    return inside / (1 - inside)


def reasons(features: Features, choice: NDArray[np.int64], rule: CallRule) -> list[str]:
    """Say for every cell which values put it into its class, and what kept it from being a CTC."""
    parts: list[list[str]] = [[] for _ in choice]
    for k, candidate in enumerate(rule.classes):
        for gate in candidate.gates:
            _say(parts, choice == k, gate, features)
    ctc = [k for k, candidate in enumerate(rule.classes) if candidate.call == "ctc"]
    other = ~np.isin(choice, ctc)
    for gate in rule.classes[ctc[0]].gates if ctc else ():
        if gate.feature in features:
            failed = other & ~_passes(features[gate.feature], gate)
            _say(parts, failed, gate, features, failed=True)
            other &= ~failed
    return ["; ".join(said) or "fits no class" for said in parts]


def _say(
    parts: list[list[str]],
    rows: NDArray[np.bool_],
    gate: Gate,
    features: Features,
    *,
    failed: bool = False,
) -> None:
    """Add a gate with the values found to some rows: ``cd45_of_leukocytes 0.02 <= 0.25``."""
    name = f"not ctc: {gate.feature}" if failed else gate.feature
    limit = f"{'>' if (gate.above is not None) != failed else '<='} {gate.limit:g}"
    values = features[gate.feature][rows].tolist()
    for i, value in zip(np.flatnonzero(rows).tolist(), values, strict=True):
        found = "missing" if isnan(value) else f"{value:.3g}"
        parts[i].append(f"{name} {found} {limit}")
