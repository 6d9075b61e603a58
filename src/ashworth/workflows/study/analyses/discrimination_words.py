"""Text and tables of the discrimination analysis."""

from __future__ import annotations

from typing import Any

import polars as pl

from ashworth.definitions import Endpoint
from ashworth.figures.numbers import counted
from ashworth.reports import Callout, Column, GroupHeader, Row, Table
from ashworth.reports.blocks import Block
from ashworth.reports.numbers import number, p_value, p_words
from ashworth.survival import likelihood_ratio
from ashworth.workflows.study.analyses.context import Context
from ashworth.workflows.study.analyses.discrimination_models import Models
from ashworth.workflows.study.analyses.discrimination_numbers import Accuracy
from ashworth.workflows.study.analyses.multivariable import model_words
from ashworth.workflows.study.analysis_settings import DiscriminationRequest

MEASURES = (("auc", "AUC"), ("brier_score", "Brier score"), ("scaled_brier_score", "Scaled Brier"))
QUANTITIES = {
    "nri": "Net reclassification",
    "event_nri": "… among events",
    "nonevent_nri": "… among nonevents",
    "up_events": "Moved up, given the event",
    "down_events": "Moved down, given the event",
    "down_nonevents": "Moved down, given no event",
    "up_nonevents": "Moved up, given no event",
}


def limits(row: dict[str, Any], key: str = "estimate", decimals: int = 3) -> str:
    """Value with its limits."""
    value = number(row[key], decimals)
    if row["lower"] is None or row["upper"] is None:
        return value
    low, high = number(row["lower"], decimals), number(row["upper"], decimals)
    between = " to " if "−" in low + high else "–"
    return f"{value} ({low}{between}{high})"


def introduction(context: Context, endpoint: Endpoint, models: Models) -> str:
    """Patients, terms, what was left out, competing events, the likelihood-ratio test."""
    text = f"{endpoint.abbreviation}. {model_words(context, models.whole)}"
    fits = list(models.fits.values())
    if len(fits) > 1:
        test = likelihood_ratio(*fits)
        text += (
            f" Likelihood-ratio test of the marker: chi-square {number(test.statistic, 2)}, "
            f"df {test.df}, {p_words(test.p_value)}."
        )
    else:
        text += " The study adjusts for nothing, so the marker is judged alone."
    if models.competing:
        text += (
            f" {counted(models.competing, 'patient')} had a competing event first: concordance "
            "takes them as censored (cause-specific), AUC and Brier score as free of the event."
        )
    return text


def concordance_table(
    context: Context, endpoint: Endpoint, models: Models, rows: pl.DataFrame, changes: pl.DataFrame
) -> Table:
    """C of every model, and the difference."""
    measures = rows["measure"].unique(maintain_order=True).to_list()
    found = {(r["measure"], r["model"]): r for r in rows.iter_rows(named=True)}
    lines = [Row((model, *(limits(found[m, model]) for m in measures))) for model in models.names]
    if changes.height:
        change = {r["measure"]: r for r in changes.iter_rows(named=True)}
        words = [f"{limits(change[m], 'difference')}; {p_words(change[m]['p_value'])}"
                 for m in measures]  # fmt: skip
        lines.append(Row(("Difference", *words)))
    ci = f"{100 * context.settings.level:g}% CI"
    titles = {"harrell_c": "Harrell's C", "uno_c": "Uno's C"}
    pairs = rows.filter(pl.col("measure") == "harrell_c").row(0, named=True)
    total = pairs["concordant"] + pairs["discordant"] + pairs["tied_score"]
    where = " within strata" if models.whole.fit.data.stratum is not None else ""
    note = f"Harrell's C stands on {total:,.0f} comparable pairs{where}."
    if "uno_c" not in measures:
        note += " Uno's C is not estimated with strata or late entry."
    return Table(
        (Column("Model", "left"), *(Column(titles[m], "right", ci) for m in measures)),
        tuple(lines), f"{endpoint.abbreviation}: concordance of the linear predictor.", (note,),
    )  # fmt: skip


def accuracy_table(context: Context, endpoint: Endpoint, models: Models, found: Accuracy) -> Table:
    """Measures at the times asked for, by model, with the difference."""
    values = {(r["measure"], r["model"], r["time"]): r for r in found.rows.iter_rows(named=True)}
    changes = {(r["measure"], r["time"]): r for r in found.differences.iter_rows(named=True)}
    unit, lines = context.settings.time_unit, []
    for t in found.at:
        cases = values["auc", models.names[0], t]["cases"]
        lines.append(GroupHeader(f"At {t:g} {unit} ({counted(cases, 'event')} by then)"))
        for measure, label in MEASURES:
            cells = [limits(values[measure, m, t]) for m in models.names]
            if len(models.names) > 1:
                change = changes.get((measure, t))
                cells += ["", ""] if change is None else [
                    limits(change, "difference"), p_value(change["p_value"])
                ]  # fmt: skip
            lines.append(Row((label, *cells), indent=1))
    ci = f"{100 * context.settings.level:g}% CI"
    columns = [Column("", "left"), *(Column(m, "right", ci) for m in models.names)]
    if len(models.names) > 1:
        columns += [Column("Difference", "right", ci), Column("p", "decimal")]
    return Table(
        tuple(columns), tuple(lines), f"{endpoint.abbreviation}: AUC and Brier score at horizons.",
        tuple(_accuracy_notes(context, models, found)),
    )  # fmt: skip


def _accuracy_notes(context: Context, models: Models, found: Accuracy) -> list[str]:
    """The integrated score, and what is good."""
    notes = [
        "A higher AUC and a lower Brier score are better; a scaled Brier score of 0 is no better "
        "than the average risk for everybody."
    ]
    first, last = found.span
    if last > first:
        words = ", ".join(
            f"{'average risk' if m == 'no model' else m} {number(v, 3)}"
            for m, v in found.integrated.items()
        )
        unit = context.settings.time_unit
        notes.append(f"Brier score integrated from {first:.3g} to {last:.3g} {unit}: {words}.")
    if models.whole.fit.data.stratum is not None:
        notes.append("The baseline of each stratum enters the predicted risks of both models.")
    return notes


def reclassification_blocks(
    context: Context, endpoint: Endpoint, request: DiscriminationRequest, table: pl.DataFrame
) -> list[Block]:
    """The table and, always, its caveat."""
    lines: list[Row | GroupHeader] = []
    unit = context.settings.time_unit
    for (t,), part in table.group_by("at", maintain_order=True):
        first = part.row(0, named=True)
        lines.append(GroupHeader(
            f"At {t:g} {unit}: {first['n_up']:,} moved up, {first['n_down']:,} down, of "
            f"{first['n']:,} patients"
        ))  # fmt: skip
        lines += [
            Row((QUANTITIES[r["quantity"]], limits(r)), indent=1)
            for r in part.iter_rows(named=True)
        ]
    cuts = ", ".join(f"{100 * c:g}%" for c in sorted(set(request.reclassify_at)))
    caption = f"{endpoint.abbreviation}: net reclassification between risks, cut at {cuts}."
    failed = int(table["failed"].max() or 0)  # pyrefly: ignore[bad-argument-type]
    notes = ["The predicted risks were held in the bootstrap; the models were not fitted again."]
    if failed:
        notes.append(f"Up to {failed:,} bootstrap samples gave no estimate and were left out.")
    ci = f"{100 * context.settings.level:g}% CI"
    made = Table(
        (Column("", "left"), Column("Estimate", "right", ci)), tuple(lines), caption, tuple(notes)
    )
    return [made, Callout("caution", table["caveat"][0], "Read with care")]
