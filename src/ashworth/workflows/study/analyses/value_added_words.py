"""Text and tables of the analysis of value added."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ashworth.definitions import Endpoint
from ashworth.reports import Column, Row, Table
from ashworth.reports.numbers import number, p_value, p_words
from ashworth.survival import Calibration, DecisionCurve, LikelihoodRatio, Optimism
from ashworth.survival.results import chi_square_p
from ashworth.workflows.study.analyses.context import Context

SHOWN = (("concordance", "C", 3), ("r2", "Nagelkerke R²", 3), ("slope", "Calibration slope", 2))


def likelihood_words(context: Context, test: LikelihoodRatio) -> str:
    """The answer in a sentence."""
    share = f"{100 * test.new_information:.0f}%" if np.isfinite(test.new_information) else "unknown"
    return (
        f"{context.results.groups.name} adds to the base model with a likelihood-ratio chi-square "
        f"of {number(test.statistic, 2)} (df {test.df}, {p_words(test.p_value)}). The base model "
        f"alone reaches {number(100 * test.adequacy, 0)}% of the chi-square of both (adequacy); "
        f"{share} of "
        "it is new information."
    )


def likelihood_table(endpoint: Endpoint, test: LikelihoodRatio) -> Table:
    """Chi-squares of base, extended and added."""
    rows = [
        ("Base model", test.base_chi_square, test.base_df, test.adequacy, test.base_aic),
        ("Base model and marker", test.extended_chi_square, test.extended_df, 1.0,
         test.extended_aic),
        ("Added by the marker", test.statistic, test.df, test.new_information, None),
    ]  # fmt: skip
    return Table(
        (Column("Model", "left"), Column("Chi-square", "decimal"), Column("df"), Column("p"),
         Column("Share", "decimal"), Column("AIC", "decimal")),
        tuple(
            Row((label, number(chi, 2), str(df), p_value(chi_square_p(chi, df)), number(share, 3),
                 "" if aic is None else number(aic, 1)))
            for label, chi, df, share, aic in rows
        ),
        f"{endpoint.abbreviation}: likelihood of the models.",
        ("Chi-squares against a model without covariates; share: of the chi-square of both.",),
    )  # fmt: skip


def optimism_table(endpoint: Endpoint, found: Mapping[str, Optimism]) -> Table:
    """Apparent and corrected measures of every model."""
    rows = []
    for model, one in found.items():
        for measure, label, decimals in SHOWN:
            j = one.measures.index(measure)
            values = (one.apparent[j], one.optimism[j], one.corrected[j])
            cells = (f"{model}: {label}", *(number(float(v), decimals) for v in values))
            rows.append(Row(cells))
    used = ", ".join(f"{one.training.shape[0]:,}" for one in found.values())
    return Table(
        (Column("Measure", "left"), Column("Apparent", "decimal"), Column("Optimism", "decimal"),
         Column("Corrected", "decimal")),
        tuple(rows),
        f"{endpoint.abbreviation}: performance corrected for optimism.",
        (f"Bootstrap samples used: {used}.",),
    )  # fmt: skip


def calibration_table(
    context: Context, endpoint: Endpoint, found: Mapping[str, Calibration]
) -> Table:
    """Calibration in the large, slope and distances of every model."""
    rows = [
        Row((model, _percent(c.observed), _percent(c.mean_predicted),
             _limits(c.ratio, c.ratio_lower, c.ratio_upper),
             _limits(c.slope, c.slope_lower, c.slope_upper),
             number(c.ici, 3), number(c.e50, 3), number(c.e90, 3)))
        for model, c in found.items()
    ]  # fmt: skip
    ci = f"{100 * context.settings.level:g}% CI"
    return Table(
        (Column("Model", "left"), Column("Observed", "decimal", "%"),
         Column("Predicted", "decimal", "%"), Column("Observed / expected", "decimal", ci),
         Column("Slope", "decimal", ci), Column("ICI", "decimal"), Column("E50", "decimal"),
         Column("E90", "decimal")),
        tuple(rows),
        f"{endpoint.abbreviation}: calibration of held-out risks.",
        ("ICI, E50, E90: mean, median and 90th percentile of the absolute difference of smooth "
         "observed and predicted risk.",),
    )  # fmt: skip


def _percent(value: float) -> str:
    return number(100 * value, 1)


def _limits(value: float, lower: float, upper: float) -> str:
    if not np.isfinite(value):
        return "not estimable"
    return f"{value:.2f} ({lower:.2f}–{upper:.2f})"


def decision_words(found: DecisionCurve) -> str:
    """Where the marker's model is better than the other strategies, as found."""
    models = found.strategies[:-2]
    k, others = len(models) - 1, [j for j in range(len(found.strategies)) if j != len(models) - 1]
    with np.errstate(invalid="ignore"):
        best = (found.net_benefit[k] > found.net_benefit[others] + 1e-12).all(axis=0)
    caution = (
        "Net benefit weighs events found against patients treated in vain; it does not say that a "
        "treatment works, nor which threshold is right."
    )
    if not best.any():
        return f"At no threshold has {models[k]} the largest net benefit. {caution}"
    spans = ", ".join(
        f"{100 * a:.0f}%" if a == b else f"{100 * a:.0f}–{100 * b:.0f}%"
        for a, b in _spans(found.thresholds, best)
    )
    return f"{models[k]} has the largest net benefit at thresholds of {spans}. {caution}"


def _spans(values: np.ndarray, inside: np.ndarray) -> list[tuple[float, float]]:
    """First and last value of every run."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], inside.astype(int), [0]])))
    return [
        (float(values[a]), float(values[b - 1]))
        for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]
