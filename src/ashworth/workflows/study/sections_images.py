"""Report section about the counts that came from images."""

from __future__ import annotations

import polars as pl

from ashworth.reports import Column, Paragraph, Row, Section, Table
from ashworth.reports.numbers import count, interval, number
from ashworth.workflows.study.analyse import StudyResults
from ashworth.workflows.study.groups import KINDS_OF_CELL
from ashworth.workflows.study.image_folders import FOLDER
from ashworth.workflows.study.images import SPECIMEN, StudyImages

MOST_ROWS = 50


def images_section(images: StudyImages, results: StudyResults) -> Section:
    """Which counts came from images, by which rule, and which images gave none."""
    once = images.table.unique(SPECIMEN, keep="first", maintain_order=True)
    blocks: list[Paragraph | Table] = [_sources(once, images), _evaluable(once), _where(once)]
    blocks += [_reasons(once)] if (once["outcome"] != "done").any() else []
    blocks.append(_side_by_side(images.table, _cell(results)))
    return Section("Counts from images", "images", tuple(blocks))


def _cell(results: StudyResults) -> str:
    phenotype = "" if results.assay is None else results.assay.phenotype
    return KINDS_OF_CELL.get(phenotype, phenotype)


def _sources(once: pl.DataFrame, images: StudyImages) -> Paragraph:
    """Whose word the statuses rest on."""
    used = once.filter(pl.col("status_from") == "images")
    done = used.filter(pl.col("outcome") == "done").height
    text = (
        f"Specimens whose count comes from images: {count(done)} of {count(once.height)} with an "
        f"image folder. Cells were called by {images.caller or 'no rule: none was evaluable'}; the "
        "volume of the specimen was taken as the volume analysed."
    )
    if used.height < once.height:
        text += (
            f" Folders beside what the tables say, which gives the status there: "
            f"{count(once.height - used.height)}."
        )
    if images.simulated:
        text += f" Simulated images: {count(int(once['simulated'].sum()))} of {once.height}."
    return Paragraph(text)


def _evaluable(once: pl.DataFrame) -> Paragraph:
    done = once.filter(pl.col("outcome") == "done").height
    text = f"Image folders that were evaluable: {count(done)} of {count(once.height)}."
    return Paragraph(text, lead="Evaluable.")


def _where(once: pl.DataFrame) -> Paragraph:
    first = once["folder"][0]
    return Paragraph(
        f"All folders: {FOLDER}/index.html beside this report. The cells of each are in "
        f"{FOLDER}/<folder>/gallery.html, its page in {FOLDER}/<folder>/summary.html, for example "
        f"{FOLDER}/{first}/summary.html.",
        lead="Galleries.",
    )


def _reasons(once: pl.DataFrame) -> Table:
    """Why folders were not evaluable; such a specimen has no count, which is not zero."""
    bad = once.filter(pl.col("outcome") != "done")
    rows = tuple(Row((r["folder"], r["reason"])) for r in bad.head(MOST_ROWS).iter_rows(named=True))
    return Table(
        (Column("Folder", "left"), Column("Reason", "left")), rows,
        "Image folders that were not evaluable. They have no count, which is not zero.",
        _left_out(bad.height),
    )  # fmt: skip


def _side_by_side(table: pl.DataFrame, cell: str) -> Table:
    """Count of the images, count of the file, agreement with the operator."""
    rows = [
        Row(
            (
                r["folder"],
                _or_dash(r["n_cells_images"]),
                _or_dash(r["n_cells_file"]),
                _words(r["caller_file"]),
                "images" if r["status_from"] == "images" else "tables",
                _kappa(r),
            )
        )
        for r in table.head(MOST_ROWS).iter_rows(named=True)
    ]
    return Table(
        (Column("Folder", "left"), Column(cell, "right", "by images"),
         Column(cell, "right", "in the file"), Column("Caller of the file", "left"),
         Column("Status from", "left"), Column("Agreement", "right", "kappa (95% CI)")),
        tuple(rows),
        "Counts of every image folder.",
        ("Agreement: the operator's assigned events in the image folder against the calls; "
         "a dash where the folder carries none, or where kappa is not defined.",
         *_left_out(table.height)),
    )  # fmt: skip


def _or_dash(n: int | None) -> str:
    return "–" if n is None else count(n)


def _words(text: str | None) -> str:
    return text or "–"


def _kappa(row: dict[str, float | None]) -> str:
    kappa, lower, upper = row["kappa"], row["kappa_lower"], row["kappa_upper"]
    if kappa is None:
        return "–"
    if lower is None or upper is None:
        return number(kappa, 2)
    return f"{number(kappa, 2)} ({interval(lower, upper, 2)})"


def _left_out(n: int) -> tuple[str, ...]:
    if n <= MOST_ROWS:
        return ()
    return (f"The first {MOST_ROWS} of {count(n)}; all in tables/image_counts.csv.",)
