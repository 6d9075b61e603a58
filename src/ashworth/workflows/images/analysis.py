"""One cartridge to cells, calls, counts, HER2 and agreement: tables only, nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from ashworth.classification import her2_verdict, score_her2
from ashworth.classification.event_matching import match_events
from ashworth.classification.gates import Calls, call_cells
from ashworth.classification.her2_patient import Her2Verdict
from ashworth.classification.her2_score import Her2Scores
from ashworth.classification.reader_agreement import Agreement, agreement
from ashworth.definitions.loader import load
from ashworth.definitions.models import Assay, ImageAnalysis
from ashworth.enumeration.counting import count_calls
from ashworth.errors import DefinitionError
from ashworth.imaging.cartridge import Cartridge
from ashworth.imaging.detection import Detection, detect
from ashworth.imaging.quality import Quality, quality
from ashworth.workflows.images.task import SampleTask

HER2_PHENOTYPES = ("negative", "weak", "moderate", "strong")
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything that one cartridge gave.

    Attributes
    ----------
    cells, calls, counts, runs : polars.DataFrame
        Tables of DESIGN: `cells` with every feature, `calls`, `counts` (empty where the sample is
        not evaluable), `assay_runs` with one row.
    detection : Detection
    called : Calls
    quality : Quality
    her2 : Her2Scores or None
    verdicts : tuple of Her2Verdict
    agreement : Agreement or None
        Against the operator's assigned events.
    evaluable : bool
    reason : str
    notes : tuple of str
    """

    cells: pl.DataFrame
    calls: pl.DataFrame
    counts: pl.DataFrame
    runs: pl.DataFrame
    detection: Detection
    called: Calls
    quality: Quality
    her2: Her2Scores | None
    verdicts: tuple[Her2Verdict, ...]
    agreement: Agreement | None
    evaluable: bool
    reason: str
    notes: tuple[str, ...]


def images_of(assay: Assay) -> ImageAnalysis:
    """How an assay's images are read, or an error that says that they are not."""
    if assay.images is None:
        raise DefinitionError(
            f"assay '{assay.id}' does not say how its images are read; allowed: an assay with "
            "'images', e.g. cellsearch-ctc; mend: choose such an assay"
        )
    return assay.images


def analyse_cartridge(
    cartridge: Cartridge, task: SampleTask, *, progress: Progress | None = None
) -> Analysis:
    """Find, measure, call, count and score the cells of one cartridge."""
    assay = load("assay", task.assay)
    images = images_of(assay)
    detection = detect(cartridge, progress=progress)
    state = quality(cartridge, detection)
    called = call_cells(detection.cells, images.call_rule)
    reason = state.void or incomplete(cartridge) or called.reason
    evaluable = called.evaluable and not reason
    key = [pl.lit(v).alias(k) for k, v in task.key.items()]
    clusters = called.calls.select("cell_id", "cluster_id")
    cells = detection.cells.join(clusters, on="cell_id", how="left", maintain_order="left")
    cells = cells.select(*key, pl.all())
    calls = called.calls.select(*key, "cell_id", "caller", "call", "score", "reasons")
    runs = _runs(task, evaluable)
    counts, notes = _counts(calls, cells, runs, assay, called.caller)
    her2, verdicts = _her2(detection.cells, called.calls, images, evaluable)
    if her2 is not None:
        counts = pl.concat([counts, _her2_counts(counts, her2)])
    return Analysis(
        cells, calls, counts, runs, detection, called, state, her2, verdicts,
        _agreement(cartridge, detection.cells, called.calls) if evaluable else None,
        evaluable, reason, (*cartridge.notes, *notes),
    )  # fmt: skip


def incomplete(cartridge: Cartridge) -> str:
    """Say how many of the announced frames are missing; '' where none is, or none is announced.

    The count of a part of a cartridge is not that of the specimen's volume.
    """
    announced, here = cartridge.expected_frames, len(cartridge.layout)
    if announced is None or here >= announced:
        return ""
    return f"{announced - here} of {announced} frames are missing"


def _runs(task: SampleTask, evaluable: bool) -> pl.DataFrame:
    outcome = "done" if evaluable else "not_evaluable"
    return pl.DataFrame(
        [task.key | {"assay": task.assay, "outcome": outcome, "volume_ml": task.volume_ml}],
        schema_overrides={"volume_ml": pl.Float64},
    )


def _counts(
    calls: pl.DataFrame, cells: pl.DataFrame, runs: pl.DataFrame, assay: Assay, caller: str
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    counted = count_calls(
        calls, runs, assay=assay, cells=cells.select(*calls.columns[:4], "cluster_id"),
        callers=[caller], without_amount=True,
    )  # fmt: skip
    return counted.counts, counted.notes


def _her2(
    cells: pl.DataFrame, calls: pl.DataFrame, images: ImageAnalysis, evaluable: bool
) -> tuple[Her2Scores | None, tuple[Her2Verdict, ...]]:
    """HER2 of every cell and the verdict of every rule; nothing where the assay reads no HER2."""
    if images.her2_calibration is None or not evaluable:
        return None, ()
    table = cells.with_columns(call=calls["call"])
    if "her2_saturated_share" in cells.columns:
        table = table.with_columns(her2_saturated=pl.col("her2_saturated_share") > 0)
    scores = score_her2(table, images.her2_calibration)
    return scores, tuple(her2_verdict(scores, rule) for rule in images.her2_rules)


def _her2_counts(counts: pl.DataFrame, her2: Her2Scores) -> pl.DataFrame:
    """CTCs by HER2 class as further phenotypes of the same run.

    Nothing where HER2 could not be read at all: that is not zero. Tumour cells that are not
    evaluable one by one have a row of their own, so that the rows add up.
    """
    ctc = her2.table().filter(pl.col("call") == "ctc")
    readable = her2.table()["her2_evaluable"].any()
    if not readable:
        return counts.clear()
    evaluable = ctc.filter("her2_evaluable")
    found = {
        f"ctc_her2_{name}": evaluable.filter(pl.col("her2_score") == score).height
        for score, name in enumerate(HER2_PHENOTYPES)
    }
    if evaluable.height < ctc.height:
        found["ctc_her2_not_evaluable"] = ctc.height - evaluable.height
    base = counts.filter(pl.col("phenotype") == "ctc")
    caller = pl.col("caller") + f" {her2.calibration.label}"
    rows = [
        base.with_columns(phenotype=pl.lit(name), caller=caller, n_cells=pl.lit(n, dtype=pl.Int64))
        for name, n in found.items()
    ]
    return pl.concat(rows).select(counts.columns)


def _agreement(cartridge: Cartridge, cells: pl.DataFrame, calls: pl.DataFrame) -> Agreement | None:
    """Agreement with the operator's assigned events, where the folder carries some."""
    if not cartridge.events:
        return None
    events = pl.DataFrame(
        [
            {"event_id": e.event_id, "frame": e.frame, "x": e.x, "y": e.y, "width": e.width,
             "height": e.height, "assigned": e.assigned}
            for e in cartridge.events
        ]
    )  # fmt: skip
    candidates = cells.with_columns(call=calls["call"]).filter(
        ~pl.col("call").is_in(["leukocyte", "unclassified_nucleus"])
    )
    matched = match_events(
        candidates, events, pixel_size_um=cartridge.pixel_size_um,
        within_frames=not cartridge.layout.contiguous,
    )  # fmt: skip
    return agreement(matched, calls)
