"""One image folder to the results folder of its sample."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl

from ashworth.definitions.loader import load
from ashworth.errors import AshworthError, FrameError, InputError
from ashworth.imaging.cartridge import Cartridge
from ashworth.imaging.readers import open_folder
from ashworth.reports.gallery import gallery_page
from ashworth.reports.sample_summary import sample_summary
from ashworth.storage import results_folder, write_anndata, write_table
from ashworth.version import __version__
from ashworth.workflows.images.analysis import Analysis, analyse_cartridge, images_of
from ashworth.workflows.images.pages import class_counts, facts_of
from ashworth.workflows.images.pictures import make_atlases
from ashworth.workflows.images.task import (
    MARK,
    RESUME,
    SampleResult,
    SampleTask,
    fingerprint,
    finished,
)

Progress = Callable[[int, int], None]
ANNDATA = "cells.h5ad"


def enumerate_sample(task: SampleTask, progress: Progress | None = None) -> SampleResult:
    """Enumerate one sample; what goes wrong with it is its result, not an exception.

    A sample that was finished earlier from the same files with the same options is not done
    again.
    """
    try:
        return finished(task) or _enumerated(task, progress)
    except Exception as error:
        return failed(task, error)


def failed(task: SampleTask, error: BaseException) -> SampleResult:
    """Result of a sample in which something went wrong that nobody foresaw."""
    words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return SampleResult(task.sample, "failed", " ".join(words.split()))


def _enumerated(task: SampleTask, progress: Progress | None) -> SampleResult:
    """Open, analyse, write; foreseen errors are results."""
    try:
        before = fingerprint(task)
        markers = images_of(load("assay", task.assay)).markers
        cartridge = open_folder(task.folder, markers=dict(markers.items()))
    except InputError as error:
        return SampleResult(task.sample, "bad_input", _short(error))
    except OSError as error:
        return SampleResult(task.sample, "bad_input", _os_words(error))
    try:
        return _write_sample(task, cartridge, before, progress)
    except InputError as error:
        return SampleResult(task.sample, "failed", _short(error))
    except OSError as error:
        return SampleResult(task.sample, "failed", _os_words(error))


def _short(error: AshworthError) -> str:
    """All problems of an error on one line."""
    problems = getattr(error, "problems", ())
    return _printable("; ".join(str(p) for p in problems) or str(error))


def _os_words(error: OSError) -> str:
    name = f"{Path(error.filename).name}: " if error.filename else ""
    return _printable(f"{name}{error.strerror or type(error).__name__}")


def _printable(text: str) -> str:
    """One line of UTF-8: file names may hold other bytes, line ends and escape codes."""
    whole = text.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else " " for c in whole)


def _write_sample(
    task: SampleTask, cartridge: Cartridge, before: str, progress: Progress | None
) -> SampleResult:
    """Analyse and write; a frame that cannot be read makes the sample not evaluable.

    The fingerprint is that of the files before they were read.
    """
    with results_folder(task.out, mark=MARK) as work:
        try:
            analysis = analyse_cartridge(cartridge, task, progress=progress)
        except FrameError as error:
            result = _unreadable(task, cartridge, work, _printable(str(error)))
        else:
            result = _write_analysis(task, cartridge, work, analysis)
        (work / RESUME).write_text(before, encoding="utf-8")
        _write_mark(work, result, cartridge, task)
    return result


def _unreadable(task: SampleTask, cartridge: Cartridge, work: Path, reason: str) -> SampleResult:
    """Results of a sample of which a frame cannot be read: its run, and why."""
    run = task.key | {"assay": task.assay, "outcome": "not_evaluable", "volume_ml": task.volume_ml}
    write_table(pl.DataFrame([run], schema_overrides={"volume_ml": pl.Float64}), work, "assay_runs")
    return SampleResult(
        task.sample, "not_evaluable", reason, task.out, len(cartridge.layout),
        simulated=cartridge.simulated,
    )  # fmt: skip


def _write_analysis(
    task: SampleTask, cartridge: Cartridge, work: Path, analysis: Analysis
) -> SampleResult:
    """Write tables, pictures and pages."""
    for name, table in _tables(analysis).items():
        write_table(table, work, name)
    if task.anndata:
        _write_anndata(task, cartridge, work, analysis)
    cells = _cells_for_pages(analysis)
    atlases = make_atlases(cartridge, cells, at_most=task.pictures_per_class)
    (work / "atlas").mkdir()
    for sheet in atlases:
        for name, content in sheet.files.items():
            (work / "atlas" / name).write_bytes(content)
    counts = class_counts(analysis)
    page = gallery_page(
        cells, atlases, sample=task.sample, totals=counts,
        meta=(("Format", cartridge.format), ("Called by", analysis.called.caller)),
        simulated=cartridge.simulated,
    )  # fmt: skip
    (work / "gallery.html").write_text(page, encoding="utf-8")
    summary = sample_summary(facts_of(cartridge, task, analysis))
    (work / "summary.html").write_text(summary.html(), encoding="utf-8")
    write_table(summary.table(), work, "summary")
    return SampleResult(
        sample=task.sample,
        outcome="done" if analysis.evaluable else "not_evaluable",
        reason=analysis.reason,
        folder=task.out,
        n_frames=analysis.detection.n_frames,
        counts=counts if analysis.evaluable else {},
        simulated=cartridge.simulated,
        verdicts=tuple(row for v in analysis.verdicts for row in v.table().to_dicts()),
    )


def _write_anndata(task: SampleTask, cartridge: Cartridge, work: Path, analysis: Analysis) -> None:
    """Write the cells as AnnData."""
    made = {
        "assay": task.assay,
        "caller": analysis.called.caller,
        "format": cartridge.format,
        "pixel_size_um": cartridge.pixel_size_um,
        "evaluable": analysis.evaluable,
        "reason": analysis.reason,
    }
    write_anndata(
        analysis.cells, analysis.calls, work / ANNDATA, made=made, simulated=cartridge.simulated
    )


def _tables(analysis: Analysis) -> dict[str, pl.DataFrame]:
    """Tables of a sample, by file name."""
    tables = {
        "cells": analysis.cells,
        "calls": analysis.calls,
        "counts": analysis.counts,
        "assay_runs": analysis.runs,
        "leukocytes": analysis.called.leukocytes.table(),
        "frames": analysis.quality.frames,
    }
    if analysis.her2 is not None:
        tables["her2_cells"] = analysis.her2.table()
        tables["her2_verdicts"] = pl.concat([v.table() for v in analysis.verdicts])
    if analysis.agreement is not None:
        tables["agreement"] = analysis.agreement.table()
        tables["agreement_events"] = analysis.agreement.listing
    return tables


def _cells_for_pages(analysis: Analysis) -> pl.DataFrame:
    """Columns that the gallery shows."""
    cells = analysis.cells.select("cell_id", "frame", "x_um", "y_um", "diameter_um").with_columns(
        analysis.calls.select("call", "score", "reasons")
    )
    if analysis.her2 is None:
        return cells
    classes = analysis.her2.table().select("cell_id", "her2_class")
    return cells.join(classes, on="cell_id", how="left", maintain_order="left")


def _write_mark(work: Path, result: SampleResult, cartridge: Cartridge, task: SampleTask) -> None:
    """Write what this folder is, and which files belong to it."""
    files = sorted(p.relative_to(work).as_posix() for p in work.rglob("*") if p.is_file())
    record = {
        "sample": result.sample,
        "outcome": result.outcome,
        "reason": result.reason,
        "simulated": result.simulated,
        "format": cartridge.format,
        "recognised_by": cartridge.reason,
        "assay": task.assay,
        "volume_ml": task.volume_ml,
        "n_frames": result.n_frames,
        "counts": result.counts,
        "verdicts": list(result.verdicts),
        "version": __version__,
        "notice": "Research use only. Not a medical device.",
        "files": files,
    }
    text = json.dumps(record, indent=2, ensure_ascii=False)
    (work / MARK).write_text(text + "\n", encoding="utf-8")
