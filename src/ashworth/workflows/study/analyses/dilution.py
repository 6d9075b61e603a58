"""Regression dilution: what counting noise does to the hazard ratio of the status."""

from __future__ import annotations

import numpy as np
import polars as pl

from ashworth.cohorts import RegressionDilution, regression_dilution
from ashworth.definitions import Endpoint
from ashworth.enumeration import FittedPopulation, fit_population
from ashworth.errors import EstimationError
from ashworth.figures import dilution_figure
from ashworth.reports import Callout, Column, FigureBlock, Paragraph, Row, Table
from ashworth.reports.blocks import Block
from ashworth.reports.numbers import percent, ratio_limits
from ashworth.workflows.study.analyses.context import Context
from ashworth.workflows.study.analyses.result import AnalysisResult
from ashworth.workflows.study.analyses.terms import Model, adjusted_model, missing_words
from ashworth.workflows.study.analyses.words import left_out, noted, remarks, sizes
from ashworth.workflows.study.analysis_settings import DilutionRequest

TITLE = "Regression dilution by counting noise"
METHODS = (
    "The true status (true concentration at or above the cut-off) is latent. Its probability given "
    "the count comes from a population of true concentrations fitted to the counts; the hazard "
    "ratio maximises the semiparametric likelihood of Cox's model mixed over it (Breslow ties). "
    "Standard errors from the profile likelihood (Murphy and van der Vaart, J Am Stat Assoc "
    "2000;95:449), with the uncertainty of the fitted population added."
)
ASSUMPTIONS = (
    "Assumed: the hazard depends on the true status, not on the count beside it; the population's "
    "form is right; given the count, the adjusting covariates tell nothing about the true "
    "concentration; counting is Poisson. A hazard that rises with the concentration among the "
    "positive breaks the first assumption."
)
LABELS = ("As observed", "Regression calibration (approximate)", "True status (likelihood)")
_LAST = 12


def run(context: Context, request: DilutionRequest, anchor: str) -> AnalysisResult:
    """Correct the hazard ratio of every endpoint."""
    point = context.timepoint(request).name
    counts = _counts(context, point)
    concentration = _concentration(context)
    population = _population(context, counts)
    tables: list[pl.DataFrame] = []
    patients: list[pl.DataFrame] = []

    def build(endpoint: Endpoint, name: str) -> list[Block]:
        blocks, found = _endpoint(context, endpoint, point, population, concentration, name)
        tables.append(found[0])
        patients.append(found[1])
        return blocks

    blocks = context.each_endpoint(request, anchor, build)
    note = Callout("note", ASSUMPTIONS)
    found = {"hazard_ratios": pl.concat(tables), "patients": pl.concat(patients)} if tables else {}
    return AnalysisResult(TITLE, (*blocks, note) if tables else blocks, found, METHODS)


def _counts(context: Context, point: str) -> pl.DataFrame:
    """Counts with their amounts."""
    known = pl.col("n_cells").is_not_null() & pl.col("denominator").is_not_null()
    return context.counts(point).filter(known)


def _concentration(context: Context) -> float:
    """True concentration of the rule's cut-off, per unit of the denominator."""
    rule = context.results.rule
    if rule is None:
        raise EstimationError("a covariate marker has no counting noise")
    cutoff = rule.cutoff()
    if rule.scale == "rate_per_ml":
        return float(cutoff.at_least or cutoff.more_than or 0.0)
    if (cutoff.at_least or 0) <= 1:
        raise EstimationError(
            'a cut-off of "at least 1" detects cells and names no concentration, so no true status '
            "stands behind it; choose a rule with a higher cut-off"
        )
    if rule.denominator.amount is None:
        raise EstimationError("the rule names no amount, so its cut-off is no concentration")
    return float(cutoff.at_least or 0) / rule.denominator.amount


def _least(context: Context) -> int:
    """Smallest positive count of the rule, for the options."""
    rule = context.results.rule
    return 1 if rule is None else int(rule.cutoff().at_least or 1)


def _population(context: Context, counts: pl.DataFrame) -> FittedPopulation:
    """The declared population, or the negative binomial one, fitted to the counts."""
    settings = context.settings
    family = "negative_binomial" if settings.population == "none" else settings.population
    return fit_population(
        counts["n_cells"].to_numpy(), counts["denominator"].to_numpy(), family=family,
        recovery=settings.recovery, blank_rate=settings.blank_rate,
    )  # fmt: skip


def _endpoint(
    context: Context, endpoint: Endpoint, point: str, population: FittedPopulation,
    concentration: float, name: str,
) -> tuple[list[Block], tuple[pl.DataFrame, pl.DataFrame]]:  # fmt: skip
    """One endpoint: text, figure, table."""
    rows = context.rows(endpoint, point)
    if rows.entry is not None:
        raise EstimationError(
            "with delayed entry the counts are those of survivors; use the clock of the specimen"
        )
    model = adjusted_model(context, rows, context.codings)
    kept = model.rows
    counted = pl.DataFrame({"patient_id": kept.patient_id}).join(
        _counts(context, point), on="patient_id", how="left", maintain_order="left"
    )
    if counted["n_cells"].null_count() or counted["denominator"].null_count():
        raise EstimationError("some patients have a status but no count with its amount")
    cells = counted["n_cells"].to_numpy().astype(float)
    found, notes = noted(
        regression_dilution, context.in_unit(kept.time), kept.event, cells,
        counted["denominator"].to_numpy(), minimum_count=_least(context), positive=kept.high == 1.0,
        concentration=concentration, population=population,
        covariates=model.matrix[:, 1:] if model.matrix.shape[1] > 1 else None,
        strata=kept.strata, level=context.settings.level,
    )  # fmt: skip
    ratios = _ratios(found)
    blocks: list[Block] = [
        Paragraph(_text(context, endpoint, model, found)),
        _figure(context, endpoint, ratios, _by_count(cells, found), name),
        _table(context, endpoint, ratios),
        *remarks(notes),
    ]
    gone = left_out(rows.analysis)
    if gone:
        blocks.insert(1, Paragraph(gone))
    head = pl.lit(endpoint.id).alias("endpoint")
    per_patient = found.patients_table().with_columns(
        patient_id=pl.Series(kept.patient_id), n_cells=pl.Series(cells).cast(pl.Int64)
    )
    patients = per_patient.select(head, "patient_id", "n_cells", "positive", "probability",
                                  "misclassification", "posterior")  # fmt: skip
    table = found.table().select(head, pl.all())
    return blocks, (table, patients)


def _ratios(found: RegressionDilution) -> pl.DataFrame:
    """Rows of the figure and of the table."""
    return found.table().select(
        pl.Series("label", LABELS), pl.col("hazard_ratio").alias("estimate"), "lower", "upper"
    )


def _by_count(cells: np.ndarray, found: RegressionDilution) -> pl.DataFrame:
    """Mean probability of being truly positive by count, high counts together."""
    bins = np.minimum(cells, _LAST)
    rows = []
    for k in np.unique(bins):
        here = bins == k
        label = f"≥ {_LAST}" if k == _LAST else f"{k:.0f}"
        share = float(found.probability[here].mean())
        rows.append((label, int(here.sum()), share, bool(found.positive[here].mean() >= 0.5)))
    return pl.DataFrame(rows, schema=["label", "n", "probability", "positive"], orient="row")


def _figure(
    context: Context, endpoint: Endpoint, ratios: pl.DataFrame, by_count: pl.DataFrame, name: str
) -> FigureBlock:
    """Draw probabilities by count above the hazard ratios."""
    figure = dilution_figure(
        ratios, by_count, name=f"{name}-ratios", title="", simulated=context.simulated,
        estimate_heading=f"HR ({100 * context.settings.level:g}% CI)",
    )  # fmt: skip
    groups = context.results.groups
    caption = (
        f"{endpoint.abbreviation}, {groups.high} against {groups.low}: probability of being truly "
        "positive by count, and the hazard ratio as observed and of the true status."
    )
    return FigureBlock(figure, caption)


def _table(context: Context, endpoint: Endpoint, ratios: pl.DataFrame) -> Table:
    """Three hazard ratios with limits."""
    rows = tuple(
        Row((r["label"], ratio_limits(r["estimate"], r["lower"], r["upper"])))
        for r in ratios.iter_rows(named=True)
    )
    unit = f"{100 * context.settings.level:g}% CI"
    columns = (Column("Analysis", "left"), Column("Hazard ratio", unit=unit))
    notes = (
        "Regression calibration puts the probability of being truly positive in place of the "
        "status; it is right to first order only.",
    )
    return Table(columns, rows, f"{endpoint.abbreviation}: hazard ratio freed from noise", notes)


def _text(context: Context, endpoint: Endpoint, model: Model, found: RegressionDilution) -> str:
    """Sizes, misclassification and attenuation in words."""
    doubtful = int((found.misclassification > 0.2).sum())
    wrong = [1 - found.positive_predictive_value, 1 - found.negative_predictive_value]
    parts = [
        f"{endpoint.abbreviation}: {sizes(found.n, found.events)}.",
        f"Truly positive means a true concentration of {_words(context, found.concentration)} or "
        f"more; population of true concentrations {found.population}, fitted to the counts.",
        f"Expected sensitivity of the observed status {percent(found.sensitivity)}%, specificity "
        f"{percent(found.specificity)}%; {percent(wrong[0])}% of the positive and "
        f"{percent(wrong[1])}% of the negative are expected to be misclassified, {doubtful:,} "
        "patients with a probability above 20%.",
        _attenuation(found),
        missing_words(model),
    ]
    return " ".join(p for p in parts if p)


def _words(context: Context, concentration: float) -> str:
    """Concentration with its unit, as the rule has it."""
    rule = context.results.rule
    assert rule is not None
    unit = "ml" if rule.denominator.kind == "volume_ml" else rule.denominator.kind.replace("_", " ")
    if rule.scale == "rate_per_ml" or rule.denominator.amount is None:
        return f"{concentration:.3g} cells per {unit}"
    amount = rule.denominator.amount
    return f"{concentration * amount:g} cells per {amount:g} {unit}"


def _attenuation(found: RegressionDilution) -> str:
    """What the noise did to the log hazard ratio."""
    if not 0.0 < found.attenuation < 1.0:
        return "The observed log hazard ratio is not smaller than that of the true status here."
    share = percent(found.attenuation)
    return f"The observed log hazard ratio is {share}% of that of the true status."
