"""Words, forest and tables of the analysis over centres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ashworth.definitions import Endpoint
from ashworth.evidence import CentreInteraction, LeaveOneOut, Pooled
from ashworth.figures import pooled_forest_figure
from ashworth.figures.numbers import counted
from ashworth.reports import Column, FigureBlock, GroupHeader, Paragraph, Row, Table
from ashworth.reports.numbers import count, number, p_value, p_words, ratio_limits
from ashworth.workflows.study.analyses.context import Context, Rows
from ashworth.workflows.study.analyses.pooling_tables import forest_rows
from ashworth.workflows.study.analyses.words import left_out, sizes
from ashworth.workflows.study.analysis_settings import PoolingRequest
from ashworth.workflows.study.coding import LABELS, Coding

if TYPE_CHECKING:
    from ashworth.workflows.study.analyses.pooling import Fits

MODELS = {
    "two stages": "Two stages, random effects",
    "one stage, stratified": "One stage, stratified by centre",
    "one stage, gamma frailty": "One stage, gamma frailty",
}


def opening(
    context: Context, endpoint: Endpoint, request: PoolingRequest, fits: list[Fits], rows: Rows,
    missing: int,
) -> Paragraph:  # fmt: skip
    """Numbers first: who was pooled, the pooled estimates, heterogeneity, who was left out."""
    crude, groups = fits[0], context.results.groups
    label = noun(request.by)
    k = len(crude.one.centres)
    parts = [
        f"{endpoint.abbreviation}: {sizes(rows.n, rows.n_events)} in {counted(k, label)}, "
        f"{groups.high} against {groups.low}."
    ]
    if missing:
        parts.append(f"{counted(missing, 'patient')} without a {label} left out.")
    parts += [_two_words(crude, label), _one_words(crude, label)]
    if len(fits) > 1:
        gone = rows.n - fits[1].one.n
        parts.append(
            f"Adjusted for {fits[1].adjusted_for}: "
            f"{sizes(fits[1].one.n, fits[1].one.events)}"
            + (f", {gone:,} left out for a missing covariate." if gone else ".")
        )
    others = [c for c in context.settings.stratify if c != request.by]
    if others:
        parts.append(f"The study's strata ({', '.join(others)}) are not used here.")
    gone_before = left_out(rows.analysis)
    return Paragraph(" ".join(p for p in (*parts, gone_before) if p))


def noun(column: str) -> str:
    """Word for one group of a column."""
    return LABELS.get(column, column.replace("_", " ")).lower()


def _two_words(fits: Fits, label: str) -> str:
    """Pooled hazard ratio of two stages with its heterogeneity and the centres not used."""
    if fits.two is None or "marker" not in fits.two.pooled:
        return "Two stages could not be pooled."
    found = fits.two.pooled["marker"]
    row = fits.two.table().row(0, named=True)
    text = (
        f"Two stages, {found.n} of {len(fits.two.centres)} {label}s: hazard ratio "
        f"{ratio_limits(row['hazard_ratio'], row['lower'], row['upper'])}, "
        f"{p_words(row['p_value'])}; {heterogeneity_words(found)}."
    )
    unused = [f for f in fits.two.centres if f.reasons[0]]
    if unused:
        patients, events = sum(f.n for f in unused), sum(f.events for f in unused)
        text += (
            f" No estimate of its own: {counted(len(unused), label)} with "
            f"{sizes(patients, events)}, in the figure with the reason; one stage uses what they "
            "tell."
        )
    return text


def _one_words(fits: Fits, label: str) -> str:
    row = fits.one.table().row(0, named=True)
    test = fits.one.heterogeneity_test
    return (
        f"One stage: hazard ratio {ratio_limits(row['hazard_ratio'], row['lower'], row['upper'])}"
        f"; likelihood ratio test that it is the same in every {label}: {p_words(test.p_value)}."
    )


def heterogeneity_words(found: Pooled) -> str:
    """tau2, I2 and Q in words."""
    h = found.heterogeneity
    low, high = h.i2_from_tau2_limits
    return (
        f"τ² {number(h.tau2, 3)} ({number(h.lower, 3)}–{number(h.upper, 3)}), "
        f"I² {h.i2_from_tau2_percent:.0f}% ({low:.0f}–{high:.0f}), "
        f"Q = {number(h.q, 1)} with {h.df} degrees of freedom, {p_words(h.p_value)}"
    )


def centre_forest(
    context: Context, endpoint: Endpoint, request: PoolingRequest, fits: Fits, name: str
) -> FigureBlock:
    """Centres, diamonds, prediction bar; not adjusted."""
    level, groups = context.settings.level, context.results.groups
    note = ""
    if fits.two is not None and "marker" in fits.two.pooled:
        note = heterogeneity_words(fits.two.pooled["marker"])
    figure = pooled_forest_figure(
        forest_rows(fits, level), name=f"{name}-forest", title="",
        label_heading=noun(request.by).capitalize(),
        estimate_heading=f"HR ({100 * level:g}% CI)", note=note, simulated=context.simulated,
    )  # fmt: skip
    caption = (
        f"{endpoint.abbreviation}, {groups.high} against {groups.low}, by {noun(request.by)}, not "
        "adjusted. Squares: area by weight in two stages. Diamonds: pooled. Bar: where the true "
        f"hazard ratio of a further {noun(request.by)} would lie."
    )
    return FigureBlock(figure, caption)


def models_table(
    context: Context, endpoint: Endpoint, fits: list[Fits], models: pl.DataFrame
) -> Table:
    """One stage and two stages side by side."""
    rows: list[Row | GroupHeader] = []
    for fit in fits:
        words = f"{fit.title} for {fit.adjusted_for}" if fit.adjusted_for else fit.title
        rows.append(GroupHeader(words))
        rows += [_model(r) for r in models.filter(pl.col("model") == fit.title).to_dicts()]
    level = f"{100 * context.settings.level:g}% CI"
    columns = (
        Column("Model", "left"), Column("Centres"), Column("n"), Column("Events"),
        Column("Hazard ratio", "decimal", level), Column("p", "decimal"),
        Column("I²", "right", "%"), Column("Prediction interval", "right"),
    )  # fmt: skip
    notes = (
        "Centres: with an estimate of their own (two stages), with patients to compare (one "
        "stage), all (frailty).",
    )
    return Table(columns, tuple(rows), f"{endpoint.abbreviation}: one and two stages.", notes)


def _model(row: dict[str, float]) -> Row:
    words = ratio_limits(row["prediction_lower"], row["prediction_lower"], row["prediction_upper"])
    prediction = words[words.index("(") + 1 : -1] if "(" in words else ""
    i2 = row["i2_from_tau2_percent"]
    return Row(
        (MODELS[str(row["pooling"])], count(int(row["k"])), count(int(row["n"])),
         count(int(row["events"])), ratio_limits(row["hazard_ratio"], row["lower"], row["upper"]),
         p_value(row["p_value"]), "" if i2 is None else f"{i2:.0f}", prediction),
        indent=1,
    )  # fmt: skip


def left_out_table(
    context: Context, endpoint: Endpoint, two: LeaveOneOut, one: LeaveOneOut
) -> Table:
    """Both stages without each centre."""
    pairs = zip(two.table().to_dicts(), one.table().to_dicts(), strict=True)
    rows = tuple(_left_out(a, b) for a, b in pairs)
    level = f"{100 * context.settings.level:g}% CI"
    columns = (
        Column("Left out", "left"), Column("n"), Column("Events"),
        Column("Two stages", "decimal", level), Column("I²", "right", "%"),
        Column("One stage", "decimal", level),
    )  # fmt: skip
    missing = [
        str(r["left_out"]) for r in two.table().to_dicts() if r["reason"].startswith("had no")
    ]
    notes = ("n and events: of the remaining patients, one stage.",)
    if missing:
        notes += (f"Without an estimate of its own in two stages: {', '.join(missing)}.",)
    caption = f"{endpoint.abbreviation}: hazard ratio without one centre, not adjusted."
    return Table(columns, rows, caption, notes)


def _left_out(two: dict[str, object], one: dict[str, object]) -> Row:
    def effect(row: dict[str, object]) -> str:
        values = (row["hazard_ratio"], row["lower"], row["upper"])
        return ratio_limits(*(float(str(v)) for v in values))

    i2 = float(str(two["i2_from_tau2_percent"]))
    share = "" if i2 != i2 else f"{i2:.0f}"
    return Row(
        (str(one["left_out"]), count(int(str(one["n"]))), count(int(str(one["events"]))),
         effect(two), share, effect(one))
    )  # fmt: skip


def interaction_table(
    context: Context, endpoint: Endpoint, found: list[tuple[Coding, str, CentreInteraction]]
) -> Table:
    """Interactions by their source."""
    rows: list[Row | GroupHeader] = []
    for _, label, interaction in found:
        test = interaction.ecological_bias_test
        rows.append(GroupHeader(f"{label} (within against across: {p_words(test.p_value)})"))
        for r in interaction.table().to_dicts():
            words = ratio_limits(r["ratio_of_hazard_ratios"], r["lower"], r["upper"])
            rows.append(
                Row((r["source"].capitalize(), count(r["k"]), count(r["n"]), count(r["events"]),
                     words, p_value(r["p_value"])), indent=1)
            )  # fmt: skip
    level = f"{100 * context.settings.level:g}% CI"
    columns = (
        Column("Interaction", "left"), Column("Centres"), Column("n"), Column("Events"),
        Column("Ratio of hazard ratios", "decimal", level), Column("p", "decimal"),
    )  # fmt: skip
    notes = (
        "Within centres compares patients of one centre. Across centres compares centres by their "
        "means and is confounded by whatever else differs between them. Amalgamated is the usual "
        "product term, which mixes both. Exploratory. A factor's mean is the share of a level: its "
        "ratio across centres belongs to a difference of 100 percentage points.",
    )
    caption = f"{endpoint.abbreviation}: does the marker's hazard ratio depend on a covariate?"
    return Table(columns, tuple(rows), caption, notes)
