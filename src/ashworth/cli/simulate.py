"""`ashworth simulate cohort`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import cyclopts

from ashworth.cli.output import show_json, show_lines

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
