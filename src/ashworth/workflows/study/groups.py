"""Patients by marker: low or high, at each time point, with the day their clock starts."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ashworth.definitions.models import PositivityRule
from ashworth.workflows.study.settings import StudySettings, TimePoint

INDEX = TimePoint(name="index", label="At the index date")
KINDS_OF_CELL = {"ctc": "CTC", "dtc": "DTC"}


@dataclass(frozen=True, slots=True)
class MarkerGroups:
    """Who is in which marker group, and from which day on that is known.

    Attributes
    ----------
    frame : polars.DataFrame
        patient_id, timepoint, clock_day (day of the specimen, 0 for a covariate), group (label),
        rank (its place in `labels`), high (bool: positive); assessable patients only.
    timepoints : tuple of TimePoint
        In the order of the study file.
    labels : tuple of str
        All groups, the reference first: two, or the levels of an ordinal rule.
    low, high : str
        Words for negative and positive.
    name : str
        What is counted, e.g. CTC.
    """

    frame: pl.DataFrame
    timepoints: tuple[TimePoint, ...]
    labels: tuple[str, ...]
    low: str
    high: str
    name: str

    @property
    def ordinal(self) -> bool:
        """Whether there are more than two groups."""
        return len(self.labels) > 2

    def at(self, timepoint: str) -> pl.DataFrame:
        """Rows of one time point, sorted by patient."""
        return self.frame.filter(pl.col("timepoint") == timepoint)


def groups_from_statuses(
    statuses: pl.DataFrame, settings: StudySettings, rule: PositivityRule
) -> MarkerGroups:
    """Groups by the status of specimens; what is not assessable has no group.

    Nor has a positive count in too little volume under an ordinal rule: its level is not known.
    """
    low, high = rule_labels(rule)
    cell = KINDS_OF_CELL.get(rule.phenotype, rule.phenotype)
    is_high = pl.col("status") == "positive"
    if rule.levels:
        words = {
            v.name: f"{v.name.replace('>=', '≥ ').replace('-', '–')} {cell}" for v in rule.levels
        }
        labels = tuple(words.values())
        group = pl.col("level").replace_strict(words, return_dtype=pl.String)
    else:
        labels = (low, high)
        group = pl.when(is_high).then(pl.lit(high)).otherwise(pl.lit(low))
    assessable = statuses.filter(pl.col("status") != "not_assessable")
    known = assessable.with_columns(group.alias("group")).filter(pl.col("group").is_not_null())
    frame = known.select(
        "patient_id",
        "timepoint",
        pl.col("specimen_day").alias("clock_day"),
        "group",
        _rank(labels),
        is_high.alias("high"),
    ).sort("timepoint", "patient_id")
    return MarkerGroups(frame, settings.timepoints, labels, low, high, cell)


def groups_from_covariate(patients: pl.DataFrame, settings: StudySettings) -> MarkerGroups:
    """Groups by a covariate known at the index date; missing values have no group."""
    column, cut = settings.marker, settings.cut
    assert column is not None
    assert cut is not None
    low, high = covariate_labels(settings)
    is_high = pl.col(column) >= cut
    group = pl.when(is_high).then(pl.lit(high)).otherwise(pl.lit(low))
    known = patients.filter(pl.col(column).is_not_null()).with_columns(group.alias("group"))
    frame = known.select(
        "patient_id",
        pl.lit(INDEX.name).alias("timepoint"),
        pl.lit(0).cast(pl.Int64).alias("clock_day"),
        "group",
        _rank((low, high)),
        is_high.alias("high"),
    ).sort("patient_id")
    name = settings.marker_label or column
    return MarkerGroups(frame, (INDEX,), (low, high), low, high, name)


def _rank(labels: tuple[str, ...]) -> pl.Expr:
    """Place of each group's label."""
    places = {label: place for place, label in enumerate(labels)}
    return pl.col("group").replace_strict(places, return_dtype=pl.Int64).alias("rank")


def covariate_labels(settings: StudySettings) -> tuple[str, str]:
    """Labels of the two sides of a cut, e.g. ``('1–3 nodes', '≥ 4 nodes')``."""
    column, cut = settings.marker or "", settings.cut or 0.0
    declared = settings.covariates.get(column)
    unit = f" {declared.unit}" if declared and declared.unit else ""
    whole = declared is not None and declared.type == "integer" and cut == int(cut)
    if whole and declared is not None and declared.minimum is not None:
        least, most = int(declared.minimum), int(cut) - 1
        below = f"{least}" if least == most else f"{least}–{most}"
        return f"{below}{unit}", f"≥ {cut:g}{unit}"
    return f"< {cut:g}{unit}", f"≥ {cut:g}{unit}"


def rule_labels(rule: PositivityRule) -> tuple[str, str]:
    """Short labels of the two sides of a rule, e.g. ``('< 5 CTC', '≥ 5 CTC')``."""
    cell = KINDS_OF_CELL.get(rule.phenotype, rule.phenotype)
    cutoff = rule.cutoff()
    if cutoff.at_least is None:
        return f"≤ {cutoff.more_than:g} {cell}/ml", f"> {cutoff.more_than:g} {cell}/ml"
    if cutoff.at_least == 1:
        return f"0 {cell}", f"≥ 1 {cell}"
    return f"< {cutoff.at_least} {cell}", f"≥ {cutoff.at_least} {cell}"
