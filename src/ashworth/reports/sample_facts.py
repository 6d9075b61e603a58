"""What the summary of one sample is made from, as plain tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from ashworth.errors import InputError, Problem

Outcome = Literal["done", "not_evaluable"]

COLUMNS: dict[str, tuple[str, ...]] = {
    "counts": ("call", "n_cells", "lower", "upper"),
    "channels": ("channel", "role"),
    "quality": ("measure", "value", "unit"),
    "agreement": ("measure", "value", "lower", "upper"),
    "verdicts": (
        "rule", "status", "n_evaluable", "n_strong", "expected_false_strong", "n_removed",
        "robust_status",
    ),
    "frames": ("frame", "column", "row", "n_nuclei"),
    "cells": ("cell_id", "call", "frame", "x_um", "y_um"),
}  # fmt: skip
"""Columns that each table must have where it is given."""


@dataclass(frozen=True, slots=True)
class SampleFacts:
    """Everything that the summary of one sample prints; tables are empty where there is nothing.

    Attributes
    ----------
    sample : str
        Name of the sample.
    format, reason : str
        Format of the folder and why it was recognised.
    n_frames : int
    pixel_size_um : float
    caller : str
        Who called, e.g. ``cellsearch-ctc@1``.
    outcome : {"done", "not_evaluable"}
        A sample that is not evaluable has no counts.
    outcome_reason : str
        Why it is not evaluable; demanded there.
    simulated : bool
    notes : tuple of str
        What the reader of the images wants known.
    volume_ml : float or None
        Volume of blood behind the count.
    channels : polars.DataFrame
        channel, role; optional threshold_counts, background_counts, leukocyte_median_counts
        (above background).
    n_leukocytes : int or None
        Size of the reference population.
    counts : polars.DataFrame
        call, n_cells, lower, upper: exact Poisson limits of the count.
    level : float
        Confidence level of those limits.
    quality : polars.DataFrame
        measure, value, unit; optional flag (true where the reader should look).
    frames : polars.DataFrame
        As `figures.cartridge_map_figure` takes them; empty: no map.
    frame_width_um, frame_height_um : float
        Size of a frame.
    contiguous : bool
        Whether frames abut.
    cells : polars.DataFrame
        cell_id, call, frame, x_um, y_um; optional ck_mean and cd45_mean for the scatter.
    ck_cut, cd45_cut : float or None
        Thresholds drawn in the scatter, in counts above background.
    agreement : polars.DataFrame
        measure, value, lower, upper: against the operator's assigned events.
    verdicts : polars.DataFrame
        rule, status, n_evaluable, n_strong, expected_false_strong, n_removed, robust_status;
        optional calibration and reason, as a HER2 verdict's table has them.
    gallery : str
        Address of the gallery relative to the page; empty: none.
    """

    sample: str
    format: str
    reason: str
    n_frames: int
    pixel_size_um: float
    caller: str
    outcome: Outcome = "done"
    outcome_reason: str = ""
    simulated: bool = False
    notes: tuple[str, ...] = ()
    volume_ml: float | None = None
    channels: pl.DataFrame = field(default_factory=pl.DataFrame)
    n_leukocytes: int | None = None
    counts: pl.DataFrame = field(default_factory=pl.DataFrame)
    level: float = 0.95
    quality: pl.DataFrame = field(default_factory=pl.DataFrame)
    frames: pl.DataFrame = field(default_factory=pl.DataFrame)
    frame_width_um: float = 0.0
    frame_height_um: float = 0.0
    contiguous: bool = True
    cells: pl.DataFrame = field(default_factory=pl.DataFrame)
    ck_cut: float | None = None
    cd45_cut: float | None = None
    agreement: pl.DataFrame = field(default_factory=pl.DataFrame)
    verdicts: pl.DataFrame = field(default_factory=pl.DataFrame)
    gallery: str = ""


def check_facts(facts: SampleFacts) -> None:
    """Refuse facts that lack a column or contradict themselves.

    Raises
    ------
    InputError
        If a table that is given lacks a column, a sample that is not evaluable has counts or no
        reason, or one that is done has no counts.
    """
    problems = [
        Problem(table, None, column, "no such column", "a column", "add it or leave the table out")
        for table, columns in COLUMNS.items()
        if (given := getattr(facts, table)).columns
        for column in columns
        if column not in given.columns
    ]
    done = facts.outcome == "done"
    if done and facts.counts.is_empty():
        remedy = "give the counts, with zeros, or say that the sample is not evaluable"
        problems.append(Problem("counts", None, None, "no counts", "a row per class", remedy))
    if not done and not facts.counts.is_empty():
        remedy = "leave the counts of a sample out that is not evaluable"
        problems.append(Problem("counts", None, None, "counts", "no counts", remedy))
    if not done and not facts.outcome_reason.strip():
        remedy = "say why the sample is not evaluable"
        problems.append(Problem("sample", None, "outcome_reason", "no reason", "a reason", remedy))
    if problems:
        raise InputError(problems, subject=f"the summary of {facts.sample!r}")
