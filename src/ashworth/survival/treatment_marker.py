"""Effect of a treatment by marker status, with multiplicative and additive interaction."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.special import ndtr

from ashworth.errors import EstimationError, MonotoneLikelihoodWarning, NotEstimableWarning
from ashworth.survival.curves.kaplan_meier_curves import kaplan_meier
from ashworth.survival.inputs import (
    TIE_TOLERANCE,
    Booleans,
    Faults,
    Floats,
    check_level,
    check_number,
    check_option,
    labels,
    numbers,
    observations,
)
from ashworth.survival.proportional_hazards.covariates import check_covariates, covariate_matrix
from ashworth.survival.proportional_hazards.model import cox
from ashworth.survival.proportional_hazards.result import CoxResult
from ashworth.survival.results import TestResult, chi_square_p, normal_quantile
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

RANDOMISED = "randomised: treatment effect"
NOT_RANDOMISED = "not randomised: association, not a treatment effect"
_EFFECTS = (
    ("treatment, marker low", (1.0, 0.0, 0.0)),
    ("treatment, marker high", (1.0, 0.0, 1.0)),
    ("marker, without treatment", (0.0, 1.0, 0.0)),
    ("marker, with treatment", (0.0, 1.0, 1.0)),
    ("both against neither", (1.0, 1.0, 1.0)),
    ("interaction (ratio of hazard ratios)", (0.0, 0.0, 1.0)),
)


@dataclass(frozen=True, slots=True)
class TreatmentByMarker:
    """Effects of a treatment where the marker is low and where it is high.

    Attributes
    ----------
    effects : tuple of str
        Names of the ratios, in the order of the next arrays.
    coefficients, standard_errors : ndarray, shape (6,)
        Logarithms of the hazard ratios: treatment with marker low, with marker high, marker
        without and with treatment, both against neither, and the interaction.
    likelihood_ratio_test, wald_test : TestResult
        Of the interaction.
    differences : tuple of dict
        Additive scale: quantity, marker, estimate, standard_error.
    cells : tuple of dict
        treatment, marker, n, events: the four groups.
    label : str
        Whether treatment was randomised, in words that stand on every table.
    randomised : bool
    level : float
        Of the limits.
    method : str
        Models and ties.
    n, events : int
        Rows and events.
    options : mapping
        What was chosen.
    version : str
        Version of the package.
    """

    effects: tuple[str, ...]
    coefficients: Floats
    standard_errors: Floats
    likelihood_ratio_test: TestResult
    wald_test: TestResult
    differences: tuple[Mapping[str, Any], ...]
    cells: tuple[Mapping[str, Any], ...]
    label: str
    randomised: bool
    level: float
    method: str
    n: int
    events: int
    options: Mapping[str, Any]
    version: str = __version__

    @property
    def interaction_test(self) -> TestResult:
        """The test to print: likelihood ratio, or Wald where rows are clustered."""
        return self.wald_test if self.options["cluster"] else self.likelihood_ratio_test

    def table(self) -> pl.DataFrame:
        """One row per hazard ratio with limits and p, and the label."""
        import polars as pl

        b, se = self.coefficients, self.standard_errors
        centre = np.where(np.isfinite(b), b, np.nan)
        error = np.where(np.isfinite(b), se, np.nan)
        half = normal_quantile(self.level) * error
        frame = {
            "effect": list(self.effects),
            "coefficient": b,
            "standard_error": se,
            "hazard_ratio": np.exp(b),
            "lower": np.exp(centre - half),
            "upper": np.exp(centre + half),
            "p_value": 2.0 * ndtr(-np.abs(centre / error)),
        }
        return pl.DataFrame(frame).with_columns(pl.lit(self.label).alias("label"))

    def difference_table(self) -> pl.DataFrame:
        """One row per additive difference with limits and p, and the label."""
        import polars as pl

        z = normal_quantile(self.level)
        rows = []
        for d in self.differences:
            e, se = d["estimate"], d["standard_error"]
            p = 2.0 * float(ndtr(-abs(e / se))) if se > 0 else np.nan
            rows.append({**d, "lower": e - z * se, "upper": e + z * se, "p_value": p})
        frame = pl.DataFrame(rows, infer_schema_length=None)
        return frame.with_columns(pl.lit(self.label).alias("label"))

    def cell_table(self) -> pl.DataFrame:
        """Rows and events of the four groups."""
        import polars as pl

        return pl.DataFrame(list(self.cells))


@dataclass(frozen=True, slots=True)
class _Rows:
    time: Floats
    event: Booleans
    treated: Floats
    high: Floats
    covariates: Floats
    names: tuple[str, ...]
    columns: Mapping[str, Any]


def treatment_by_marker(
    time: Any,
    event: Any,
    treatment: Any,
    marker: Any,
    *,
    randomised: bool,
    at: float | None = None,
    covariates: Any = None,
    entry: Any = None,
    strata: Any = None,
    weights: Any = None,
    cluster: Any = None,
    ties: Literal["efron", "breslow"] = "efron",
    level: float = 0.95,
    tie_tolerance: float = TIE_TOLERANCE,
) -> TreatmentByMarker:
    r"""Estimate the effect of a treatment by marker status, and test the interaction.

    Use it for the question whether a marker is predictive (bisphosphonates by disseminated tumour
    cells). A marker is predictive only if the interaction says so in a randomised comparison;
    otherwise the result is labelled an association.

    Parameters
    ----------
    time, event, entry, strata, weights, cluster, ties, tie_tolerance
        As for `cox`. Treatment must have begun when the clock starts: a treatment that begins
        later makes its patients immortal until then.
    treatment, marker : array-like of bool or 0/1, shape (n,)
        1 treated; 1 marker high.
    randomised : bool
        Whether `treatment` was allocated at random. There is no default.
    at : float, optional
        Time of the differences of survival and of the restricted mean, in units of `time`.
    covariates : array-like, frame or dict, optional
        Adjust the hazard ratios for these numbers, with one effect each.
    level : float
        Of the limits.

    Returns
    -------
    TreatmentByMarker
        ``.table()`` hazard ratios, ``.difference_table()`` additive scale, ``.cell_table()``.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        Without events, or where one of the four groups is empty.

    Notes
    -----
    With :math:`\eta = \beta_1 t + \beta_2 m + \beta_3 t m + \gamma^T x` the hazard ratio of
    treatment is :math:`e^{\beta_1}` with marker low and :math:`e^{\beta_1 + \beta_3}` with marker
    high. Whether effects add up is another question than whether they multiply: the relative
    excess risk due to interaction is
    :math:`e^{\beta_1+\beta_2+\beta_3} - e^{\beta_1} - e^{\beta_2} + 1`, with limits by the delta
    method. Differences of survival and of the restricted mean at `at` are those of the four
    Kaplan-Meier curves (Greenwood), without covariates, strata and clusters; the interaction is
    the difference between high and low of (treated minus untreated). Those with `at` beyond the
    follow-up of a group are left out and `options` says so.

    References
    ----------
    .. [1] Hosmer DW, Lemeshow S (1992). Confidence interval estimation of interaction.
       Epidemiology 3:452-456.
    .. [2] Knol MJ, VanderWeele TJ (2012). Recommendations for presenting analyses of effect
       modification and interaction. Int J Epidemiol 41:514-520.
    .. [3] Ballman KV (2015). Biomarker: predictive or prognostic? J Clin Oncol 33:3968-3971.

    Examples
    --------
    >>> found = treatment_by_marker(
    ...     [5, 8, 12, 3, 9, 14, 7, 2], [1, 1, 0, 1, 1, 1, 1, 1], [1, 0, 0, 1, 1, 0, 0, 1],
    ...     [1, 1, 0, 1, 0, 0, 1, 0], randomised=False)
    >>> found.label
    'not randomised: association, not a treatment effect'
    >>> found.table()["effect"][5]
    'interaction (ratio of hazard ratios)'
    """
    check_option(ties, "ties", ("efron", "breslow"))
    check_level(level)
    if not isinstance(randomised, bool):
        raise EstimationError(f"randomised is {randomised!r}; allowed: True or False")
    columns = {"entry": entry, "strata": strata, "weights": weights, "cluster": cluster}
    rows = _read(time, event, treatment, marker, covariates, columns)
    chosen = {"ties": ties, "tie_tolerance": tie_tolerance}
    main = [rows.treated, rows.high]
    small, full = _fit(rows, main, chosen), _fit(rows, [*main, main[0] * main[1]], chosen)
    coefficients, errors = _contrasts(rows, full, chosen)
    differences = _excess(full)
    left_out = ""
    if at is not None:
        if check_number(at, "at", "a time after 0") <= 0.0:
            raise EstimationError(f"at is {at!r}; allowed: a time after 0")
        more, left_out = _differences(rows, at, tie_tolerance)
        differences += more
    n, events = rows.time.size, int(rows.event.sum())
    given = {k: v is not None for k, v in columns.items()}
    options = {**chosen, "adjusted": rows.names, "at": at, "left_out": left_out, **given}
    return TreatmentByMarker(
        tuple(name for name, _ in _EFFECTS), coefficients, errors,
        *_tests(full, small, coefficients[-1], errors[-1], n, events), tuple(differences),
        tuple(_cells(rows)), RANDOMISED if randomised else NOT_RANDOMISED, randomised, level,
        f"Cox proportional hazards, {ties.capitalize()} ties, with treatment by marker", n, events,
        options,
    )  # fmt: skip


def _read(
    time: Any, event: Any, treatment: Any, marker: Any, covariates: Any, columns: Mapping[str, Any]
) -> _Rows:
    """Check everything together; rows of weight 0 are left out."""
    faults = Faults("treatment_by_marker")
    treated, high = numbers(treatment, "treatment", faults), numbers(marker, "marker", faults)
    for values, name in ((treated, "treatment"), (high, "marker")):
        bad = (values != 0.0) & (values != 1.0)
        remedy = "code 1 yes, 0 no; leave out rows where it is not known, and count them"
        faults.rows(bad, name, "values other than 0 and 1", "0, 1, False or True", remedy)
    x, names = np.zeros((treated.size, 0)), ()
    if covariates is not None:
        x, names = covariate_matrix(covariates, None, faults)
        check_covariates(x, names, faults)
    coded: dict[str, Any] = {
        k: None if columns[k] is None else labels(columns[k], k, faults)[1]
        for k in ("strata", "cluster")
    }
    others = (("treatment", treated), ("marker", high), ("covariates", x), *coded.items())
    seen = observations(time, event, columns["entry"], columns["weights"], faults, *others)
    kept = {"entry": seen.entry, "weights": seen.weights, **coded}
    inside = np.ones(treated.size, dtype=bool) if seen.weights is None else seen.weights > 0.0
    kept = {k: None if v is None else v[inside] for k, v in kept.items()}
    rows = _Rows(
        seen.time[inside], seen.event[inside], treated[inside], high[inside], x[inside], names, kept
    )
    _demand_four(rows)
    return rows


def _demand_four(rows: _Rows) -> None:
    empty = [f"{c['treatment']}, marker {c['marker']}" for c in _cells(rows) if not c["n"]]
    if empty:
        raise EstimationError(
            f"treatment_by_marker: nobody {'; nobody '.join(empty)}; an interaction needs all four "
            "groups"
        )
    if not rows.event.any():
        raise EstimationError(f"treatment_by_marker: no events among {rows.time.size} rows")


def _cells(rows: _Rows) -> list[dict[str, Any]]:
    out = []
    for t, treated in enumerate(("untreated", "treated")):
        for m, marker in enumerate(("low", "high")):
            here = (rows.treated == t) & (rows.high == m)
            counts = {"n": int(here.sum()), "events": int(rows.event[here].sum())}
            out.append({"treatment": treated, "marker": marker, **counts})
    return out


def _fit(rows: _Rows, blocks: list[Floats], options: Mapping[str, Any]) -> CoxResult:
    """Model of these columns; degenerate terms are told by NaN and infinity."""
    given = {k: v for k, v in rows.columns.items() if v is not None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotEstimableWarning)
        warnings.simplefilter("ignore", MonotoneLikelihoodWarning)
        return cox(
            rows.time, rows.event, np.column_stack([*blocks, rows.covariates]),
            names=[*(f"treatment and marker {j}" for j in range(len(blocks))), *rows.names],
            **given, **options,
        )  # fmt: skip


def _contrasts(rows: _Rows, fit: CoxResult, options: Mapping[str, Any]) -> tuple[Floats, Floats]:
    """The six log hazard ratios and their errors.

    Where a term of the product is infinite, sums of terms are not defined although the ratio may
    be finite; the same model is then written with that ratio as a term.
    """
    b, v = fit.coefficients[:3], fit.covariance[:3, :3]
    if np.isfinite(b).all():
        weights = np.array([w for _, w in _EFFECTS])
        return weights @ b, np.sqrt(np.einsum("ij,jk,ik->i", weights, v, weights))
    t, m = rows.treated, rows.high
    by_marker = _fit(rows, [t * (1 - m), t * m, m], options)
    by_treatment = _fit(rows, [m * (1 - t), m * t, t], options)
    by_cell = _fit(rows, [t * m, t * (1 - m), m * (1 - t)], options)
    takes = ((by_marker, 0), (by_marker, 1), (by_treatment, 0), (by_treatment, 1), (by_cell, 0))
    pairs = [(f.coefficients[j], f.standard_errors[j]) for f, j in (*takes, (fit, 2))]
    value, error = (np.array(column) for column in zip(*pairs, strict=True))
    return value, error


def _excess(fit: CoxResult) -> list[dict[str, Any]]:
    """Relative excess risk due to interaction, if the three terms are finite."""
    b, covariance = fit.coefficients[:3], fit.covariance[:3, :3]
    if not np.isfinite(b).all():
        return []
    both, one, other = np.exp([b.sum(), b[0], b[1]])
    gradient = np.array([both - one, both - other, both])
    error = float(np.sqrt(gradient @ covariance @ gradient))
    name = "relative excess risk due to interaction"
    return [_difference(name, "interaction", float(both - one - other + 1.0), error)]


def _difference(quantity: str, marker: str, estimate: float, error: float) -> dict[str, Any]:
    return {
        "quantity": quantity, "marker": marker, "estimate": estimate, "standard_error": error
    }  # fmt: skip


def _differences(rows: _Rows, at: float, tolerance: float) -> tuple[list[dict[str, Any]], str]:
    """Treated minus untreated by marker, and the difference of the differences."""
    group = 2 * rows.high + rows.treated
    curves = kaplan_meier(
        rows.time, rows.event, group=group, entry=rows.columns["entry"],
        weights=rows.columns["weights"], tie_tolerance=tolerance,
    )  # fmt: skip
    four = [curves[g] for g in (0.0, 1.0, 2.0, 3.0)]
    reads = {f"survival at {at:g}": [_survival(c, at) for c in four]}
    problem = ""
    if not np.isfinite(reads[f"survival at {at:g}"]).all():
        problem = f"survival at {at:g} is unknown, or has reached 0, in one of the four groups"
        reads.clear()
    try:
        reads[f"restricted mean to {at:g}"] = [c.restricted_mean(at) for c in four]
    except EstimationError as error:
        problem = str(error)
    return _of(reads), problem


def _survival(curve: Any, at: float) -> tuple[float, float]:
    values = curve.survival_at(at)
    return float(values.survival[0]), float(values.standard_error[0])


def _of(reads: Mapping[str, list[tuple[float, float]]]) -> list[dict[str, Any]]:
    out = []
    for quantity, four in reads.items():
        value, error = (np.array(column) for column in zip(*four, strict=True))
        low, high = value[1] - value[0], value[3] - value[2]
        spread = error**2
        triples = (
            ("low", low, spread[0] + spread[1]),
            ("high", high, spread[2] + spread[3]),
            ("interaction", high - low, spread.sum()),
        )
        out += [_difference(quantity, m, float(e), float(np.sqrt(v))) for m, e, v in triples]
    return out


def _tests(
    full: CoxResult, small: CoxResult, value: float, error: float, n: int, events: int
) -> tuple[TestResult, TestResult]:
    """Likelihood-ratio and Wald test of the interaction."""
    df = full.likelihood_ratio_test.df - small.likelihood_ratio_test.df
    rise = max(0.0, 2.0 * (full.log_likelihood - small.log_likelihood)) if df else np.nan
    z = (value / error) ** 2 if np.isfinite(value) else np.nan
    name = "test of treatment by marker"
    return (
        TestResult(rise, df, chi_square_p(rise, df), f"likelihood ratio {name}", n, events),
        TestResult(z, df, chi_square_p(z, df), f"Wald {name}", n, events),
    )
