"""Score HER2 on the cells of one cartridge: 0, 1+, 2+ or 3+ by immunofluorescence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ashworth.classification.her2_reference import (
    ControlReference,
    LeukocyteReference,
    control_reference,
    leukocyte_reference,
)
from ashworth.classification.her2_scale import class_probabilities, scores_of
from ashworth.definitions.her2_models import Her2Calibration
from ashworth.definitions.loader import load
from ashworth.errors import InputError, Problem
from ashworth.version import __version__

Floats = NDArray[np.float64]
CLASSES = tuple(f"HER2 by immunofluorescence {name}" for name in ("0", "1+", "2+", "3+"))
NOTICE = "Research use only. Not a medical device."
REASONS = {
    "her2_channel_missing": "The cartridge has no HER2 channel.",
    "no_leukocyte_reference": "The cartridge's leukocytes give no reference.",
    "controls_out_of_range": "The control cells do not fit the calibration.",
    "call": "The event is an artefact or its call is not evaluable.",
    "not_measured": "HER2 was not measured on this cell, e.g. it lies outside the mask.",
    "ck_not_measured": "Without cytokeratin its bleed-through into HER2 is unknown.",
    "saturated": "The HER2 channel is saturated: the true signal is higher than measured.",
}
_NEVER_SCORED = ("artefact", "not_evaluable")
_NUMBERS = ("her2_mean", "her2_ring_mean", "ck_mean")


@dataclass(frozen=True, slots=True)
class Her2Scores:
    """HER2 of the cells of one cartridge.

    Attributes
    ----------
    cells : polars.DataFrame
        One row per cell in the order given: cell_id, call, control, her2_signal (counts above
        local background, bleed-through removed), her2_relative (units of the leukocytes),
        her2_score, her2_class, her2_p0 to her2_p3 (probability of each class), her2_evaluable,
        her2_reason (a key of `REASONS`; ``saturated`` may stand beside a score of 3, which more
        signal cannot change).
    calibration : Her2Calibration
        What was used; ``calibration.label`` is id@version.
    reference : LeukocyteReference
        Zero and unit from the cartridge's leukocytes.
    controls : ControlReference
        What the control cells of the cartridge showed.
    n, n_evaluable : int
        Cells, and those with a score.
    """

    cells: pl.DataFrame
    calibration: Her2Calibration
    reference: LeukocyteReference
    controls: ControlReference
    n: int
    n_evaluable: int
    method: str
    options: dict[str, Any]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """Give one row per cell."""
        return self.cells

    def text(self) -> str:
        """Say what was scored, by which calibration and reference."""
        simulated = ", made from simulated control cells" * self.calibration.provenance.simulated
        r = self.reference
        reference = (
            f"{r.n} leukocytes: median {r.location:.4g} counts, unit {r.unit:.4g} counts"
            if r.reason is None
            else f"{r.n} leukocytes, no reference: {r.reason}"
        )
        factor = f"{self.controls.factor:.3g} from {', '.join(self.controls.used)}"
        return "\n".join(
            [
                f"HER2 by immunofluorescence, calibration {self.calibration.label}{simulated}",
                f"{self.n_evaluable} of {self.n} cells evaluable; {reference}",
                f"control cells: factor {factor}" if self.controls.used else "no control cells",
                NOTICE,
            ]
        )


def score_her2(
    cells: pl.DataFrame,
    calibration: Her2Calibration | str = "her2-simulated",
    *,
    controls: Mapping[str, int] | None = None,
    gain_ratio: float = 1.0,
) -> Her2Scores:
    r"""Score HER2 on every cell of one cartridge, relative to its own leukocytes.

    Parameters
    ----------
    cells : polars.DataFrame
        The `cells` of **one** cartridge with their calls: cell_id, call, ck_mean, her2_mean (or
        her2_ring_mean, as the calibration says), in counts above local background; optionally
        her2_saturated (bool) and control (name of the control cells, null for the patient's).
        Without a HER2 column no cell is evaluable.
    calibration : Her2Calibration or str
        A calibration or the id of one that ships.
    controls : mapping of str to int, optional
        Score that each control of this cartridge stands for, where its names are not those of
        the calibration.
    gain_ratio : float
        How much the exposures of HER2 against cytokeratin differ from those of the calibration:
        2 where HER2 is exposed twice as long. It concerns bleed-through only.

    Returns
    -------
    Her2Scores

    Raises
    ------
    InputError
        For missing columns, repeated or missing cell ids, values that are no numbers.

    Notes
    -----
    .. math:: r = f\,\frac{H - b\,\max(C, 0) - L}{U}

    with HER2 signal H, cytokeratin C, bleed-through b, location L and unit U of the leukocytes
    (by default their median and 1.4826 times their median absolute deviation) and factor f of
    the control cells (1 without them). L and U come from the same cartridge, so a gain that all
    channels share, and any offset, leave r as it is. A gain of HER2 alone does so too if it is
    given as `gain_ratio`.

    Examples
    --------
    >>> from ashworth.classification import simulated_cells
    >>> cells = simulated_cells(np.random.default_rng(1), cells_per_class=(5, 5, 5, 5))
    >>> scores = score_her2(cells)
    >>> scores.table().filter(pl.col("call") == "ctc")["her2_class"].unique().sort()[-1]
    'HER2 by immunofluorescence 3+'
    """
    chosen = load("her2_calibration", calibration) if isinstance(calibration, str) else calibration
    _check(cells, chosen, gain_ratio)
    measured = _measure(cells, chosen, gain_ratio)
    reference = _reference(cells, measured, chosen)
    relative = (measured.signal - reference.location) / reference.unit
    names = {c.name: int(c.score) for c in chosen.controls} if controls is None else dict(controls)
    found = _controls(cells, relative, measured, chosen, names)
    relative = relative * (found.factor if found.in_range else np.nan)
    table = _score(cells, relative, measured, chosen, _cartridge_reason(measured, reference, found))
    return Her2Scores(
        cells=table,
        calibration=chosen,
        reference=reference,
        controls=found,
        n=table.height,
        n_evaluable=int(table["her2_evaluable"].sum()),
        method="HER2 signal relative to the leukocytes of the same cartridge",
        options={"gain_ratio": gain_ratio, "controls": names},
    )


@dataclass(frozen=True, slots=True)
class _Measured:
    """Signals as arrays; NaN where a value is missing."""

    signal: Floats
    channel: bool
    has_ck: NDArray[np.bool_]
    saturated: NDArray[np.bool_]


def _measure(cells: pl.DataFrame, calibration: Her2Calibration, gain_ratio: float) -> _Measured:
    her2, ck = _floats(cells, calibration.signal), _floats(cells, "ck_mean")
    coefficient = calibration.bleed_coefficient * gain_ratio
    signal = her2 - coefficient * np.maximum(ck, 0.0) if coefficient > 0 else her2
    saturated = np.zeros(cells.height, bool)
    if "her2_saturated" in cells.columns:
        saturated = cells["her2_saturated"].fill_null(value=False).to_numpy()
    has_ck = np.isfinite(ck) | (coefficient == 0)
    channel = calibration.signal in cells.columns and bool(np.isfinite(her2).any())
    return _Measured(signal, channel, has_ck, saturated)


def _floats(cells: pl.DataFrame, name: str) -> Floats:
    """Give a column with NaN for null and infinite values; all NaN where it is absent."""
    if name not in cells.columns:
        return np.full(cells.height, np.nan)
    values = cells[name].cast(pl.Float64).to_numpy().copy()
    values[~np.isfinite(values)] = np.nan
    return values


def _control_names(cells: pl.DataFrame) -> pl.Series:
    if "control" in cells.columns:
        return cells["control"].cast(pl.String)
    return pl.Series("control", [None] * cells.height, dtype=pl.String)


def _reference(
    cells: pl.DataFrame, measured: _Measured, calibration: Her2Calibration
) -> LeukocyteReference:
    leukocyte = ((cells["call"] == "leukocyte") & _control_names(cells).is_null()).to_numpy()
    chosen = leukocyte & np.isfinite(measured.signal) & ~measured.saturated
    noise = _floats(cells, "her2_noise")
    return leukocyte_reference(
        measured.signal[chosen],
        minimum=calibration.minimum_leukocytes,
        unit=calibration.unit,
        noise=float(noise[0]) if noise.size and np.isfinite(noise[0]) else 0.0,
    )


def _controls(
    cells: pl.DataFrame,
    relative: Floats,
    measured: _Measured,
    calibration: Her2Calibration,
    scores: Mapping[str, int],
) -> ControlReference:
    names = _control_names(cells)
    usable = np.isfinite(relative) & ~measured.saturated
    usable &= ~cells["call"].is_in(_NEVER_SCORED).to_numpy()
    groups = {
        name: relative[(names == name).fill_null(value=False).to_numpy() & usable]
        for name in names.drop_nulls().unique().sort()
    }
    return control_reference(groups, calibration, scores)


def _cartridge_reason(
    measured: _Measured, reference: LeukocyteReference, controls: ControlReference
) -> str | None:
    if not measured.channel:
        return "her2_channel_missing"
    if reference.reason is not None:
        return "no_leukocyte_reference"
    return None if controls.in_range else "controls_out_of_range"


def _score(
    cells: pl.DataFrame,
    relative: Floats,
    measured: _Measured,
    calibration: Her2Calibration,
    reason: str | None,
) -> pl.DataFrame:
    known = np.isfinite(relative)
    filled = np.where(known, relative, 0.0)
    score = scores_of(filled, calibration)
    reasons = _reasons(cells, measured, score, reason)
    evaluable = np.array([r is None for r in reasons], dtype=bool)
    evaluable |= np.array([r == "saturated" for r in reasons], bool) & (score == 3)
    chances = np.where(evaluable[:, None], class_probabilities(filled, calibration), np.nan)
    given = [int(s) if e else None for s, e in zip(score, evaluable, strict=True)]
    return pl.DataFrame(
        {
            "cell_id": cells["cell_id"],
            "call": cells["call"],
            "control": _control_names(cells),
            "her2_signal": pl.Series(measured.signal, dtype=pl.Float64).fill_nan(None),
            "her2_relative": pl.Series(relative, dtype=pl.Float64).fill_nan(None),
            "her2_score": given,
            "her2_class": [None if s is None else CLASSES[s] for s in given],
            **{f"her2_p{k}": pl.Series(chances[:, k]).fill_nan(None) for k in range(4)},
            "her2_evaluable": evaluable,
            "her2_reason": reasons,
        },
        schema_overrides={
            "her2_score": pl.Int64, "her2_class": pl.String, "her2_reason": pl.String,
        },
    )  # fmt: skip


def _reasons(
    cells: pl.DataFrame, measured: _Measured, score: NDArray[np.int64], cartridge: str | None
) -> list[str | None]:
    """Give the first reason of each cell: the cartridge's, then the cell's own."""
    if cartridge is not None:
        return [cartridge] * cells.height
    tests = (
        ("call", cells["call"].is_in(_NEVER_SCORED).to_numpy()),
        ("ck_not_measured", ~measured.has_ck),
        ("not_measured", ~np.isfinite(measured.signal)),
        ("saturated", measured.saturated),
    )
    names = np.full(cells.height, None, dtype=object)
    for name, where in reversed(tests):
        names[where] = name
    return list(names)


def _check(cells: pl.DataFrame, calibration: Her2Calibration, gain_ratio: float) -> None:
    problems = [
        Problem("cells", None, name, "no such column", "this column is needed", f"add '{name}'")
        for name in ("cell_id", "call")
        if name not in cells.columns
    ]
    problems += [
        Problem("cells", None, name, str(cells[name].dtype), "numbers", "read it as numbers")
        for name in _NUMBERS
        if name in cells.columns
        and not (cells[name].dtype.is_numeric() or cells[name].is_null().all())
    ]
    if "her2_saturated" in cells.columns and cells["her2_saturated"].dtype != pl.Boolean:
        found = str(cells["her2_saturated"].dtype)
        problems.append(
            Problem("cells", None, "her2_saturated", found, "true or false", "make it Boolean")
        )
    if not (np.isfinite(gain_ratio) and gain_ratio > 0):
        problems.append(
            Problem(
                "settings", None, "gain_ratio", str(gain_ratio), "a number above 0", "correct it"
            )
        )
    if not problems:
        problems += _bad_ids(cells["cell_id"]) + _bad_calls(cells["call"])
    if problems:
        raise InputError(problems, subject=f"the cells for HER2 by {calibration.label}")


def _bad_ids(ids: pl.Series) -> list[Problem]:
    remedy = "give each cell of the cartridge an id of its own"
    found = [
        f"'{i}' more than once"
        for i in ids.filter(ids.is_duplicated()).drop_nulls().unique().sort()
    ]
    found += [f"{ids.null_count()} empty"] if ids.null_count() else []
    return [Problem("cells", None, "cell_id", f, "each id once", remedy) for f in found]


def _bad_calls(calls: pl.Series) -> list[Problem]:
    if not calls.null_count():
        return []
    remedy = "call the cells first; 'not_evaluable' is a call"
    return [Problem("cells", None, "call", f"{calls.null_count()} empty", "a call", remedy)]
