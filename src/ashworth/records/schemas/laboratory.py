"""Specimens, what was done with them, and what was counted."""

from __future__ import annotations

import dataframely as dy

from ashworth.records.columns import choice, day, integer, number, text

_MILLILITRES = "give millilitres: a value in microlitres is divided by 1000 (7500 µl = 7.5 ml)"


def _volume(description: str) -> dy.Float64:
    return number(description, 0, 100, unit="ml", above=True, remedy=_MILLILITRES)


def _nucleated(description: str) -> dy.Float64:
    return number(
        description, 0, 1e12, unit="cells", above=True,
        remedy="give the number of nucleated cells itself, not millions of them",
    )  # fmt: skip


class Specimens(dy.Schema):
    """One row per tube or aspirate."""

    patient_id = text("Pseudonym of the patient.", key=True)
    specimen_id = text("Name of the specimen, unique within the patient.", key=True)
    matrix = choice("What was drawn.", "blood", "bone_marrow", required=True)
    timepoint = text("Planned time point, e.g. baseline, cycle_1.", required=True)
    collected_day = day("Day of the draw.", required=True)
    received_day = day("Day of arrival in the laboratory.")
    analysed_day = day("Day of the analysis.")
    volume_ml = _volume("Volume drawn.")
    nucleated_cells = _nucleated("Nucleated cells obtained.")
    tube = text("Kind of tube or preservative.")
    hours_to_processing = number(
        "Hours from the draw to processing.", 0, 2000, unit="hours", remedy="give hours"
    )


class AssayRuns(dy.Schema):
    """One row per run of an assay on a specimen, also where nothing came of it."""

    patient_id = text("Pseudonym of the patient.", key=True)
    specimen_id = text("Specimen.", key=True)
    run_id = text("Run, unique within the specimen.", key=True)
    assay = text("Id of the assay's definition, e.g. cellsearch-ctc.", required=True)
    outcome = choice(
        "What became of the run; only a run that is done has a count, and a count may be zero.",
        "done", "failed", "insufficient_volume", "not_evaluable", "not_done", required=True,
    )  # fmt: skip
    isotype_control = choice(
        "Isotype control on an equal number of cells (bone marrow cytology).",
        "negative", "positive", "not_done",
    )  # fmt: skip


class Counts(dy.Schema):
    """One row per run, phenotype and caller: cells counted and the denominator of the count."""

    patient_id = text("Pseudonym of the patient.", key=True)
    specimen_id = text("Specimen.", key=True)
    run_id = text("Run of the assay.", key=True)
    phenotype = text("What was counted, e.g. ctc, dtc.", key=True)
    caller = text("Who called: rule@version, model, reader or laboratory.", key=True)
    n_cells = integer(
        "Cells counted.", 0, unit="cells", required=True,
        remedy="give the cells counted, not a rate; where nothing was evaluated, leave the count "
        "out and say so in assay_runs.outcome",
    )  # fmt: skip
    volume_ml = _volume("Volume analysed.")
    nucleated_cells = _nucleated("Nucleated cells screened.")
    morphological_category = choice(
        "Best category among the counted cells of bone marrow cytology (Borgen 1999): a probable "
        "tumour cell counts only with a negative isotype control.",
        "tumour_cell", "probable_tumour_cell",
    )  # fmt: skip


class Markers(dy.Schema):
    """One row per specimen and analyte: ctDNA, serum markers, receptor status."""

    patient_id = text("Pseudonym of the patient.", key=True)
    specimen_id = text("Specimen.", key=True)
    analyte = text("What was measured, e.g. ca15_3.", key=True)
    value = text("Value as reported; numbers with a decimal point.", required=True)
    unit = text("Unit of the value.")
    assay = text("Assay.")
