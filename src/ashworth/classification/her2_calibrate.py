"""Make a calibration of HER2 on cells from a laboratory's own control cells, and write it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml
from numpy.typing import NDArray
from scipy.special import betaincinv

from ashworth.classification.her2_reference import bleed_coefficient as estimate_bleed
from ashworth.classification.her2_reference import leukocyte_reference
from ashworth.classification.her2_scale import median_and_mad, thresholds_between
from ashworth.definitions.her2_models import Her2Calibration, Signal, Unit
from ashworth.errors import EstimationError, InputError, Problem

Floats = NDArray[np.float64]
_SKIPPED = ("artefact", "not_evaluable", "leukocyte")


def calibrate(
    cells: pl.DataFrame,
    controls: Mapping[str, int],
    *,
    id: str,
    title: str,
    provenance: str,
    version: int = 1,
    signal: Signal = "her2_mean",
    unit: Unit = "leukocyte_mad",
    bleed_coefficient: float | None = None,
    minimum_leukocytes: int = 50,
    minimum_control_cells: int = 20,
    maximum_rescale: float = 3.0,
    allowance: float | None = None,
    simulated: bool = False,
    references: Sequence[str] = (),
) -> Her2Calibration:
    """Make a calibration from control cells of known HER2 class.

    Use it with cell lines spiked into blood and run as patients' tubes are, e.g. MCF-7 (score 0
    or 1+ by the laboratory's own judgement) and SK-BR-3 (3+); some 6000 negative control cells
    are needed to show a false-strong rate of 0.05 %.

    Parameters
    ----------
    cells : polars.DataFrame
        Columns call, control, ck_mean and the signal, in counts above local background;
        optionally her2_saturated, and cartridge where there are several. Every cartridge needs
        its leukocytes.
    controls : mapping of str to int
        Score that each name in `control` stands for; 3 must be among them, and 0 or 1.
    id, title, version, references
        Of the definition.
    provenance : str
        How the control cells were grown, stained and measured.
    signal, unit, minimum_leukocytes, minimum_control_cells, maximum_rescale
        As in `Her2Calibration`.
    bleed_coefficient : float, optional
        Measured on single-stained cells; by default the Theil-Sen slope of HER2 on cytokeratin
        of the control cells of the lowest score, the median over cartridges.
    allowance : float, optional
        False-strong rate per HER2-negative cell to be stated instead of the observed limit,
        which must not be above it.
    simulated : bool
        Whether the control cells are simulated.

    Returns
    -------
    Her2Calibration

    Raises
    ------
    InputError
        For missing columns or scores, or too few control cells or leukocytes.
    EstimationError
        If the classes do not rise, or the observed limit is above the allowance.

    Notes
    -----
    Class medians and spreads are the median and 1.4826 times the median absolute deviation of
    arsinh(relative signal). A class between measured ones is interpolated on that scale; a
    missing class 0 is taken to lie where leukocytes do. Thresholds: `thresholds_between`. False
    rates are the exact one-sided 95 % upper limits in the worse of the two negative classes.

    Examples
    --------
    >>> from ashworth.classification import CONTROLS, simulated_cells
    >>> cells = simulated_cells(
    ...     np.random.default_rng(2), cells_per_class=(0, 200, 0, 200), control_cells=True
    ... )
    >>> mine = calibrate(cells, CONTROLS, id="mine", title="Mine", provenance="simulated",
    ...                  simulated=True)
    >>> [c.source for c in mine.classes]
    ['leukocytes', 'measured', 'interpolated', 'measured']
    """
    _check(cells, controls, signal)
    usable = _usable(cells, controls, signal)
    if bleed_coefficient is None:
        bleed_coefficient = float(f"{_bleed(usable, signal):.3g}")
    relative, white = _relative(usable, signal, unit, bleed_coefficient, minimum_leukocytes)
    scores = usable["score"].fill_null(-1).to_numpy()
    groups = {s: relative[scores == s] for s in range(4)}
    groups = {s: values for s, values in groups.items() if values.size}
    _enough(groups, minimum_control_cells)
    classes = _classes(groups, white)
    cuts = _cuts(classes)
    return Her2Calibration.model_validate(
        {
            "id": id, "version": version, "title": title, "origin": "derived",
            "references": tuple(references), "signal": signal, "unit": unit,
            "bleed_coefficient": bleed_coefficient, "minimum_leukocytes": minimum_leukocytes,
            "minimum_control_cells": minimum_control_cells, "maximum_rescale": maximum_rescale,
            "classes": tuple(classes), "thresholds": tuple(cuts),
            "false_rates": tuple(_false_rate(groups, cuts, k, allowance) for k in (3, 2)),
            "controls": tuple({"name": n, "score": s} for n, s in controls.items()),
            "provenance": {"simulated": simulated, "text": provenance},
            "cases": tuple(_cases(classes)),
        }
    )  # fmt: skip


def write_calibration(calibration: Her2Calibration, folder: Path | str) -> Path:
    """Write a calibration where `load(..., folders=[folder])` finds it.

    Returns
    -------
    Path
        ``folder/her2_calibration/<id>.yaml``.

    Raises
    ------
    InputError
        If the file exists: a calibration in use is never changed, a new one has another id.
    """
    path = Path(folder) / "her2_calibration" / f"{calibration.id}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        remedy = "choose another id, or move the old file away"
        problem = Problem(
            path.name, None, "id", f"'{calibration.id}', which exists", "a new id", remedy
        )
        raise InputError([problem], subject="the calibration to be written")
    part = path.with_suffix(".part")
    try:
        part.write_text(calibration_yaml(calibration), encoding="utf-8")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def calibration_yaml(calibration: Her2Calibration) -> str:
    """Give a calibration as the text of its YAML file."""
    data = calibration.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=96)


def _usable(cells: pl.DataFrame, controls: Mapping[str, int], signal: str) -> pl.DataFrame:
    """Keep leukocytes and control cells that were measured; add cartridge and score."""
    saturated = (
        pl.col("her2_saturated") if "her2_saturated" in cells.columns else pl.lit(value=False)
    )
    cartridge = pl.col("cartridge") if "cartridge" in cells.columns else pl.lit("only")
    score = pl.col("control").replace_strict(dict(controls), default=None, return_dtype=pl.Int64)
    is_control = score.is_not_null() & ~pl.col("call").is_in(_SKIPPED)
    is_white = pl.col("control").is_null() & (pl.col("call") == "leukocyte")
    return cells.filter(
        (is_control | is_white)
        & ~saturated.fill_null(value=False)
        & pl.col(signal).is_finite()
        & pl.col("ck_mean").is_finite()
    ).with_columns(score=score, cartridge=cartridge.cast(pl.String))


def _bleed(usable: pl.DataFrame, signal: str) -> float:
    """Median over cartridges of the estimate on the control cells of the lowest score."""
    lowest = usable.filter(pl.col("score") == pl.col("score").min())
    slopes = []
    for name in lowest["cartridge"].unique().sort():
        here = lowest.filter(pl.col("cartridge") == name).select(
            pl.col(signal, "ck_mean").cast(pl.Float64)
        )
        slopes.append(estimate_bleed(here[signal].to_numpy(), here["ck_mean"].to_numpy()))
    return float(np.median(slopes)) if slopes else 0.0


def _relative(
    usable: pl.DataFrame, signal: str, unit: Unit, bleed: float, minimum: int
) -> tuple[Floats, Floats]:
    """Relative signal of every row by its own cartridge, and of all leukocytes."""
    ck = usable["ck_mean"].cast(pl.Float64).to_numpy()
    values = usable[signal].cast(pl.Float64).to_numpy() - bleed * np.maximum(ck, 0.0)
    white = usable["score"].is_null().to_numpy()
    relative, problems = np.full(values.size, np.nan), []
    for name in usable["cartridge"].unique().sort():
        here = (usable["cartridge"] == name).to_numpy()
        reference = leukocyte_reference(values[here & white], minimum=minimum, unit=unit)
        relative[here] = (values[here] - reference.location) / reference.unit
        if reference.reason is not None:
            found = f"cartridge {name}: {reference.n} leukocytes, {reference.reason}"
            allowed = f"at least {minimum} leukocytes with a HER2 signal"
            problems.append(
                Problem("cells", None, signal, found, allowed, "leave this cartridge out")
            )
    if problems:
        raise InputError(problems, subject="the control cells")
    return relative, relative[white]


def _classes(groups: Mapping[int, Floats], white: Floats) -> list[dict[str, Any]]:
    """Medians and spreads of the four classes on the arsinh scale."""
    found = {s: median_and_mad(np.arcsinh(values)) for s, values in groups.items()}
    sources = dict.fromkeys(found, "measured")
    if 0 not in found:
        found[0], sources[0] = median_and_mad(np.arcsinh(white)), "leukocytes"
    known = sorted(found)
    rows = []
    for score in range(4):
        centre, spread = (np.interp(score, known, [found[k][i] for k in known]) for i in (0, 1))
        rows.append(
            {
                "score": score,
                "median": float(f"{np.sinh(centre):.4g}"),
                "spread": float(f"{spread:.4g}"),
                "n_cells": int(groups[score].size) if score in groups else 0,
                "source": sources.get(score, "interpolated"),
            }
        )
    return rows


def _cuts(classes: Sequence[Mapping[str, Any]]) -> list[float]:
    medians, spreads = [c["median"] for c in classes], [c["spread"] for c in classes]
    if not all(np.diff(medians) > 0) or min(spreads) <= 0:
        found = ", ".join(f"{m:g}" for m in medians)
        raise EstimationError(
            f"found class medians {found} with the smallest spread {min(spreads):g}; allowed: "
            "medians that rise from 0 to 3+ and spreads above 0; mend: check which control cells "
            "stand for which score"
        )
    return [float(f"{cut:.4g}") for cut in thresholds_between(medians, spreads)]


def _false_rate(
    groups: Mapping[int, Floats], cuts: Sequence[float], at_least: int, allowance: float | None
) -> dict[str, Any]:
    """Observed limit of the worse negative class, or the allowance for strong cells."""
    rows = []
    for score in (s for s in (0, 1) if s in groups):
        n, called = groups[score].size, int(np.sum(groups[score] >= cuts[at_least - 1]))
        # Exact one-sided limit; a class that is called this high throughout has none below 1.
        limit = float(betaincinv(called + 1, n - called, 0.95)) if called < n else 1.0
        rows.append((limit, n, called))
    limit, n, called = max(rows)
    stated = allowance if at_least == 3 else None
    if limit >= 1.0 or (stated is not None and limit > stated):
        raise EstimationError(
            f"found {called} of {n} negative control cells called {at_least}+ or higher (upper "
            f"limit {limit:.2g}); allowed: {stated or 'below 1'}; mend: measure more negative "
            "control cells, or state the observed limit by leaving out the allowance"
        )
    basis = "observed_upper_limit" if stated is None else "allowance"
    rate = float(f"{limit:.3g}") if stated is None else stated
    return {
        "at_least": at_least, "rate": rate, "basis": basis, "n_cells": n, "n_called": called,
    }  # fmt: skip


def _cases(classes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Worked cases that every calibration must hold: the median of a class has its score."""
    return [
        {
            "name": f"a cell at the median of HER2 by immunofluorescence {c['score']}"
            + "+" * (c["score"] > 0),
            "given": {"her2": c["median"], "leukocyte_location": 0.0, "leukocyte_unit": 1.0},
            "expect": {"score": c["score"]},
        }
        for c in classes
    ]


def _check(cells: pl.DataFrame, controls: Mapping[str, int], signal: str) -> None:
    problems = [
        Problem("cells", None, name, "no such column", "this column is needed", f"add '{name}'")
        for name in ("call", "control", "ck_mean", signal)
        if name not in cells.columns
    ]
    scores = set(controls.values())
    if 3 not in scores or not scores & {0, 1} or scores - {0, 1, 2, 3}:
        remedy = "name control cells of score 3, and of score 0 or 1"
        problems.append(
            Problem("settings", None, "controls", f"scores {sorted(scores)}", "0 to 3", remedy)
        )
    if problems:
        raise InputError(problems, subject="the control cells")


def _enough(groups: Mapping[int, Floats], minimum: int) -> None:
    needed = {3: "3+", min(groups, default=0): "the lowest score"}
    problems = [
        Problem(
            "cells", None, "control", f"{groups[s].size if s in groups else 0} cells of score {s}",
            f"at least {minimum}", f"measure more control cells of {needed.get(s, f'score {s}')}",
        )
        for s in sorted({*groups, *needed})
        if s not in groups or groups[s].size < minimum
    ]  # fmt: skip
    if min(groups, default=9) > 1:
        problems.append(
            Problem("cells", None, "control", "no cells of score 0 or 1", "some", "measure some")
        )
    if problems:
        raise InputError(problems, subject="the control cells")
