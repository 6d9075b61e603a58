"""Analysis of one cartridge to the facts of its summary."""

from __future__ import annotations

import polars as pl

from ashworth.enumeration import poisson_interval
from ashworth.imaging.cartridge import Cartridge
from ashworth.reports.sample_facts import SampleFacts
from ashworth.workflows.images.analysis import Analysis
from ashworth.workflows.images.pictures import CLASSES
from ashworth.workflows.images.task import SampleTask

_SCATTER_MOST = 4000
_TALLY = {
    "both": "called by both",
    "missed": "operator only",
    "extra": "software only",
    "neither": "called by neither",
}


def class_counts(analysis: Analysis) -> dict[str, int]:
    """Cells of every class, zeros included."""
    found = dict(analysis.calls.group_by("call").len().iter_rows())
    return {call: int(found.get(call, 0)) for call in CLASSES}


def facts_of(cartridge: Cartridge, task: SampleTask, analysis: Analysis) -> SampleFacts:
    """Collect what the summary of a sample prints."""
    layout, px = cartridge.layout, cartridge.pixel_size_um
    ck, cd45 = _cuts(analysis)
    return SampleFacts(
        sample=task.sample,
        format=cartridge.format,
        reason=cartridge.reason,
        n_frames=analysis.detection.n_frames,
        pixel_size_um=px,
        caller=analysis.called.caller,
        outcome="done" if analysis.evaluable else "not_evaluable",
        outcome_reason=analysis.reason,
        simulated=cartridge.simulated,
        notes=analysis.notes,
        volume_ml=task.volume_ml,
        channels=_channels(cartridge, analysis),
        n_leukocytes=analysis.called.leukocytes.n,
        counts=_counts(analysis),
        quality=analysis.quality.measures,
        frames=analysis.quality.frames.drop("focus"),
        frame_width_um=layout.width * px,
        frame_height_um=layout.height * px,
        contiguous=layout.contiguous,
        cells=_shown_cells(analysis),
        ck_cut=ck,
        cd45_cut=cd45,
        agreement=_agreement(analysis),
        verdicts=_verdicts(analysis),
        gallery="gallery.html",
    )


def _cuts(analysis: Analysis) -> tuple[float | None, float | None]:
    """Limits of the CTC gates in counts, for the scatter."""
    reference = analysis.called.leukocytes
    if not reference.enough:
        return None, None
    from ashworth.definitions.loader import load

    rule = load("call_rule", str(analysis.called.options["rule"]))
    gates = {g.feature: g.limit for c in rule.classes if c.call == "ctc" for g in c.gates}
    ck = gates.get("ck_over_leukocytes")
    cd45 = gates.get("cd45_of_leukocytes")
    return (
        None if ck is None else ck * reference.ck_upper,
        None if cd45 is None else cd45 * reference.cd45,
    )


def _channels(cartridge: Cartridge, analysis: Analysis) -> pl.DataFrame:
    members = pl.Series(analysis.called.leukocytes.member)
    leukocytes = analysis.cells.filter(members)
    rows = []
    for channel in cartridge.channels:
        p = channel.prefix
        level = analysis.detection.levels[p]
        background = analysis.cells[f"{p}_background"].median()
        of_leukocytes = leukocytes[f"{p}_mean"].median() if leukocytes.height else None
        rows.append(
            {
                "channel": channel.name,
                "role": channel.role if not channel.marker else channel.marker,
                "threshold_counts": level.threshold,
                "background_counts": background,
                "leukocyte_median_counts": of_leukocytes,
            }
        )
    return pl.DataFrame(rows)


def _counts(analysis: Analysis) -> pl.DataFrame:
    """Cells of every class with exact Poisson limits; nothing where not evaluable."""
    schema = {"call": pl.String, "n_cells": pl.Int64, "lower": pl.Float64, "upper": pl.Float64}
    if not analysis.evaluable:
        return pl.DataFrame(schema=schema)
    rows = []
    for call, n in class_counts(analysis).items():
        limits = poisson_interval(n)
        rows.append((call, n, float(limits.lower), float(limits.upper)))
    return pl.DataFrame(rows, schema=schema, orient="row")


def _shown_cells(analysis: Analysis) -> pl.DataFrame:
    """Cells of the figures: all rare ones, a regular sample of the common ones."""
    columns = ["cell_id", "frame", "x_um", "y_um", "ck_mean", "cd45_mean"]
    have = [c for c in columns if c in analysis.cells.columns]
    cells = analysis.cells.select(have).with_columns(call=analysis.calls["call"])
    common = pl.col("call").is_in(["leukocyte", "unclassified_nucleus", "not_evaluable"])
    many = cells.filter(common)
    step = max(1, -(-many.height // _SCATTER_MOST))
    return pl.concat([cells.filter(~common), many.gather_every(step)]).sort("cell_id")


def _agreement(analysis: Analysis) -> pl.DataFrame:
    if analysis.agreement is None:
        return pl.DataFrame()
    table = analysis.agreement.table()
    tally = [(_TALLY[name], float(getattr(analysis.agreement, name))) for name in _TALLY]
    head = pl.DataFrame(
        [(n, v, None, None) for n, v in tally],
        schema={
            "measure": pl.String,
            "value": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
        },
        orient="row",
    )
    measures = table.select(
        pl.col("measure").str.replace_all("_", " ").replace({"ac1": "Gwet's AC1"}),
        pl.col("estimate").alias("value"), "lower", "upper",
    )  # fmt: skip
    return pl.concat([head, measures])


def _verdicts(analysis: Analysis) -> pl.DataFrame:
    if not analysis.verdicts:
        return pl.DataFrame()
    return pl.concat([v.table() for v in analysis.verdicts])
