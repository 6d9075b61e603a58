"""HER2 on cells as data: calibrations of the score, and the rules that read it per patient."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ashworth.definitions.cases import Model, Status
from ashworth.definitions.models import Definition, Identifier

Score = Literal[0, 1, 2, 3]
Signal = Literal["her2_mean", "her2_ring_mean"]
Unit = Literal["leukocyte_mad", "leukocyte_median"]
CellCall = Literal[
    "ctc",
    "leukocyte",
    "ck_without_nucleus",
    "apoptotic_ctc",
    "doublet",
    "unclassified_nucleus",
]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(gt=0, lt=1)]


class Her2Class(Model):
    """Where the cells of one class lie on the relative scale.

    Attributes
    ----------
    median : float
        Median relative signal, in units of the cartridge's leukocytes.
    spread : float
        Standard deviation of arsinh(relative signal) within the class.
    n_cells : int
        Control cells behind it; 0 where `source` is not ``measured``.
    source : {"measured", "interpolated", "leukocytes"}
        Interpolated between measured classes on the arsinh scale, or taken from leukocytes.
    """

    score: Score
    median: float
    spread: Positive
    n_cells: Annotated[int, Field(ge=0)]
    source: Literal["measured", "interpolated", "leukocytes"]


class FalseRate(Model):
    """How often a HER2-negative cell (0 or 1+) is called this score or higher.

    Attributes
    ----------
    rate : float
        Stated rate per HER2-negative cell.
    basis : {"observed_upper_limit", "allowance"}
        Exact one-sided 95 % upper limit of what was observed in the worse of the two classes, or
        a larger allowance for what control cells do not show.
    n_cells, n_called : int
        Control cells of that class, and those called this score or higher.
    """

    at_least: Literal[2, 3]
    rate: Share
    basis: Literal["observed_upper_limit", "allowance"]
    n_cells: Annotated[int, Field(ge=1)]
    n_called: Annotated[int, Field(ge=0)]


class Her2Control(Model):
    """A kind of control cell, by the name that the column `control` carries."""

    name: str
    score: Score


class Provenance(Model):
    """How the control cells came about."""

    simulated: bool
    text: str


class SignalGiven(Model):
    """One cell and the leukocytes of its cartridge, in counts above local background."""

    her2: float
    ck: float = 0.0
    leukocyte_location: float
    leukocyte_unit: Positive


class ScoreExpected(Model):
    """The score that follows."""

    score: Score


class Her2CalibrationCase(Model):
    """One cell and its score."""

    name: str
    given: SignalGiven
    expect: ScoreExpected


class Her2Calibration(Definition):
    """From fluorescence to a score of 0, 1+, 2+ or 3+, relative to the cartridge's leukocytes.

    Attributes
    ----------
    signal : {"her2_mean", "her2_ring_mean"}
        Column that is scored.
    unit : {"leukocyte_mad", "leukocyte_median"}
        What one unit of the relative scale is: 1.4826 times the median absolute deviation of the
        leukocytes' signal, or its median. Zero is always the leukocytes' median.
    bleed_coefficient : float
        Counts in HER2 per count of cytokeratin, at the exposures of the calibration.
    thresholds : tuple of float
        Smallest relative signal of the scores 1+, 2+ and 3+.
    maximum_rescale : float
        A cartridge whose control cells differ from the calibration by more than this factor
        either way is not evaluable.
    """

    signal: Signal
    unit: Unit
    bleed_coefficient: Annotated[float, Field(ge=0, lt=1)]
    minimum_leukocytes: Annotated[int, Field(ge=10)]
    minimum_control_cells: Annotated[int, Field(ge=5)]
    maximum_rescale: Annotated[float, Field(gt=1)]
    classes: Annotated[tuple[Her2Class, ...], Field(min_length=4, max_length=4)]
    thresholds: Annotated[tuple[float, ...], Field(min_length=3, max_length=3)]
    false_rates: Annotated[tuple[FalseRate, ...], Field(min_length=2, max_length=2)]
    controls: tuple[Her2Control, ...]
    provenance: Provenance
    cases: Annotated[tuple[Her2CalibrationCase, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ordered(self) -> Her2Calibration:
        if [c.score for c in self.classes] != [0, 1, 2, 3]:
            raise ValueError("classes must be those of the scores 0, 1, 2, 3 in this order")
        for lower, cut, upper in zip(
            self.classes[:-1], self.thresholds, self.classes[1:], strict=True
        ):
            if not lower.median < cut < upper.median:
                raise ValueError("each threshold must lie between the medians of its two classes")
        if [r.at_least for r in self.false_rates] != [3, 2]:
            raise ValueError("false_rates must be those of 3 and of 2, in this order")
        names = [c.name for c in self.controls]
        if len(set(names)) != len(names):
            raise ValueError("each control must be named once")
        return self

    @property
    def label(self) -> str:
        """Id and version as outputs print them."""
        return f"{self.id}@{self.version}"

    def false_rate(self, at_least: int) -> float | None:
        """Stated rate at which a HER2-negative cell is called this score or higher, if stated."""
        return next((r.rate for r in self.false_rates if r.at_least == at_least), None)


class Her2Criterion(Model):
    """What must be reached: a number of positive cells, their share, or the H-score."""

    kind: Literal["cells", "share", "h_score"]
    at_least: Annotated[float, Field(ge=0)] | None = None
    more_than: Annotated[float, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _one_cutoff(self) -> Her2Criterion:
        if (self.at_least is None) == (self.more_than is None):
            raise ValueError("give exactly one of at_least and more_than")
        limit = {"cells": float("inf"), "share": 1.0, "h_score": 300.0}[self.kind]
        if not self.cutoff <= limit:
            raise ValueError(f"a cut-off of {self.kind} is at most {limit:g}")
        return self

    @property
    def cutoff(self) -> float:
        """The number that is compared with."""
        return self.at_least if self.at_least is not None else (self.more_than or 0.0)

    @property
    def text(self) -> str:
        """The criterion as written in tables, e.g. ``share of positive cells >= 50 %``."""
        sign = ">=" if self.at_least is not None else ">"
        names = {"cells": "positive cells", "share": "share of positive cells"}
        amount = f"{100 * self.cutoff:.4g} %" if self.kind == "share" else f"{self.cutoff:g}"
        return f"{names.get(self.kind, 'H-score')} {sign} {amount}"


class CellsGiven(Model):
    """A number of cells of one call and score; a score of null is not evaluable."""

    call: CellCall = "ctc"
    score: Score | None
    n: Annotated[int, Field(ge=1)] = 1


class Her2Given(Model):
    """What is known of one patient: scored cells, or values entered by hand per cell."""

    cells: tuple[CellsGiven, ...] = ()
    values: tuple[float | None, ...] = ()
    calibration: Identifier = "her2-simulated"


class VerdictExpected(Model):
    """What the rule says, and what it says with false positive cells removed."""

    status: Status
    robust: Status | None = None
    n_evaluable: Annotated[int, Field(ge=0)] | None = None


class Her2RuleCase(Model):
    """One patient and the verdict that follows."""

    name: str
    given: Her2Given
    expect: VerdictExpected


class Her2Rule(Definition):
    """When a patient's tumour cells are called HER2 positive.

    Attributes
    ----------
    reads : {"score", "fish_ratio", "cellsearch_intensity"}
        The immunofluorescence score, or a value that a person enters per cell.
    events : tuple of str
        Calls that count as the patient's tumour cells.
    positive_scores : tuple of int
        Scores that make a cell positive (`reads` is ``score``).
    cell_at_least : float or None
        Smallest value that makes a cell positive (`reads` is not ``score``).
    minimum_evaluable : int
        Fewer evaluable cells than this, and the patient is not assessable.
    """

    reads: Literal["score", "fish_ratio", "cellsearch_intensity"]
    events: Annotated[tuple[CellCall, ...], Field(min_length=1)]
    positive_scores: tuple[Score, ...] = ()
    cell_at_least: Positive | None = None
    criterion: Her2Criterion
    minimum_evaluable: Annotated[int, Field(ge=1)]
    differs_from: tuple[Identifier, ...] = ()
    cases: Annotated[tuple[Her2RuleCase, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _fits_what_it_reads(self) -> Her2Rule:
        by_score = self.reads == "score"
        if by_score != bool(self.positive_scores) or by_score == (self.cell_at_least is not None):
            raise ValueError(
                "a rule that reads the score needs positive_scores, any other needs cell_at_least"
            )
        if self.criterion.kind == "h_score" and not by_score:
            raise ValueError("an H-score is made of scores")
        if list(self.positive_scores) != sorted(set(self.positive_scores)):
            raise ValueError("positive_scores must rise, each once")
        if (
            self.positive_scores
            and tuple(range(self.positive_scores[0], 4)) != self.positive_scores
        ):
            raise ValueError("positive_scores must hold every score from the lowest up to 3")
        return self

    @property
    def label(self) -> str:
        """Id and version as outputs print them."""
        return f"{self.id}@{self.version}"

    @property
    def positive_text(self) -> str:
        """What makes a cell positive, in words."""
        if self.reads == "score":
            names = ", ".join(f"{s}+" if s else "0" for s in self.positive_scores)
            return f"HER2 by immunofluorescence {names}"
        name = "HER2/CEP17 ratio" if self.reads == "fish_ratio" else "CellSearch HER2 intensity"
        return f"{name} >= {self.cell_at_least:g}"
