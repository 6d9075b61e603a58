"""The cohort flow: from the patients of the table to those of the analysis."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from ashworth.workflows.study.clock import AnalysisSet
from ashworth.workflows.study.groups import MarkerGroups
from ashworth.workflows.study.settings import StudySettings, TimePoint

SCHEMA = {
    "step": pl.Int64,
    "role": pl.String,
    "label": pl.String,
    "n": pl.Int64,
}


def cohort_flow(
    patients: pl.DataFrame,
    groups: MarkerGroups,
    statuses: pl.DataFrame | None,
    analysis: AnalysisSet,
    settings: StudySettings,
    endpoint_name: str,
) -> pl.DataFrame:
    """Count the patients from step to step at the first time point.

    Parameters
    ----------
    patients : polars.DataFrame
        All patients of the study.
    groups : MarkerGroups
        Assessable patients.
    statuses : polars.DataFrame or None
        Statuses of specimens; None for a covariate marker.
    analysis : AnalysisSet
        Patients of the first endpoint at the first time point.
    settings : StudySettings
        The study.
    endpoint_name : str
        Abbreviation for the last box.

    Returns
    -------
    polars.DataFrame
        step (0, 1, ...), role ('step', 'excluded', 'group'), label, n; the exclusions of a step
        stand between that step and the next: step(i) - excluded(i) = step(i + 1), and the groups
        add up to the last step.
    """
    point = groups.timepoints[0]
    assessable = groups.at(point.name)
    steps: list[tuple[str, int, list[tuple[str, int]]]] = []
    if statuses is None:
        missing = patients.height - assessable.height
        what = (settings.marker_label or settings.marker or "marker").lower()
        steps.append(("Patients in the study", patients.height, [(f"{what} missing", missing)]))
    else:
        steps.extend(_specimen_steps(patients, statuses, assessable, point))
    reasons = [(r["reason"], r["n"]) for r in analysis.exclusions.iter_rows(named=True)]
    steps.append(("Marker status known", assessable.height, reasons))
    steps.append((f"Analysed for {endpoint_name}", analysis.n, []))
    return _frame(steps, _group_sizes(analysis, groups))


def _group_sizes(analysis: AnalysisSet, groups: MarkerGroups) -> list[tuple[str, int]]:
    """Patients of each group in the analysis."""
    sizes = {g: int((analysis.frame["group"] == g).sum()) for g in groups.labels}
    return list(sizes.items())


def _specimen_steps(
    patients: pl.DataFrame, statuses: pl.DataFrame, assessable: pl.DataFrame, point: TimePoint
) -> list[tuple[str, int, list[tuple[str, int]]]]:
    """Steps from patients to assessable specimens."""
    title = point.title.lower()
    mine = statuses.filter(pl.col("timepoint") == point.name)
    without = patients.height - mine.height
    failed = (
        mine.join(assessable, on="patient_id", how="anti")
        .with_columns(
            pl.when(pl.col("status") == "not_assessable")
            .then(pl.col("reason").str.split(":").list.first())
            .otherwise(pl.lit("level not known in too little volume"))
            .alias("reason")
        )
        .group_by("reason")
        .len("n")
        .sort("n", "reason", descending=[True, False])
    )
    reasons = [(str(r["reason"]), int(r["n"])) for r in failed.iter_rows(named=True)]
    return [
        ("Patients in the study", patients.height, [(f"no specimen: {title}", without)]),
        (f"Specimen: {title}", mine.height, reasons),
    ]


def _frame(
    steps: Sequence[tuple[str, int, list[tuple[str, int]]]], groups: Sequence[tuple[str, int]]
) -> pl.DataFrame:
    """Rows of the flow."""
    rows = []
    for number, (label, n, excluded) in enumerate(steps):
        rows.append((number, "step", label, n))
        rows.extend((number, "excluded", reason, k) for reason, k in excluded if k)
    rows.extend((len(steps), "group", label, n) for label, n in groups)
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")
