"""The two models that are compared: adjusting covariates, and those with the marker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival import CoxResult, cox, fine_gray
from ashworth.survival.prognostic_value.fitted_risks import cox_risks, fine_gray_risks
from ashworth.workflows.study.analyses.context import Context, Floats, Rows
from ashworth.workflows.study.analyses.multivariable import (
    MultivariableFit,
    few_events,
    multivariable_fit,
)


@dataclass(frozen=True, slots=True)
class Models:
    """Fits on the same patients, the base model first.

    Attributes
    ----------
    fits : dict of str to CoxResult
        One model (the marker alone) where the study adjusts for nothing.
    whole : MultivariableFit
        The model with the marker, and its patients.
    code : ndarray of int, shape (n,)
        0 censored, 1 event, 2 and up competing.
    notes : list of str
        Remarks on the fits.
    """

    fits: dict[str, CoxResult]
    whole: MultivariableFit
    code: Any
    notes: list[str]

    @property
    def rows(self) -> Rows:
        """The patients."""
        return self.whole.rows

    @property
    def names(self) -> list[str]:
        """Names of the models, the base model first."""
        return list(self.fits)

    @property
    def time(self) -> Floats:
        """Follow-up in the report's unit."""
        return self.whole.fit.data.time

    @property
    def late(self) -> bool:
        """Whether some patients enter late."""
        return self.whole.fit.data.entry is not None

    @property
    def competing(self) -> int:
        """Patients with a competing event first."""
        return int((self.code > 1).sum())

    def risks(self, times: Floats) -> dict[str, Floats]:
        """Predicted risks by model, (n, k); cumulative incidences where there are competing events.

        Raises
        ------
        EstimationError
            Where a model has no finite coefficients.
        """
        if not self.competing:
            return {name: cox_risks(fit, times) for name, fit in self.fits.items()}
        return {name: self._incidence(fit, times) for name, fit in self.fits.items()}

    def _incidence(self, fit: CoxResult, times: Floats) -> Floats:
        data, strata = fit.data, self.rows.strata
        strata = None if data.stratum is None else strata
        found = fine_gray(self.time, self.code, data.covariates, names=fit.names, strata=strata)
        return fine_gray_risks(found, data.covariates, strata, self.code == 1, times)


def fit_models(context: Context, rows: Rows) -> Models:
    """Fit the model with the marker, and without it on the same patients.

    Raises
    ------
    EstimationError
        Where one cannot be fitted, or the marker has no effect that can be estimated.
    """
    whole = multivariable_fit(context, rows)
    name = context.results.groups.name
    own = whole.terms.get(name, ())
    if not own:
        raise EstimationError(f"{name} has no effect that the data determine")
    fit, notes = whole.fit, few_events(whole)
    rest = [j for j, term in enumerate(fit.names) if term not in own]
    code = whole.rows.event_code
    if not rest:
        return Models({f"{name} alone": fit}, whole, code, notes)
    data = fit.data
    base = cox(
        data.time, data.event, data.covariates[:, rest], names=[fit.names[j] for j in rest],
        entry=data.entry, strata=data.stratum, ties=context.settings.ties,
    )  # fmt: skip
    if not np.isfinite(base.coefficients).all():
        raise EstimationError("the base model has no finite maximum")
    return Models({"Base model": base, f"Base model + {name}": fit}, whole, code, notes)
