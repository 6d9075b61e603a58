"""A marker's interaction with a covariate, within centres and across them kept apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.special import ndtr

from ashworth.errors import EstimationError
from ashworth.evidence.individual_data.centres import (
    CentreFit,
    fit_centres,
    fit_quietly,
    ratios,
    read_centres,
)
from ashworth.evidence.individual_data.two_stages import check_pooling, pool_term
from ashworth.evidence.pooling.model import Method, Test
from ashworth.evidence.pooling.result import Pooled
from ashworth.survival.inputs import Faults, Floats, check_option, numbers
from ashworth.survival.proportional_hazards.covariates import covariate_matrix
from ashworth.survival.proportional_hazards.data import CoxData
from ashworth.survival.proportional_hazards.result import CoxResult
from ashworth.survival.results import TestResult, chi_square_p, normal_quantile
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class InteractionEffect:
    """One estimate of an interaction.

    Attributes
    ----------
    source : str
        ``"within centres"``, ``"across centres"``, ``"amalgamated"``, or
        ``"within centres, two stages"``.
    coefficient, standard_error : float
        Log of the ratio of hazard ratios per unit of the covariate; NaN or infinite where it
        cannot be estimated.
    lower, upper, p_value : float
        Limits on the log scale and two-sided p-value.
    k, n, events : int
        Centres, patients and events that it rests on.
    reason : str
        Why there is no estimate; else empty.
    """

    source: str
    coefficient: float
    standard_error: float
    lower: float
    upper: float
    p_value: float
    k: int
    n: int
    events: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CentreInteraction:
    """Interaction of a marker with a covariate over several centres.

    Attributes
    ----------
    marker, covariate : str
        Names.
    within, across, amalgamated, within_two_stage : InteractionEffect
        Within centres (the one to read), across centres (a comparison of centres, confounded by
        whatever else differs between them), the usual product term that mixes both, and the
        centres' own interactions pooled.
    ecological_bias_test : TestResult
        Wald test that the within-centre and the across-centre interaction are the same.
    pooled : Pooled or None
        The second stage.
    model : CoxResult
        One-stage model: marker, covariate, their interaction within and across, adjustment.
    centres : tuple of CentreFit
        Every centre's own model of marker, covariate, product and adjustment.
    centre_means : ndarray, shape (c,)
        Mean of the covariate in every centre.
    n, events : int
        Patients and events.
    method : str
        Name of the estimator.
    options : mapping
        What was chosen.
    version : str
        Version of the package.
    """

    marker: str
    covariate: str
    within: InteractionEffect
    across: InteractionEffect
    amalgamated: InteractionEffect
    within_two_stage: InteractionEffect
    ecological_bias_test: TestResult
    pooled: Pooled | None
    model: CoxResult
    centres: tuple[CentreFit, ...]
    centre_means: Floats
    n: int
    events: int
    method: str
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row per source, with ratios of hazard ratios per unit of the covariate."""
        import polars as pl

        effects = (self.within, self.within_two_stage, self.across, self.amalgamated)
        return pl.DataFrame(
            [
                {
                    "marker": self.marker,
                    "covariate": self.covariate,
                    "source": e.source,
                    "k": e.k,
                    "n": e.n,
                    "events": e.events,
                    "coefficient": e.coefficient,
                    "standard_error": e.standard_error,
                    "ratio_of_hazard_ratios": float(ratios(np.array(e.coefficient))),
                    "lower": float(ratios(np.array(e.lower))),
                    "upper": float(ratios(np.array(e.upper))),
                    "p_value": e.p_value,
                    "reason": e.reason,
                }
                for e in effects
            ]
        )


def _one_column(values: Any, name: str) -> Floats:
    faults = Faults("interaction_within_and_across")
    column = numbers(values, name, faults)
    faults.stop()
    return column


def _columns(marker: Any, covariate: Any, adjust: Any, names: tuple[str, str]) -> dict[str, Floats]:
    """Marker, covariate and adjustment as named columns."""
    columns = {n: _one_column(v, n) for n, v in zip(names, (marker, covariate), strict=True)}
    if adjust is not None:
        faults = Faults("interaction_within_and_across")
        matrix, terms = covariate_matrix(adjust, None, faults)
        faults.stop()
        taken = sorted(set(terms) & set(columns))
        if taken:
            raise EstimationError(f"adjust repeats {', '.join(taken)}; leave it out there")
        columns |= dict(zip(terms, matrix.T, strict=True))
    return columns


def _with(data: CoxData, extra: dict[str, Floats]) -> CoxData:
    """Checked rows with further columns."""
    x = np.column_stack([data.covariates, *extra.values()])
    return replace(data, covariates=x, names=(*data.names, *extra))


def _by_centre(data: CoxData, column: Floats) -> dict[str, Floats]:
    """The covariate in each centre but the first, for centre-specific effects of it."""
    assert data.stratum is not None
    return {
        f"covariate in centre {i}": np.where(data.stratum == i, column, 0.0)
        for i in range(1, len(data.stratum_labels))
    }


def _effect(source: str, model: CoxResult, name: str, k: int, level: float) -> InteractionEffect:
    j = model.names.index(name)
    b, s = float(model.coefficients[j]), float(model.standard_errors[j])
    if not np.isfinite(b):
        reason = "not estimable: the product does not vary"
        if np.isinf(b):
            reason = "infinite coefficient: the likelihood is monotone"
        nan = np.nan
        return InteractionEffect(source, b, s, nan, nan, nan, k, model.n, model.events, reason)
    half, p = normal_quantile(level) * s, 2.0 * float(ndtr(-abs(b / s)))
    return InteractionEffect(source, b, s, b - half, b + half, p, k, model.n, model.events)


def _second_stage(
    fits: tuple[CentreFit, ...], j: int, options: Mapping[str, Any]
) -> tuple[Pooled | None, InteractionEffect]:
    """Pool the product terms of the centres' own models."""
    source, used = "within centres, two stages", [f for f in fits if not f.reasons[j]]
    k, n, events = len(used), sum(f.n for f in used), sum(f.events for f in used)
    pooled, reason = pool_term(fits, j, **options)
    if pooled is None:
        nan = np.nan
        return None, InteractionEffect(source, nan, nan, nan, nan, nan, k, n, events, reason)
    return pooled, InteractionEffect(
        source, pooled.estimate, pooled.standard_error, pooled.lower, pooled.upper,
        pooled.p_value, k, n, events,
    )  # fmt: skip


def _difference(model: CoxResult) -> TestResult:
    """Wald test of the within-centre against the across-centre interaction."""
    i, j = model.names.index("within"), model.names.index("across")
    v = model.covariance
    with np.errstate(invalid="ignore"):  # infinite coefficients: no test
        gap = float(model.coefficients[i] - model.coefficients[j])
        variance = float(v[i, i] + v[j, j] - 2.0 * v[i, j])
    known = np.isfinite(gap) and variance > 0.0
    statistic = gap**2 / variance if known else np.nan
    p = chi_square_p(statistic, 1)
    name = "Wald test of within against across"
    return TestResult(statistic, int(known), p, name, model.n, model.events)


def interaction_within_and_across(
    time: Any,
    event: Any,
    marker: Any,
    covariate: Any,
    centre: Any,
    *,
    adjust: Any = None,
    marker_name: str = "marker",
    covariate_name: str = "covariate",
    covariate_effect: Literal["common", "by_centre"] = "common",
    entry: Any = None,
    ties: Literal["efron", "breslow"] = "efron",
    min_events: int = 1,
    method: Method = "REML",
    test: Test = "hksj",
    level: float = 0.95,
) -> CentreInteraction:
    r"""Test whether a marker's effect depends on a covariate, without mixing in the centres.

    Use it for subgroup questions in pooled patient data. The usual product term mixes what happens
    between patients of one centre with differences between centres; only the first is about
    patients.

    Parameters
    ----------
    time, event, entry, ties
        As for `ashworth.survival.cox`.
    marker, covariate : array-like, shape (n,)
        Numbers: a status as 0 and 1; a covariate with two levels as 0 and 1, or a measurement.
    centre : array-like, shape (n,)
        Label of each patient's centre; two or more.
    adjust : matrix, frame or dict of columns, optional
        Further covariates, with common effects in one stage.
    marker_name, covariate_name : str
        Names for the tables.
    covariate_effect : {"common", "by_centre"}
        Whether the covariate's own effect is the same in all centres (one stage); in two stages it
        is each centre's own.
    min_events, method, test : optional
        Second stage, as for `two_stage`.
    level : float
        Confidence level.

    Returns
    -------
    CentreInteraction
        ``.within``, ``.across``, ``.amalgamated``, ``.within_two_stage``,
        ``.ecological_bias_test``, ``.table()``.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        Without events, with one centre, or where the marker or the covariate never varies within a
        centre.

    Notes
    -----
    With marker z, covariate x and its mean :math:`\bar x_i` in centre i, each centre with its own
    baseline hazard,

    .. math:: \log h_{ij}(t) = \log h_{0i}(t) + \beta z + \zeta x + \gamma_W z (x - \bar x_i)
              + \gamma_A z (\bar x_i - \bar x)

    The across-centre term rests on as many means as there are centres. A product of a status with
    anything is a comparison of subgroups: exploratory unless it was planned.

    References
    ----------
    .. [1] Hua H, Burke DL, Crowther MJ et al. (2017). One-stage individual participant data
       meta-analysis models: estimation of treatment-covariate interactions must avoid ecological
       bias by separating out within-trial and across-trial information. Stat Med 36:772-789.
    .. [2] Riley RD, Debray TPA, Fisher D et al. (2020). Individual participant data meta-analysis
       to examine interactions between treatment effect and participant-level covariates.
       Stat Med 39:2115-2137.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> centre, marker = np.repeat(["A", "B", "C"], 60), np.tile([0, 1], 90)
    >>> young = rng.integers(0, 2, 180)
    >>> time = rng.exponential(100, 180) * np.exp(-0.7 * marker)
    >>> found = interaction_within_and_across(time, np.ones(180), marker, young, centre)
    >>> found.table()["source"].to_list()
    ['within centres', 'within centres, two stages', 'across centres', 'amalgamated']
    """
    subject = "interaction_within_and_across"
    check_option(ties, "ties", ("efron", "breslow"))
    check_option(covariate_effect, "covariate_effect", ("common", "by_centre"))
    check_pooling(method, test, level, min_events)
    columns = _columns(marker, covariate, adjust, (marker_name, covariate_name))
    data = read_centres(subject, time, event, columns, centre, names=None, entry=entry)
    means = _centre_means(data)
    _check_variation(data)
    model, mixed = _one_stage(data, means, by_centre=covariate_effect == "by_centre", ties=ties)
    z, x = data.covariates[:, 0], data.covariates[:, 1]
    fits = fit_centres(_with(data, {"product": z * x}), ties=ties, min_events=int(min_events))
    place = len(data.names)
    second = {"method": method, "test": test, "level": level}
    pooled, two = _second_stage(fits, place, second)
    k = len(data.stratum_labels)
    options = {
        "covariate_effect": covariate_effect, "ties": ties, "entry": entry is not None,
        "adjusted": adjust is not None, "min_events": int(min_events), **second,
    }  # fmt: skip
    return CentreInteraction(
        marker_name, covariate_name, _effect("within centres", model, "within", k, level),
        _effect("across centres", model, "across", k, level),
        _effect("amalgamated", mixed, "product", k, level), two, _difference(model), pooled, model,
        fits, means, model.n, model.events,
        "Cox model stratified by centre, interaction within and across centres", options,
        __version__,
    )  # fmt: skip


def _centre_means(data: CoxData) -> Floats:
    assert data.stratum is not None
    total = np.bincount(data.stratum, weights=data.covariates[:, 1])
    return total / np.bincount(data.stratum)


def _check_variation(data: CoxData) -> None:
    """Refuse a marker or covariate that is constant in every centre."""
    assert data.stratum is not None
    for name, column in zip(data.names[:2], data.covariates[:, :2].T, strict=True):
        inside = (column[data.stratum == i] for i in range(len(data.stratum_labels)))
        if all(part.min() == part.max() for part in inside):
            raise EstimationError(
                f"interaction_within_and_across: {name} has one value only in every centre; "
                "an interaction needs patients that differ within a centre"
            )


def _one_stage(
    data: CoxData, means: Floats, *, by_centre: bool, ties: Literal["efron", "breslow"]
) -> tuple[CoxResult, CoxResult]:
    """Models with the interaction apart, and with one product term."""
    assert data.stratum is not None
    z, x, mean = data.covariates[:, 0], data.covariates[:, 1], means[data.stratum]
    own = _by_centre(data, x) if by_centre else {}
    apart = {"within": z * (x - mean), "across": z * (mean - x.mean())}
    return (
        fit_quietly(_with(data, apart | own), stratified=True, ties=ties),
        fit_quietly(_with(data, {"product": z * x} | own), stratified=True, ties=ties),
    )
