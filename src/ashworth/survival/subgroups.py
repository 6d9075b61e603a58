"""Effect of a marker within subgroups, with tests whether it differs between them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ashworth.errors import (
    EstimationError,
    MonotoneLikelihoodWarning,
    NotEstimableWarning,
)
from ashworth.survival.inputs import (
    TIE_TOLERANCE,
    Booleans,
    Faults,
    Floats,
    Integers,
    check_level,
    check_option,
    labels,
    numbers,
    observations,
)
from ashworth.survival.proportional_hazards.covariates import check_covariates, covariate_matrix
from ashworth.survival.proportional_hazards.model import cox
from ashworth.survival.proportional_hazards.result import CoxResult
from ashworth.survival.results import TestResult, chi_square_p, normal_quantile
from ashworth.survival.subgroup_rows import (
    NO_EVENTS,
    SubgroupLevel,
    cochran_q,
    factor_levels,
    level_of,
    wald_of_equality,
)
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

Model = Literal["joint", "separate"]
Ties = Literal["efron", "breslow"]


@dataclass(frozen=True, slots=True)
class InteractionTest:
    """Tests that the marker has the same effect in all levels of one factor.

    Attributes
    ----------
    factor : str
        Name of the factor.
    likelihood_ratio, wald, heterogeneity : TestResult
        Likelihood-ratio and Wald test of marker by level in one model; Cochran's Q of the levels'
        own estimates (with ``model="joint"`` the Wald test again). NaN with 0 degrees of freedom
        where fewer than two levels have an effect to compare.
    n, events, n_missing : int
        Rows with a known level, events among them, rows without a level.
    n_compared : int
        Levels that enter the test.
    """

    factor: str
    likelihood_ratio: TestResult
    wald: TestResult
    heterogeneity: TestResult
    n: int
    events: int
    n_missing: int
    n_compared: int


@dataclass(frozen=True, slots=True)
class SubgroupEffects:
    """Hazard ratios of a marker over all rows and within the levels of factors.

    Attributes
    ----------
    rows : tuple of SubgroupLevel
        The first is the overall effect (factor ``""``), then the levels of each factor.
    tests : tuple of InteractionTest
        One per factor.
    marker_names : tuple of str
        Words for marker 0 and 1.
    level : float
        Of the limits.
    method : str
        Model and ties.
    n, events : int
        All rows, and events among them.
    options : mapping
        What was chosen.
    version : str
        Version of the package.
    """

    rows: tuple[SubgroupLevel, ...]
    tests: tuple[InteractionTest, ...]
    marker_names: tuple[str, str]
    level: float
    method: str
    n: int
    events: int
    options: Mapping[str, Any]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """One row overall and per level: counts by marker, hazard ratio, limits, p, reason.

        `interaction_p` stands on the first row of each factor: the likelihood-ratio test, or the
        Wald test where rows are clustered.
        """
        import polars as pl

        z = normal_quantile(self.level)
        frame = pl.DataFrame([row.record(z) for row in self.rows], infer_schema_length=None)
        shown = {t.factor: self.interaction_p(t.factor) for t in self.tests}
        first = [
            shown[row.factor] if row.factor and row.factor != before else None
            for row, before in zip(self.rows, ["", *(r.factor for r in self.rows)], strict=False)
        ]
        return frame.with_columns(pl.Series("interaction_p", first, dtype=pl.Float64))

    def test_table(self) -> pl.DataFrame:
        """One row per factor and test: statistic, df, p, rows, events, rows without a level."""
        import polars as pl

        records = [
            {
                "factor": t.factor, "test": name, "statistic": test.statistic, "df": test.df,
                "p_value": test.p_value, "levels_compared": t.n_compared, "n": t.n,
                "events": t.events, "n_missing": t.n_missing,
            }
            for t in self.tests
            for name, test in (
                ("likelihood ratio", t.likelihood_ratio),
                ("Wald", t.wald),
                ("heterogeneity", t.heterogeneity),
            )
        ]  # fmt: skip
        return pl.DataFrame(records, infer_schema_length=None)

    def interaction_p(self, factor: str) -> float:
        """p-value to print for a factor; a likelihood is none with clustered rows."""
        test = next((t for t in self.tests if t.factor == factor), None)
        if test is None:
            known = ", ".join(t.factor for t in self.tests)
            raise EstimationError(f"factor is {factor!r}; allowed: {known}")
        return test.wald.p_value if self.options["cluster"] else test.likelihood_ratio.p_value


@dataclass(frozen=True, slots=True)
class _Rows:
    """Checked columns of one call."""

    time: Floats
    event: Booleans
    marker: Floats
    covariates: Floats
    names: tuple[str, ...]
    columns: Mapping[str, Any]
    options: Mapping[str, Any]

    def take(self, keep: Booleans) -> _Rows:
        columns = {k: None if v is None else v[keep] for k, v in self.columns.items()}
        return _Rows(
            self.time[keep], self.event[keep], self.marker[keep], self.covariates[keep],
            self.names, columns, self.options,
        )  # fmt: skip

    def fit(self, blocks: list[Floats], names: list[str]) -> CoxResult:
        """Cox model of the blocks of columns, then the covariates; degenerate terms silently."""
        given = {k: v for k, v in self.columns.items() if v is not None}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotEstimableWarning)
            warnings.simplefilter("ignore", MonotoneLikelihoodWarning)
            return cox(
                self.time, self.event, np.column_stack([*blocks, self.covariates]),
                names=[*names, *self.names], **given, **self.options,
            )  # fmt: skip


def subgroup_effects(
    time: Any,
    event: Any,
    marker: Any,
    subgroups: Any,
    *,
    covariates: Any = None,
    model: Model = "joint",
    entry: Any = None,
    strata: Any = None,
    weights: Any = None,
    cluster: Any = None,
    marker_names: tuple[str, str] = ("0", "1"),
    ties: Ties = "efron",
    level: float = 0.95,
    tie_tolerance: float = TIE_TOLERANCE,
) -> SubgroupEffects:
    r"""Estimate the hazard ratio of a marker within subgroups, and test whether it differs.

    Use it for the forest plot of a prognostic marker (PADDY: disseminated tumour cells by
    subtype). That a marker tells more in one subgroup is shown by the interaction test, never by
    one significant and one insignificant subgroup.

    Parameters
    ----------
    time, event, entry, strata, weights, cluster, ties, tie_tolerance
        As for `cox`. With `cluster` the variance is the robust one.
    marker : array-like of bool or 0/1, shape (n,)
        1 where the marker is high.
    subgroups : frame or dict of columns
        Factors: labels; a missing label leaves the row out of that factor only, and is counted.
    covariates : array-like, frame or dict, optional
        Adjust for these numbers. A column that repeats the factor at hand drops out there.
    model : {"joint", "separate"}
        ``joint``: one model per factor with an effect of the marker in each level, a main effect
        of the levels, and covariates with one effect over all levels. ``separate``: one model per
        level with its own baseline hazard and its own effects of the covariates.
    marker_names : tuple of str
        Words for marker 0 and 1.
    level : float
        Of the limits.

    Returns
    -------
    SubgroupEffects
        ``.table()`` for the forest plot, ``.test_table()`` for the tests.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        Without events, or with one marker group only.

    Warns
    -----
    FewEventsWarning
        From `cox`, where a model has more coefficients than events.

    Notes
    -----
    A level without events, or with one marker group only, has no estimate and says why; it does
    not count in the degrees of freedom. A level in which all events have the same marker has the
    hazard ratio 0 or infinity; it counts in the likelihood-ratio test, which stays valid, and the
    Wald test is NaN. The likelihood-ratio test compares

    .. math:: \eta = \alpha_{g} + \beta_{g} m + \gamma^T x \quad\text{with}\quad
              \eta = \alpha_{g} + \beta m + \gamma^T x

    in the rows of known levels :math:`g`, also where the rows of the table are separate models.
    Cochran's statistic of separate models is
    :math:`Q = \sum_g w_g (\hat\beta_g - \bar\beta)^2` with :math:`w_g = 1 / se_g^2`.

    References
    ----------
    .. [1] Pocock SJ, Assmann SE, Enos LE, Kasten LE (2002). Subgroup analysis, covariate
       adjustment and baseline comparisons in clinical trial reporting. Stat Med 21:2917-2930.
    .. [2] Cochran WG (1954). The combination of estimates from different experiments.
       Biometrics 10:101-129.

    Examples
    --------
    >>> found = subgroup_effects(
    ...     [5, 8, 12, 3, 9, 14, 7, 2], [1, 1, 0, 1, 1, 1, 1, 1], [1, 0, 0, 1, 1, 0, 0, 1],
    ...     {"grade": ["3", "2", "2", "3", "2", "3", "3", "2"]})
    >>> found.table().select("level", "n", "events").rows()
    [('overall', 8, 7), ('2', 4, 3), ('3', 4, 4)]
    >>> found.tests[0].likelihood_ratio.df
    1
    """
    check_option(model, "model", ("joint", "separate"))
    check_option(ties, "ties", ("efron", "breslow"))
    check_level(level)
    options = {"ties": ties, "tie_tolerance": tie_tolerance}
    columns = {"entry": entry, "strata": strata, "weights": weights, "cluster": cluster}
    rows, factors = _read(time, event, marker, subgroups, covariates, columns, options)
    overall = _overall(rows)
    out, tests = [overall], []
    for name, (levels, codes) in factors.items():
        found, test = _factor(rows, name, levels, codes, model)
        out += found
        tests.append(test)
    chosen = {
        "model": model, **options, "adjusted": rows.names,
        **{k: v is not None for k, v in columns.items()},
    }  # fmt: skip
    what = "one model per factor" if model == "joint" else "one model per level"
    return SubgroupEffects(
        tuple(out), tuple(tests), (str(marker_names[0]), str(marker_names[1])), level,
        f"Cox proportional hazards, {ties.capitalize()} ties, {what}",
        rows.time.size, int(rows.event.sum()), chosen,
    )  # fmt: skip


def _read(
    time: Any, event: Any, marker: Any, subgroups: Any, covariates: Any,
    columns: Mapping[str, Any], options: Mapping[str, Any],
) -> tuple[_Rows, dict[str, tuple[list[Any], Integers]]]:  # fmt: skip
    """Check everything together."""
    faults = Faults("subgroup_effects")
    high = numbers(marker, "marker", faults)
    remedy = "code 1 high, 0 low; leave out rows without a status, and count them"
    bad = (high != 0.0) & (high != 1.0)
    faults.rows(bad, "marker", "values other than 0 and 1", "0, 1, False or True", remedy)
    factors = factor_levels(subgroups, faults)
    x, names = np.zeros((high.size, 0)), ()
    if covariates is not None:
        x, names = covariate_matrix(covariates, None, faults)
        check_covariates(x, names, faults)
    coded: dict[str, Any] = {
        k: None if columns[k] is None else labels(columns[k], k, faults)[1]
        for k in ("strata", "cluster")
    }
    coded_factors = [(name, codes) for name, (_, codes) in factors.items()]
    others = (("marker", high), ("covariates", x), *coded.items(), *coded_factors)
    seen = observations(time, event, columns["entry"], columns["weights"], faults, *others)
    if not seen.event.any():
        raise EstimationError(f"subgroup_effects: no events among {seen.time.size} rows")
    if np.unique(high).size < 2:
        raise EstimationError(
            f"subgroup_effects: marker is {high[0]:g} in all {high.size} rows; an effect needs both"
        )
    kept = {"entry": seen.entry, "weights": seen.weights, **coded}
    rows = _Rows(seen.time, seen.event, high, x, names, kept, options)
    if seen.weights is not None and seen.weights.min() <= 0.0:
        counted = seen.weights > 0.0
        rows = rows.take(counted)
        factors = {name: (levels, codes[counted]) for name, (levels, codes) in factors.items()}
    return rows, factors


def _overall(rows: _Rows) -> SubgroupLevel:
    fit = rows.fit([rows.marker], ["marker (subgroups)"])
    return level_of("", "overall", rows.marker, rows.event).estimated(fit, 0)


def _factor(
    rows: _Rows, name: str, levels: list[Any], codes: Integers, model: Model
) -> tuple[list[SubgroupLevel], InteractionTest]:
    """Levels of one factor and the tests between them."""
    known = codes >= 0
    mine, place = rows.take(known), codes[known]
    found = [
        level_of(name, str(label), mine.marker[place == g], mine.event[place == g])
        for g, label in enumerate(levels)
    ]
    usable = [g for g, row in enumerate(found) if not row.reason]
    n, events = mine.time.size, int(mine.event.sum())
    empty = TestResult(np.nan, 0, np.nan, "interaction", n, events)
    ratio = wald = between = empty
    if usable:
        joint, ratio = _joint(mine, found, place, usable)
        own = {g: found[g].estimated(joint, j) for j, g in enumerate(usable)}
        wald = wald_of_equality(joint, len(usable), n, events)
        between = wald
        if model == "separate":
            own = {g: _alone(mine.take(place == g), found[g]) for g in usable}
            between = cochran_q(list(own.values()), n, events)
        found = [own.get(g, row) for g, row in enumerate(found)]
    missing = int(codes.size - n)
    compared = sum(not np.isnan(found[g].coefficient) for g in usable)
    return found, InteractionTest(name, ratio, wald, between, n, events, missing, compared)


def _joint(
    rows: _Rows, found: list[SubgroupLevel], place: Integers, usable: list[int]
) -> tuple[CoxResult, TestResult]:
    """Model with one effect of the marker per usable level, and its test against a common one.

    Levels without events are left out: their main effect would be minus infinity. Levels with one
    marker group keep their main effect; it stands before the marker, so that it is the marker
    that could not be told from it.
    """
    with_events = [g for g, row in enumerate(found) if row.reason != NO_EVENTS]
    inside = rows.take(np.isin(place, with_events))
    here = place[np.isin(place, with_events)]
    main = (here[:, None] == np.array(with_events[1:], dtype=np.int64)).astype(float)
    own = (here[:, None] == np.array(usable)) * inside.marker[:, None]
    titles = [f"level (subgroup {g})" for g in with_events[1:]]
    large = _reordered(inside, own, main, [f"marker (subgroup {g})" for g in usable], titles)
    n, events = rows.time.size, int(rows.event.sum())
    if len(usable) < 2:
        return large, TestResult(np.nan, 0, np.nan, "interaction", n, events)
    one = own.sum(axis=1, keepdims=True)
    small = inside.fit([main, one], [*titles, "marker (subgroups)"])
    statistic = max(0.0, 2.0 * (large.log_likelihood - small.log_likelihood))
    df = large.likelihood_ratio_test.df - small.likelihood_ratio_test.df
    p = chi_square_p(statistic, df)
    return large, TestResult(statistic, df, p, "likelihood ratio test of interaction", n, events)


def _reordered(
    rows: _Rows, own: Floats, main: Floats, marker_titles: list[str], titles: list[str]
) -> CoxResult:
    """Fit main effects first (they win where terms are collinear), and put the marker in front."""
    fit = rows.fit([main, own], [*titles, *marker_titles])
    m, k = main.shape[1], own.shape[1]
    order = np.concatenate([np.arange(m, m + k), np.arange(m), np.arange(m + k, len(fit.names))])
    return _in_order(fit, order.astype(np.int64))


def _in_order(fit: CoxResult, order: Integers) -> CoxResult:
    return replace(
        fit,
        names=tuple(fit.names[j] for j in order),
        coefficients=fit.coefficients[order],
        standard_errors=fit.standard_errors[order],
        covariance=fit.covariance[np.ix_(order, order)],
    )


def _alone(rows: _Rows, level: SubgroupLevel) -> SubgroupLevel:
    """Model of one level by itself."""
    try:
        return level.estimated(rows.fit([rows.marker], ["marker (subgroups)"]), 0)
    except EstimationError as error:
        return replace(level, reason=str(error))
