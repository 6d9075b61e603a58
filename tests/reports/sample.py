"""A small report with every block and hostile texts; its numbers are made up."""

from __future__ import annotations

import polars as pl

from ashworth.figures import Figure, dynamics_flow_figure, positivity_figure
from ashworth.reports import (
    Callout,
    Column,
    Definitions,
    FigureBlock,
    GroupHeader,
    KeyFigure,
    KeyFigures,
    Paragraph,
    Reference,
    References,
    Report,
    Row,
    Section,
    Table,
)

HOSTILE = "</script><script>alert(\"x\")</script><img src=x onerror=alert(1)> & 'q' {{ 7*7 }} <!--"


def positivity(name: str = "positivity") -> Figure:
    rows = pl.DataFrame(
        {
            "timepoint": ["baseline", HOSTILE],
            "n_positive": [46, 20],
            "n": [100, 100],
            "proportion": [0.46, 0.2],
            "lower": [0.37, 0.13],
            "upper": [0.56, 0.29],
        }
    )
    return positivity_figure(rows, name=name, title="Positivity", simulated=True)


def dynamics() -> Figure:
    rows = pl.DataFrame({"from_class": ["a", "b"], "to_class": ["b", HOSTILE], "n": [30, 70]})
    return dynamics_flow_figure(
        rows, name="dynamics", title="Flow", from_title="before", to_title=HOSTILE
    )


def table() -> Table:
    return Table(
        (Column("Variable", "left"), Column("n"), Column("HR", "decimal", "95% CI")),
        (
            GroupHeader("CTC"),
            Row(("< 5", "1,300", "reference"), indent=1),
            Row(("≥ 5", "1,136", "1.94 (1.70–2.21)"), indent=1),
            Row((HOSTILE, "12", "12.5 (0.9–170)"), bold=True),
        ),
        "Cox model. " + HOSTILE,
        ("Efron's ties.",),
    )


def report(*, figures: bool = True, simulated: bool = True) -> Report:
    outcome: tuple[Section | FigureBlock | Table, ...] = (table(), table())
    if figures:
        picture = FigureBlock(positivity(), "Positivity by time point. " + HOSTILE, alt="Own words")
        outcome = (
            picture,
            *outcome,
            Section("Dynamics", "dyn", (FigureBlock(dynamics(), "Flow"),)),
        )
    summary = (
        Paragraph(HOSTILE, lead="Aim."),
        KeyFigures((KeyFigure("Patients", "10,307", "11 centres"), KeyFigure(HOSTILE, "1"))),
        Callout("caution", HOSTILE, title="Mind."),
    )
    end = (
        Definitions((("IDFS", HOSTILE),)),
        References((Reference("Author A. Title. 2004.", "10.1056/NEJMoa040766"),)),
    )
    return Report(
        "A study " + HOSTILE,
        "Subtitle",
        (
            Section("Summary", "summary", summary),
            Section("Outcome", "outcome", outcome),
            Section("Methods", "methods", end),
        ),
        notices=("Second notice.",),
        meta=(("Setting", HOSTILE),),
        simulated=simulated,
    )
