"""One stage: all patients in one Cox model with a baseline hazard per centre."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ashworth.evidence.individual_data.centres import (
    CentreFit,
    fit_centres,
    read_centres,
)
from ashworth.survival import FrailtyResult, cox, frailty_cox
from ashworth.survival.inputs import Floats, check_option
from ashworth.survival.proportional_hazards.data import CoxData
from ashworth.survival.proportional_hazards.result import CoxResult
from ashworth.survival.results import TestResult, chi_square_p
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

Frailty = Literal["none", "gamma", "gaussian"]


@dataclass(frozen=True, slots=True)
class OneStage:
    """A Cox model of all centres together.

    Attributes
    ----------
    model : CoxResult
        Cox model stratified by centre: common coefficients, a baseline hazard per centre.
    heterogeneity_test : TestResult
        Likelihood ratio test that all coefficients are the same in all centres.
    centres : tuple of CentreFit
        Every centre's own model.
    frailty : FrailtyResult or None
        Cox model with a random hazard per centre, where it was asked for.
    n, events : int
        Patients and events.
    method : str
        Name of the estimator.
    options : mapping
        What was chosen.
    version : str
        Version of the package.
    """

    model: CoxResult
    heterogeneity_test: TestResult
    centres: tuple[CentreFit, ...]
    frailty: FrailtyResult | None
    n: int
    events: int
    method: str
    options: Mapping[str, Any]
    version: str

    @property
    def names(self) -> tuple[str, ...]:
        """Covariates."""
        return self.model.names

    @property
    def coefficients(self) -> Floats:
        """Common log hazard ratios, shape (p,)."""
        return self.model.coefficients

    @property
    def standard_errors(self) -> Floats:
        """Their standard errors, shape (p,)."""
        return self.model.standard_errors

    def table(self, level: float = 0.95) -> pl.DataFrame:
        """One row per covariate, as the table of a Cox model."""
        return self.model.table(level)

    def centre_table(self) -> pl.DataFrame:
        """One row per centre: patients, events, and whether it says anything."""
        import polars as pl

        return pl.DataFrame(
            {
                "centre": [str(f.centre) for f in self.centres],
                "n": [f.n for f in self.centres],
                "events": [f.events for f in self.centres],
                "informative": [f.rank > 0 for f in self.centres],
            }
        )


def _heterogeneity(model: CoxResult, centres: tuple[CentreFit, ...]) -> TestResult:
    """Compare the sum of the centres' own likelihoods with that of the common coefficients."""
    own = sum(fit.log_likelihood for fit in centres)
    common = int((~np.isnan(model.coefficients)).sum())
    df = sum(fit.rank for fit in centres) - common
    statistic = max(2.0 * (own - model.log_likelihood), 0.0)
    return TestResult(
        statistic, df, chi_square_p(statistic, df),
        "likelihood ratio test of covariates by centre", model.n, model.events,
    )  # fmt: skip


def _frailty(
    data: CoxData, frailty: Frailty, ties: Literal["efron", "breslow"]
) -> FrailtyResult | None:
    """Model with a random hazard per centre."""
    if frailty == "none":
        return None
    return frailty_cox(
        data.time, data.event, data.covariates, data.stratum, distribution=frailty,
        names=data.names, entry=data.entry, ties=ties, tie_tolerance=0.0,
    )  # fmt: skip


def one_stage(
    time: Any,
    event: Any,
    covariates: Any,
    centre: Any,
    *,
    names: Sequence[str] | None = None,
    entry: Any = None,
    ties: Literal["efron", "breslow"] = "efron",
    frailty: Frailty = "none",
) -> OneStage:
    """Fit one Cox model to the patients of all centres, stratified by centre.

    Use it where centres have few events, and for common effects. Every centre has its own baseline
    hazard, so differences between centres in prognosis do not confound the effect. It assumes that
    the coefficients are the same everywhere; ``.heterogeneity_test`` and `two_stage` look at that.

    Parameters
    ----------
    time, event, covariates, names, entry, ties
        As for `ashworth.survival.cox`.
    centre : array-like, shape (n,)
        Label of each patient's centre; two or more.
    frailty : {"none", "gamma", "gaussian"}
        Beside the stratified model, fit one in which each centre's hazard is drawn from a
        distribution (`ashworth.survival.frailty_cox`). It borrows strength between centres and
        assumes that the covariates do not depend on the centre's hazard.

    Returns
    -------
    OneStage
        ``.model`` (a `CoxResult`), ``.frailty``, ``.table()``, ``.centre_table()``,
        ``.heterogeneity_test``.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        Without events, with one centre only, or where the frailty model has no maximum.

    Warns
    -----
    MonotoneLikelihoodWarning, NotEstimableWarning, FewEventsWarning
        As for `ashworth.survival.cox`.

    Notes
    -----
    Centres without events or with one patient say nothing and change nothing. In the degrees of
    freedom of the heterogeneity test a centre's infinite coefficient counts as one.

    References
    ----------
    .. [1] Riley RD, Tierney JF, Stewart LA, eds. (2021). Individual participant data
       meta-analysis. Wiley, chapter 6.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> centre, marker = np.repeat(["A", "B", "C"], 60), np.tile([0, 1], 90)
    >>> time = rng.exponential(100, 180) * np.exp(-0.7 * marker)
    >>> found = one_stage(time, np.ones(180), {"marker": marker}, centre)
    >>> found.n, found.model.n_strata, found.heterogeneity_test.df
    (180, 3, 2)
    """
    check_option(ties, "ties", ("efron", "breslow"))
    check_option(frailty, "frailty", ("none", "gamma", "gaussian"))
    data = read_centres("one_stage", time, event, covariates, centre, names=names, entry=entry)
    model = cox(
        data.time, data.event, data.covariates, names=data.names, entry=data.entry,
        strata=data.stratum, ties=ties, tie_tolerance=0.0,
    )  # fmt: skip
    centres = fit_centres(data, ties=ties, min_events=1)
    options = {"ties": ties, "entry": entry is not None, "frailty": frailty}
    return OneStage(
        model, _heterogeneity(model, centres), centres, _frailty(data, frailty, ties), model.n,
        model.events,
        f"one stage: Cox model stratified by centre, {ties.capitalize()} ties", options,
        __version__,
    )  # fmt: skip
