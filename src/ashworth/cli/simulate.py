"""`ashworth simulate cohort` and `ashworth simulate cartridge`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import cyclopts
from cyclopts import Parameter

from ashworth.cli.output import show_json, show_lines, steps_shown

app = cyclopts.App(name="simulate", help="Make data with a known truth, labelled as simulated.")


@app.command
def cohort(
    preset: Literal["metastatic", "early_dtc", "early_ctc"] = "metastatic",
    *,
    out: Path,
    seed: int = 1,
    patients: int | None = None,
    centres: int | None = None,
    json: bool = False,
) -> int:
    """Simulate the patients of a study and write its folder, ready for `ashworth run`.

    Parameters
    ----------
    preset
        Which kind of study: metastatic CTC, early DTC or early CTC.
    out
        New folder for study.toml, the tables and truth.json.
    seed
        Seed of the random numbers; the same seed gives the same bytes.
    patients
        Number of patients [default: that of the preset].
    centres
        Number of centres [default: that of the preset].
    json
        Print a summary as JSON.
    """
    from ashworth.workflows.simulate_cohort import simulate_study

    made = simulate_study(preset, out=out, seed=seed, patients=patients, centres=centres)
    if json:
        show_json(made.to_dict())
    else:
        show_lines(made.lines())
    return 0


@app.command
def cartridge(
    *,
    out: Path,
    tumour_cells: int | None = None,
    frames: int | None = None,
    nuclei_per_frame: float | None = None,
    her2: Literal["negative", "mixed", "ladder"] = "negative",
    format: Literal[
        "celltracks", "celltracksxp", "vycap", "mcbp", "ome-tiff", "tiff"
    ] = "celltracks",
    compression: Literal["lzw", "zlib", "zstd"] | None = None,
    gain: float = 1.0,
    exposure: float = 1.0,
    blobs: int | None = None,
    bubbles: int | None = None,
    seed: int = 1,
    json: bool = False,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"))] = False,
) -> int:
    """Simulate the frames of a cartridge and write them with their exact truth.

    Parameters
    ----------
    out
        New folder for images/ and truth/.
    tumour_cells
        Intact CTCs; 0 makes a blank cartridge [default: 10].
    frames
        Number of frames; a CellTracks cartridge has 175 [default: 35].
    nuclei_per_frame
        Leukocytes and unclassified nuclei on average [default: 60].
    her2
        HER2 of the tumour cells; a ladder has all classes and 20 control cells of 0 and of 3+.
    format
        Format of the image folder.
    compression
        Compression of the frames [default: none].
    gain
        Factor on the camera's counts.
    exposure
        Factor on the light.
    blobs
        Saturated blobs [default: 0].
    bubbles
        Air bubbles [default: 0].
    seed
        Seed of the random numbers; the same seed gives the same pixels.
    json
        Print a summary as JSON.
    quiet
        Show no progress.
    """
    from ashworth.workflows.simulate_cartridge import simulate_cartridge

    with steps_shown(quiet=quiet or json) as progress:
        made = simulate_cartridge(
            out=out,
            seed=seed,
            her2=her2,
            format=format,
            compression=compression,
            progress=progress,
            tumour_cells=tumour_cells,
            frames=frames,
            nuclei_per_frame=nuclei_per_frame,
            blobs=blobs,
            bubbles=bubbles,
            gain=(gain,) * 4,
            exposure=(exposure,) * 4,
        )
    if json:
        show_json(made.to_dict())
    else:
        show_lines(made.lines())
    return 0
