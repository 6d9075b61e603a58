"""`ashworth evidence check|...`: what the literature says, checked, pooled, reconstructed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import cyclopts
from cyclopts import Parameter

from ashworth.cli.output import show_json, show_lines

app = cyclopts.App(
    name="evidence", help="Check printed numbers; pool estimates; rebuild patients from curves."
)


@app.command
def check(
    *files: Path,
    study: Annotated[list[str] | None, Parameter(negative=())] = None,
    decimal: Literal["point", "comma"] = "point",
    unverified: bool = False,
    json: bool = False,
) -> int:
    """Check printed numbers against each other: what holds, what cannot.

    Exit code 0 whatever is found: findings are results.

    Parameters
    ----------
    files
        CSV tables of statistics; without them the evidence base is checked.
    study
        Only this study (may be repeated).
    decimal
        Decimal sign of the tables.
    unverified
        Take in statistics whose source could not be checked.
    json
        Print JSON.
    """
    from ashworth.workflows.check_evidence import check_evidence

    checked = check_evidence(files, studies=study or (), unverified=unverified, decimal=decimal)
    if json:
        show_json(checked.to_dict())
    else:
        show_lines(checked.lines())
    return 0


@app.command
def reconstruct(
    curves: Path,
    /,
    *,
    risk: Path | None = None,
    events: Annotated[list[str] | None, Parameter(negative=())] = None,
    patients: Annotated[list[str] | None, Parameter(negative=())] = None,
    method: Literal["auto", "steps", "guyot", "modified"] = "auto",
    percent: bool = False,
    time_unit: Literal["days", "weeks", "months", "years"] = "months",
    endpoint: str = "os",
    reference: str | None = None,
    decimal: Literal["point", "comma"] = "point",
    out: Path | None = None,
    json: bool = False,
) -> int:
    """Rebuild patients from the points of a printed Kaplan-Meier curve.

    Parameters
    ----------
    curves
        CSV table of the points: time, survival, and arm where there are several.
    risk
        CSV table of the numbers at risk: time, at_risk, and arm.
    events
        Printed total of events: N, or ARM=N (may be repeated).
    patients
        Patients at time 0 where there is no risk table: N, or ARM=N (may be repeated).
    method
        How: auto, steps (exact steps), guyot or modified (clicked points).
    percent
        Survival is in per cent.
    time_unit
        Unit of the times, for the days in events.csv.
    endpoint
        Endpoint named in events.csv.
    reference
        Arm that the hazard ratio compares with [default: the first by name].
    decimal
        Decimal sign of the tables.
    out
        Folder for events.csv, patients.csv, diagnostics and the figure.
    json
        Print JSON.
    """
    from ashworth.workflows.reconstruct_curves import reconstruct_curves

    made = reconstruct_curves(
        curves,
        risk=risk,
        events=events or (),
        patients=patients or (),
        method=method,
        percent=percent,
        time_unit=time_unit,
        endpoint=endpoint,
        reference=reference,
        decimal=decimal,
        out=out,
    )
    if json:
        show_json(made.to_dict())
    else:
        show_lines(made.lines())
    return 0


@app.command(name="pool")
def pool_(
    file: Path | None = None,
    /,
    *,
    outcome: str | None = None,
    setting: str | None = None,
    specimen: str | None = None,
    marker: str | None = None,
    timepoint: str | None = None,
    measure: str | None = None,
    adjustment: str | None = None,
    allow: Annotated[list[str] | None, Parameter(negative=())] = None,
    tau2: Literal["REML", "DL", "DL2", "PM", "ML", "EB", "SJ", "HE", "HS", "FE"] = "REML",
    ci: Literal["hksj", "hksj_conservative", "t", "normal"] = "hksj",
    level: float = 0.95,
    ratio: bool = False,
    decimal: Literal["point", "comma"] = "point",
    unverified: bool = False,
    out: Path | None = None,
    json: bool = False,
) -> int:
    """Pool effects that answer one question, or say why they must not be pooled.

    Exit code 1 where they are refused; a display without a pooled number is an answer (0).

    Parameters
    ----------
    file
        CSV table: study, estimate, and lower, upper, level or standard_error. Without it the
        evidence base is asked.
    outcome
        os, dfs, pfs, ....
    setting
        dcis, early, neoadjuvant, metastatic.
    specimen
        blood, bone_marrow, plasma, tissue.
    marker
        ctc, dtc, ctdna, treatment, other.
    timepoint
        before_therapy, ....
    measure
        hazard_ratio, risk_ratio, odds_ratio, ....
    adjustment
        none, stratified, adjusted, unknown.
    allow
        What may be mixed: overlap, adjustment, cutoff, volume, timepoint, outcome, setting,
        specimen, marker, measure (may be repeated).
    tau2
        Estimator of the between-study variance.
    ci
        Method of the interval.
    level
        Confidence level.
    ratio
        The table's estimates and limits are ratios on the natural scale.
    decimal
        Decimal sign of the table.
    unverified
        Take in statistics whose source could not be checked.
    out
        Folder for effects.csv, summary.csv, forest.svg and the run log.
    json
        Print JSON.
    """
    from ashworth.workflows.pool_evidence import pool_evidence

    question = {
        "outcome": outcome, "setting": setting, "specimen": specimen, "marker": marker,
        "timepoint": timepoint, "measure": measure, "adjustment": adjustment,
    }  # fmt: skip
    pooled = pool_evidence(
        file, question=question, allow=allow or (), unverified=unverified, ratio=ratio,
        decimal=decimal, tau2_method=tau2, ci_method=ci, level=level,
    )  # fmt: skip
    if out is not None:
        pooled.write(out)
    if json:
        show_json(pooled.to_dict())
    else:
        show_lines(pooled.lines())
    return 0
