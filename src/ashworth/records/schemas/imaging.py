"""Cells as measured in images, and what each was called."""

from __future__ import annotations

import dataframely as dy

from ashworth.records.columns import boolean, choice, integer, number, probability, text

CALLS = (
    "ctc",
    "leukocyte",
    "ck_without_nucleus",
    "apoptotic_ctc",
    "doublet",
    "unclassified_nucleus",
    "artefact",
    "not_evaluable",
)
"""The classes of a call; the last is a cell that lacks what its assay's rule asks for."""

_ABSENT = "leave the cell empty where the channel is absent, never 0 or NaN"


def _intensity(description: str) -> dy.Float64:
    return number(description, unit="grey levels", remedy=_ABSENT)


class Cells(dy.Schema):
    """One row per object measured in the images of a run; further feature columns may follow."""

    patient_id = text("Pseudonym of the patient.", key=True)
    specimen_id = text("Specimen.", key=True)
    run_id = text("Run of the assay.", key=True)
    cell_id = text("Cell, unique within the run.", key=True)
    frame = integer("Number of the frame, as the folder has it.", 0)
    x_um = number("Centroid from the left edge of the cartridge.", unit="um")
    y_um = number("Centroid from the upper edge of the cartridge.", unit="um")
    area_um2 = number("Area of the cell.", 0, unit="um2", remedy="give square micrometres")
    diameter_um = number("Diameter of the circle of the same area.", 0, unit="um")
    nuclei = integer("Nuclei in the cell.", 0)
    cluster_id = text("Cluster that the cell belongs to; empty for a single cell.")
    border = boolean("The cell touches a border at which part of it may be missing.")
    saturated = boolean("A pixel of the cell is at the detector's limit.")
    focus = number("Sharpness of the cell; a lower value is more blurred.")
    dapi_mean = _intensity("Nuclear stain: mean in the cell above its local background.")
    dapi_peak = _intensity("Nuclear stain: highest value in the cell above the local background.")
    dapi_background = _intensity("Nuclear stain: local background.")
    ck_mean = _intensity("Cytokeratin: mean in the cell above its local background.")
    ck_peak = _intensity("Cytokeratin: highest value in the cell above the local background.")
    ck_background = _intensity("Cytokeratin: local background.")
    cd45_mean = _intensity("CD45: mean in the cell above its local background.")
    cd45_peak = _intensity("CD45: highest value in the cell above the local background.")
    cd45_background = _intensity("CD45: local background.")
    her2_mean = _intensity("HER2 by immunofluorescence: mean above the local background.")
    her2_peak = _intensity("HER2 by immunofluorescence: highest value above the background.")
    her2_background = _intensity("HER2 by immunofluorescence: local background.")


class Calls(dy.Schema):
    """One row per cell and caller: what the cell was called, and why."""

    patient_id = text("Pseudonym of the patient.", key=True)
    specimen_id = text("Specimen.", key=True)
    run_id = text("Run of the assay.", key=True)
    cell_id = text("Cell.", key=True)
    caller = text("Who called: rule@version, model or reader.", key=True)
    call = choice(
        "Class; not_evaluable: a channel is missing or the measurement is void.",
        *CALLS, required=True,
    )  # fmt: skip
    score = probability("How clearly the cell belongs to the class, 0 to 1.")
    reasons = text("Why the cell was called so.")
