"""The summary of one sample: what was opened, what was counted, and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from ashworth.figures.cartridge_map import cartridge_map_figure
from ashworth.figures.cell_classes import style_of
from ashworth.figures.cell_scatter import cell_scatter_figure
from ashworth.figures.result import Figure
from ashworth.reports.blocks import (
    Block,
    Callout,
    Column,
    Definitions,
    FigureBlock,
    KeyFigure,
    KeyFigures,
    Paragraph,
    Report,
    Row,
    Section,
    Table,
)
from ashworth.reports.gallery import CLASSES, her2_words
from ashworth.reports.html import render_html
from ashworth.reports.numbers import count, interval, number
from ashworth.reports.sample_facts import COLUMNS, SampleFacts, check_facts
from ashworth.version import __version__


@dataclass(frozen=True, slots=True)
class SampleSummary:
    """The summary of one sample.

    Attributes
    ----------
    report : Report
        Blocks; `html` renders them.
    figures : tuple of Figure
        Those of the report.
    data : polars.DataFrame
        What the page says, as a table: section, item, value, lower, upper, unit, note.
    """

    report: Report
    figures: tuple[Figure, ...]
    data: pl.DataFrame
    version: str = __version__

    def html(self) -> str:
        """One HTML file that works offline; the same facts give the same text."""
        return render_html(self.report)

    def table(self) -> pl.DataFrame:
        """Return the numbers behind the page."""
        return self.data


def sample_summary(facts: SampleFacts) -> SampleSummary:
    """Make the summary of one sample.

    Parameters
    ----------
    facts : SampleFacts

    Returns
    -------
    SampleSummary

    Raises
    ------
    InputError
        If a table that is given lacks a column, a sample that is not evaluable has counts or no
        reason, or one that is done has none.

    Examples
    --------
    >>> counts = pl.DataFrame({"call": ["ctc"], "n_cells": [3], "lower": [0.62], "upper": [8.77]})
    >>> from ashworth.reports.sample_facts import SampleFacts
    >>> facts = SampleFacts("A", "TIFF", "a sidecar", 12, 0.64, "cellsearch-ctc@1", counts=counts)
    >>> sample_summary(facts).table().select("section", "item", "value").row(6)
    ('counts', 'ctc', '3')
    """
    check_facts(facts)
    figures = tuple(_figures(facts))
    pictures = {figure.name: figure for figure in figures}
    opened = _counted(facts) if facts.outcome == "done" else [_refusal(facts)]
    sections = [Section("Result", "result", (*opened, *_pictured(pictures)))]
    for title, anchor, blocks in (
        ("HER2", "her2", _her2(facts)),
        ("Agreement with the operator", "agreement", _agreement(facts)),
        ("Thresholds and reference population", "thresholds", _thresholds(facts)),
        ("Quality of the images", "quality", _quality(facts)),
        ("What was opened", "images", _opened(facts)),
    ):
        if blocks:
            sections.append(Section(title, anchor, tuple(blocks)))
    report = Report(
        facts.sample,
        "Summary of one sample",
        tuple(sections),
        meta=_meta(facts),
        simulated=facts.simulated,
    )
    return SampleSummary(report, figures, _data(facts))


def _refusal(facts: SampleFacts) -> Callout:
    words = f"{facts.outcome_reason} No cells were counted; this is not a count of zero."
    return Callout("caution", words, title="Not evaluable.")


def _meta(facts: SampleFacts) -> tuple[tuple[str, str], ...]:
    volume = "not stated" if facts.volume_ml is None else f"{number(facts.volume_ml)} ml"
    return (
        ("Outcome", "done" if facts.outcome == "done" else "not evaluable"),
        ("Caller", facts.caller),
        ("Format", facts.format),
        ("Frames", count(facts.n_frames)),
        ("Pixel size", f"{facts.pixel_size_um:.4g} µm"),
        ("Volume", volume),
    )


def _counted(facts: SampleFacts) -> list[Block]:
    """Key figures and the table of all classes; a class that was not counted has no row."""
    limits = f"{100 * facts.level:g}% limits"
    rows = {row["call"]: row for row in facts.counts.iter_rows(named=True)}
    order = [*(c for c in CLASSES if c in rows), *sorted(set(rows) - set(CLASSES))]
    key = [
        KeyFigure(style_of(c).label, count(rows[c]["n_cells"]), f"{limits} {_limits(rows[c])}")
        for c in ("ctc", "apoptotic_ctc", "ck_without_nucleus", "leukocyte")
        if c in rows
    ]
    table = Table(
        (Column("Class", "left"), Column("Cells"), Column("Limits", "center", limits)),
        tuple(
            Row((style_of(c).label, count(rows[c]["n_cells"]), _limits(rows[c])), bold=c == "ctc")
            for c in order
        ),
        "Cells by class.",
        (
            "Exact limits of a Poisson count: what other tubes of the same blood may hold. They "
            "do not cover losses in the laboratory or wrong calls.",
        ),
    )
    return [KeyFigures(tuple(key)), table, *_gallery(facts)] if key else [table, *_gallery(facts)]


def _gallery(facts: SampleFacts) -> list[Block]:
    if not facts.gallery:
        return []
    return [
        Paragraph(
            f"Every call can be looked at in {facts.gallery}, beside this page.", lead="Pictures."
        )
    ]


def _limits(row: Mapping[str, Any]) -> str:
    return interval(row["lower"], row["upper"])


def _figures(facts: SampleFacts) -> Iterator[Figure]:
    if {"ck_mean", "cd45_mean"} <= set(facts.cells.columns):
        yield cell_scatter_figure(
            facts.cells,
            name="cell-scatter",
            title="Cytokeratin and CD45",
            x_cut=facts.cd45_cut,
            y_cut=facts.ck_cut,
            simulated=facts.simulated,
        )
    if not facts.frames.is_empty():
        cells = facts.cells
        if not cells.columns:
            cells = pl.DataFrame(schema=dict.fromkeys(COLUMNS["cells"], pl.String))
        yield cartridge_map_figure(
            facts.frames,
            cells,
            name="cartridge-map",
            title="Map",
            frame_width_um=facts.frame_width_um,
            frame_height_um=facts.frame_height_um,
            contiguous=facts.contiguous,
            simulated=facts.simulated,
        )


_CAPTIONS = {
    "cell-scatter": "Cytokeratin against CD45 by call. Squares: many cells, the darker the more. "
    "Dashed: thresholds of this sample, where there are any.",
    "cartridge-map": "Where the cells lie. Frames are shaded by their nuclei.",
}


def _pictured(pictures: Mapping[str, Figure]) -> list[Block]:
    return [
        FigureBlock(figure, _CAPTIONS[name], explore=False) for name, figure in pictures.items()
    ]


def _her2(facts: SampleFacts) -> list[Block]:
    if facts.verdicts.is_empty():
        return []
    columns = (
        Column("Rule", "left"),
        Column("Verdict", "left"),
        Column("Evaluable", unit="CTC"),
        Column("Strong", unit="cells"),
        Column("False-strong", "decimal", "expected"),
        Column("Removed", unit="cells"),
        Column("Verdict without them", "left"),
    )
    rows = tuple(_verdict_row(row) for row in facts.verdicts.iter_rows(named=True))
    notes = (
        f"Strong: cells '{her2_words('3+')}'; this is not a tissue result.",
        "False-strong: how many strong cells to expect if every cell were HER2 negative. Removed: "
        "what chance alone exceeds in at most 5 % of HER2-negative samples of this size.",
    )
    return [Table(columns, rows, "HER2 by immunofluorescence: what each rule says.", notes)]


def _verdict_row(row: Mapping[str, Any]) -> Row:
    status = _status(row["status"])
    if row.get("reason"):
        status += f" ({row['reason']})"
    return Row(
        (
            row["rule"],
            status,
            count(row["n_evaluable"]),
            count(row["n_strong"]),
            _three(row["expected_false_strong"]),
            count(row["n_removed"]),
            _status(row["robust_status"]),
        )
    )


def _status(status: str | None) -> str:
    return "not known" if status is None else status.replace("_", " ")


def _three(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3g}"


def _agreement(facts: SampleFacts) -> list[Block]:
    if facts.agreement.is_empty():
        return []
    columns = (Column("Measure", "left"), Column("Value", "decimal"), Column("Limits", "center"))
    rows = tuple(
        Row((row["measure"], _plain(row["value"]), _agreement_limits(row)))
        for row in facts.agreement.iter_rows(named=True)
    )
    return [Table(columns, rows, "Calls against the operator's assigned events.")]


def _agreement_limits(row: Mapping[str, Any]) -> str:
    return "" if row["lower"] is None else interval(row["lower"], row["upper"], 2)


def _plain(value: float | None) -> str:
    """Whole numbers without decimals, others with three significant digits."""
    if value is None:
        return "not known"
    return count(int(value)) if float(value).is_integer() else f"{value:.3g}"


_CHANNEL_COLUMNS = {
    "background_counts": "Background",
    "threshold_counts": "Threshold",
    "leukocyte_median_counts": "Leukocytes' median",
}


def _thresholds(facts: SampleFacts) -> list[Block]:
    if facts.channels.is_empty():
        return []
    given = [name for name in _CHANNEL_COLUMNS if name in facts.channels.columns]
    columns = (
        Column("Channel", "left"),
        Column("Role", "left"),
        *(Column(_CHANNEL_COLUMNS[name], "decimal", "counts") for name in given),
    )
    rows = tuple(
        Row((row["channel"], row["role"], *(number(row[name]) for name in given)))
        for row in facts.channels.iter_rows(named=True)
    )
    note = "Thresholds and medians are counts above the background."
    table = Table(columns, rows, "Channels and their thresholds.", (note,) if given else ())
    if facts.n_leukocytes is None:
        return [table]
    words = (
        f"{count(facts.n_leukocytes)} leukocytes of this sample. Calls are relative to them and to "
        "the background, so that gain and exposure do not change a call."
    )
    return [Paragraph(words, lead="Reference population."), table]


def _quality(facts: SampleFacts) -> list[Block]:
    if facts.quality.is_empty():
        return []
    columns = (Column("Measure", "left"), Column("Value", "decimal"), Column("Unit", "left"))
    rows = tuple(
        Row((row["measure"], _plain(row["value"]), row["unit"] or ""), bold=bool(row.get("flag")))
        for row in facts.quality.iter_rows(named=True)
    )
    flagged = [row["measure"] for row in facts.quality.iter_rows(named=True) if row.get("flag")]
    note = "Bold: outside of what is usual." if flagged else ""
    return [Table(columns, rows, "Quality flags.", (note,) if note else ())]


def _opened(facts: SampleFacts) -> list[Block]:
    items = [("Recognised as", f"{facts.format}: {facts.reason}")]
    items += [("Note", note) for note in facts.notes]
    return [Definitions(tuple(items))]


def _data(facts: SampleFacts) -> pl.DataFrame:
    """All numbers of the page in one table of text and limits."""
    rows: list[tuple[Any, ...]] = [
        ("sample", "outcome", facts.outcome, None, None, "", facts.outcome_reason),
        ("sample", "format", facts.format, None, None, "", facts.reason),
        ("sample", "frames", str(facts.n_frames), None, None, "frames", ""),
        ("sample", "pixel_size", repr(facts.pixel_size_um), None, None, "µm", ""),
        ("sample", "caller", facts.caller, None, None, "", ""),
        ("sample", "leukocytes", _text(facts.n_leukocytes), None, None, "cells", "reference"),
    ]
    for row in facts.counts.iter_rows(named=True):
        limits = (row["lower"], row["upper"])
        rows.append(("counts", row["call"], str(row["n_cells"]), *limits, "cells", "Poisson"))
    for row in facts.channels.iter_rows(named=True):
        for name in (n for n in _CHANNEL_COLUMNS if n in row):
            item = f"{row['channel']} {name.removesuffix('_counts')}"
            rows.append(("thresholds", item, _text(row[name]), None, None, "counts", row["role"]))
    for row in facts.quality.iter_rows(named=True):
        flag = "flagged" if row.get("flag") else ""
        rows.append(("quality", row["measure"], _text(row["value"]), None, None, row["unit"], flag))
    for row in facts.agreement.iter_rows(named=True):
        limits = (row["lower"], row["upper"])
        rows.append(("agreement", row["measure"], _text(row["value"]), *limits, "", ""))
    for row in facts.verdicts.iter_rows(named=True):
        for name in COLUMNS["verdicts"][1:]:
            rows.append(("her2", f"{row['rule']} {name}", _text(row[name]), None, None, "", ""))
    texts = ("section", "item", "value", "unit", "note")
    order = ("section", "item", "value", "lower", "upper", "unit", "note")
    schema = {name: pl.String if name in texts else pl.Float64 for name in order}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _text(value: object) -> str | None:
    return None if value is None else str(value)
