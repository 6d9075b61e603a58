"""Report sections about the cells: positivity, counts, repeatability, dynamics."""

from __future__ import annotations

import numpy as np
import polars as pl

from ashworth.definitions import PositivityRule
from ashworth.enumeration import proportion_interval, volume_for_detection
from ashworth.figures import count_distribution_figure, dynamics_flow_figure, positivity_figure
from ashworth.reports import Callout, Column, FigureBlock, Paragraph, Row, Section, Table
from ashworth.reports.numbers import count, p_words, percent, percent_limits
from ashworth.workflows.study.analyse import StudyResults
from ashworth.workflows.study.groups import KINDS_OF_CELL
from ashworth.workflows.study.marker import BINS, CountedMarker
from ashworth.workflows.study.methods import rule_text

Blocks = list[Paragraph | Table | FigureBlock | Callout | Section]


def marker_section(results: StudyResults) -> Section | None:
    """Everything about counts; None for a covariate marker."""
    if results.marker is None or results.rule is None:
        return None
    cell = KINDS_OF_CELL.get(results.rule.phenotype, results.rule.phenotype)
    blocks: Blocks = [*_positivity(results, results.marker, cell)]
    blocks += _counts(results, results.marker, cell)
    blocks.append(_negative_results(results, results.rule, results.marker, cell))
    if results.marker.repeatability.height:
        blocks.append(_repeatability(results, results.marker))
    if results.marker.dynamics is not None:
        blocks.append(_dynamics(results, results.marker.dynamics))
    return Section(f"{cell} counts", "counts", tuple(blocks))


def _titles(results: StudyResults) -> dict[str, str]:
    """Label of every time point."""
    return {p.name: p.title for p in results.groups.timepoints}


def _positivity(results: StudyResults, marker: CountedMarker, cell: str) -> Blocks:
    """Positivity by time point, as a table and (with several time points) a figure."""
    assert results.rule is not None
    titles, rows, settings = _titles(results), [], results.settings
    for r in marker.positivity.iter_rows(named=True):
        values = percent_limits(r["proportion"], r["lower"], r["upper"])
        numbers = (count(r["n"]), count(r["n_assessable"]), count(r["n_positive"]))
        rows.append(Row((titles[r["timepoint"]], *numbers, values)))
    level = f"{100 * settings.level:g}% CI"
    table = Table(
        (Column("Time point", "left"), Column("Specimens"), Column("Assessable"),
         Column("Positive"), Column("Positivity", "right", level)),
        tuple(rows),
        f"Positivity: {rule_text(results.rule)}, in assessable specimens.",
        ("Exact (Clopper-Pearson) limits.",),
    )  # fmt: skip
    if marker.positivity.height < 2:
        return [table]
    drawn = marker.positivity.select(
        pl.col("timepoint").replace_strict(titles),
        "n_positive",
        pl.col("n_assessable").alias("n"),
        "proportion",
        "lower",
        "upper",
    )
    figure = positivity_figure(
        drawn, name="positivity", title=f"{cell} positivity",
        note=f"Exact {level}s.", simulated=settings.simulated,
    )  # fmt: skip
    return [table, FigureBlock(figure, "Positivity by time point, with exact limits.")]


def _counts(results: StudyResults, marker: CountedMarker, cell: str) -> Blocks:
    """Distribution of counts."""
    assert results.rule is not None
    titles = _titles(results)
    cutoff = results.rule.cutoff()
    category = None
    if cutoff.at_least is not None:
        category = next((b for least, b in BINS if least == cutoff.at_least), None)
    rows = marker.distribution.with_columns(pl.col("timepoint").replace_strict(titles))
    amount = results.rule.denominator.amount
    per = f" per {_amount(amount, results.rule)}" if amount else " per specimen"
    figure = count_distribution_figure(
        rows, name="counts-distribution", title="Distribution of counts",
        x_title=f"{cell}{per}", cutoff_category=category, cutoff_label="cut-off",
        simulated=results.settings.simulated,
    )  # fmt: skip
    return [FigureBlock(figure, "Share of assessable patients by count; positive counts are dark.")]


def _negative_results(
    results: StudyResults, rule: PositivityRule, marker: CountedMarker, cell: str
) -> Paragraph:
    """What a negative result can exclude in the median amount that was analysed."""
    amounts = marker.statuses.filter(pl.col("status") != "not_assessable")["denominator"]
    low, middle, high = np.quantile(amounts.to_numpy(), [0.25, 0.5, 0.75])
    cutoff = rule.cutoff()
    least = cutoff.at_least or int(np.floor((cutoff.more_than or 0.0) * middle)) + 1
    recovery = results.settings.recovery
    mean = float(volume_for_detection(1.0, minimum_count=least, recovery=recovery))
    per = rule.denominator.amount or (1.0 if rule.denominator.kind == "volume_ml" else 1e6)
    low, middle_text, high = (_amount(v, rule) for v in (low, middle, high))
    return Paragraph(
        f"Median amount analysed {middle_text} (quartiles {low} to {high}). In it a true "
        f"concentration of {mean / middle * per:.2g} {cell} per {_amount(per, rule)} would give "
        f"a positive result with 95% probability (Poisson, recovery {recovery:g}); a negative "
        "result does not exclude lower ones.",
        lead="Negative results.",
    )


def _amount(value: float, rule: PositivityRule) -> str:
    """Write an amount with its unit."""
    if rule.denominator.kind == "volume_ml":
        return f"{value:.3g} ml"
    return f"{value / 1e6:.3g} million nucleated cells"


def _repeatability(results: StudyResults, marker: CountedMarker) -> Table:
    """How often a second tube would agree, by count."""
    titles = _titles(results)
    rows = [
        Row(
            (
                titles[r["timepoint"]],
                r["count_category"],
                r["status"],
                count(r["n"]),
                percent(r["agreement_probability"]),
            )
        )
        for r in marker.repeatability.iter_rows(named=True)
    ]
    priors = tuple(n for n in marker.notes if ": prior " in n)
    return Table(
        (Column("Time point", "left"), Column("Count", "left"), Column("Status", "left"),
         Column("Patients"), Column("Agreement", "decimal", "%")),
        tuple(rows),
        "Probability that a second tube of the same draw would give the same status, by count.",
        ("Mean over patients; rests on the fitted population below and on Poisson sampling.",
         *priors),
    )  # fmt: skip


def _dynamics(results: StudyResults, dynamics: pl.DataFrame) -> Section:
    """Classes between the first two time points."""
    rule = results.dynamics_rule
    assert rule is not None
    titles = _titles(results)
    known = dynamics.filter(pl.col("dynamics_class").is_not_null())
    first, second = (p.name for p in results.groups.timepoints[:2])
    blocks: Blocks = [_dynamics_words(dynamics, known), _dynamics_table(results, known)]
    if known.height:
        blocks.append(_dynamics_figure(results, known, titles[first], titles[second]))
    if rule.caveat:
        blocks.append(Callout("caution", rule.caveat))
    return Section("Dynamics", "dynamics", tuple(blocks))


def _dynamics_words(dynamics: pl.DataFrame, known: pl.DataFrame) -> Paragraph:
    """How many pairs, and how many changes are more than counting noise."""
    changed = known.filter(pl.col("change_p_value") < 0.05).height
    return Paragraph(
        f"{known.height:,} of {dynamics.height:,} patients have an assessable status at both time "
        f"points. In {changed:,} of them the count changed by more than Poisson noise explains "
        "(exact conditional test, two-sided 5%)."
    )


def _dynamics_table(results: StudyResults, known: pl.DataFrame) -> Table:
    """Number and share of each class with exact limits."""
    rule = results.dynamics_rule
    assert rule is not None
    rows = []
    for row in rule.classes:
        n = known.filter(pl.col("dynamics_class") == row.name).height
        share = proportion_interval(n, max(known.height, 1), level=results.settings.level)
        limits = (float(share.estimate), float(share.lower), float(share.upper))
        changed = known.filter(
            (pl.col("dynamics_class") == row.name) & (pl.col("change_p_value") < 0.05)
        ).height
        rows.append(Row((row.name, count(n), percent_limits(*limits), count(changed))))
    return Table(
        (Column("Class", "left"), Column("Patients"),
         Column("Share", "right", f"{100 * results.settings.level:g}% CI"),
         Column("Changed", "right", "p < 0.05")),
        tuple(rows),
        f"Dynamics classes ({rule.title}).",
        ("Changed: exact conditional test of the two counts, volumes as exposure.",),
    )  # fmt: skip


def _dynamics_figure(
    results: StudyResults, known: pl.DataFrame, first: str, second: str
) -> FigureBlock:
    """Flow from the first status to the second."""
    rule = results.dynamics_rule
    assert rule is not None
    side = {"positive": results.groups.high, "negative": results.groups.low}
    flows = [
        (side[c.from_status], side[c.to_status],
         known.filter(pl.col("dynamics_class") == c.name).height)
        for c in sorted(rule.classes, key=lambda c: (c.from_status, c.to_status), reverse=True)
    ]  # fmt: skip
    frame = pl.DataFrame(
        flows,
        schema={"from_class": pl.String, "to_class": pl.String, "n": pl.Int64},
        orient="row",
    )
    figure = dynamics_flow_figure(
        frame, name="dynamics-flow", title="", from_title=first, to_title=second,
        simulated=results.settings.simulated,
    )  # fmt: skip
    return FigureBlock(figure, f"Patients from {first.lower()} to {second.lower()}.")


def dynamics_outcome_section(results: StudyResults) -> Section | None:
    """Outcome by dynamics class, from the second draw on."""
    if not results.by_dynamics:
        return None
    from ashworth.workflows.study.sections_endpoint import curve_block, estimates_table

    names = {e.id: e for e in results.endpoints}
    blocks: Blocks = [
        Paragraph(
            "Time runs from the second specimen: only patients who were still at risk on that day "
            "can have a class (landmark by design). Classes differ in prognosis; that does not "
            "show that changing therapy on them helps."
        )
    ]
    for survival in results.by_dynamics:
        endpoint = names[survival.analysis.endpoint]
        test = survival.test
        lines = [] if test is None else [f"log-rank {p_words(test.p_value)} (df {test.df:g})"]
        blocks.append(
            curve_block(
                results, survival, endpoint, name=f"dynamics-{endpoint.id}", lines=lines,
                caption=f"{endpoint.title} by dynamics class, from the second specimen on.",
            )
        )  # fmt: skip
        blocks.append(
            estimates_table(results, survival, f"{endpoint.abbreviation} by dynamics class.")
        )
    return Section("Outcome by dynamics", "outcome-by-dynamics", tuple(blocks))
