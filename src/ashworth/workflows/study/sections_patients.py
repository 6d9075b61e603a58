"""Report sections about the patients: flow and table 1."""

from __future__ import annotations

import polars as pl

from ashworth.figures import cohort_flow_figure
from ashworth.reports import Column, FigureBlock, Row, Section, Table
from ashworth.reports.numbers import count_percent, interval, number, p_value
from ashworth.workflows.study.analyse import StudyResults
from ashworth.workflows.study.table_one import ALL

MOST_BOXES = 4


def patients_section(results: StudyResults) -> Section:
    """Cohort flow and table 1."""
    settings = results.settings
    flow = cohort_flow_figure(_boxes(results), name="cohort-flow", simulated=settings.simulated)
    point = results.groups.timepoints[0].title.lower()
    caption = f"From all patients to the first analysis, by marker status: {point}."
    blocks = (FigureBlock(flow, caption, explore=False), _table(results))
    return Section("Patients", "patients", blocks)


def _boxes(results: StudyResults) -> pl.DataFrame:
    """Boxes of the flow; more groups than fit side by side stand in table 1 only."""
    rows = results.flow.select("role", "label", "n")
    many = len(results.groups.labels) > MOST_BOXES
    return rows.filter(pl.col("role") != "group") if many else rows


def _table(results: StudyResults) -> Table:
    """Table 1 by marker group."""
    frame = results.table_one
    groups = [ALL, *results.groups.labels]
    members = results.groups.at(results.groups.timepoints[0].name)
    sizes = [members.height] + [int((members["group"] == g).sum()) for g in groups[1:]]
    columns = (
        Column("", "left"),
        *(Column(g, "right", f"n = {n:,}") for g, n in zip(groups, sizes, strict=True)),
        Column("p", "decimal"),
    )
    rows: list[Row] = []
    for (name,), part in frame.group_by("characteristic", maintain_order=True):
        rows.extend(_rows(str(name), part, groups))
    tests = sorted(set(frame["test"].drop_nulls().to_list()))
    notes = (
        "n (% of patients with a value), or median (quartiles).",
        *((f"p-values: {', '.join(tests)}; descriptive, not adjusted.",) if tests else ()),
    )
    return Table(columns, tuple(rows), "Patients by marker status.", notes)


def _rows(name: str, part: pl.DataFrame, groups: list[str]) -> list[Row]:
    """Rows of one characteristic."""
    p_text = p_value(next(iter(part["p_value"].drop_nulls().to_list()), None))
    levels = part["level"].unique(maintain_order=True).to_list()
    if levels[0] == "":
        rows = [Row((name, *_medians(part.filter(pl.col("level") == ""), groups), p_text))]
    else:
        rows = [Row((name, *("",) * len(groups), p_text))]
    for level in levels:
        if level != "":
            cells = _counts(part.filter(pl.col("level") == level), groups)
            rows.append(Row((level, *cells, ""), indent=1))
    return rows


def _medians(part: pl.DataFrame, groups: list[str]) -> list[str]:
    """Median and quartiles, one cell per group."""
    by_group = {r["group"]: r for r in part.iter_rows(named=True)}
    cells = []
    for group in groups:
        row = by_group[group]
        decimals = 0 if all(_whole(row[k]) for k in ("median", "q1", "q3")) else 1
        limits = interval(row["q1"], row["q3"], decimals)
        cells.append(f"{number(row['median'], decimals)} ({limits})" if row["n"] else "–")
    return cells


def _whole(value: float | None) -> bool:
    """Whether a number needs no decimals."""
    return value is None or float(value).is_integer()


def _counts(part: pl.DataFrame, groups: list[str]) -> list[str]:
    """Number and share, one cell per group."""
    by_group = {r["group"]: r for r in part.iter_rows(named=True)}
    cells = []
    for group in groups:
        row = by_group[group]
        share = row["share"]
        known = 0 if not share else round(row["n"] / share)
        cells.append(f"{row['n']:,}" if share is None else count_percent(row["n"], known or 1))
    return cells
