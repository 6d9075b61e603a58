"""Enrichment when the assay errs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ashworth.trials.faults import Faults
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class AssayEnrichment:
    """What an assay's errors do to an enriched trial.

    Attributes
    ----------
    positive_rate : float
        Share of patients called positive.
    ppv, npv : float
        Predictive values.
    effect_share : float
        Effect among the called positive over that among the truly positive.
    inflation : float
        Randomised patients over those of a perfect assay.
    randomised_ratio, screened_ratio : float
        Unselected over enriched trial, randomised and screened (equal variances).
    method, version : str
    """

    positive_rate: float
    ppv: float
    npv: float
    effect_share: float
    inflation: float
    randomised_ratio: float
    screened_ratio: float
    method: str = "Simon and Maitournam, equal variances"
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """One row."""
        import polars as pl

        return pl.DataFrame([asdict(self)])


def assay_enrichment(
    prevalence: float, effect_ratio: float = 0.0, *, sensitivity: float = 1.0,
    specificity: float = 1.0,
) -> AssayEnrichment:  # fmt: skip
    """Compare an enriched with an unselected trial, for an assay with errors.

    PPV = g se / (g se + (1-g)(1-sp)); the effect among the called positive is
    PPV d+ + (1-PPV) d-; sizes go with the inverse square of effects.

    Parameters
    ----------
    prevalence : float
        Share of truly positive patients, 0 to 1, both excluded.
    effect_ratio : float
        Effect in marker-negative over that in marker-positive patients.
    sensitivity, specificity : float
        Of the assay, 0 to 1.

    Returns
    -------
    AssayEnrichment

    Raises
    ------
    InputError
        All faults together; nobody called positive; no effect among those called.

    References
    ----------
    Simon & Maitournam 2004, Clin Cancer Res 10:6759; Maitournam & Simon 2005, Stat Med 24:329.

    Examples
    --------
    >>> round(assay_enrichment(0.1, sensitivity=0.9, specificity=0.9).inflation, 6)
    4.0
    """
    faults = Faults("assay_enrichment")
    faults.probability("prevalence", prevalence)
    faults.number("effect_ratio", effect_ratio)
    faults.number("sensitivity", sensitivity, least=0, most=1)
    faults.number("specificity", specificity, least=0, most=1)
    faults.refuse()
    g, hit, false = prevalence, prevalence * sensitivity, (1 - prevalence) * (1 - specificity)
    called = hit + false
    if called == 0:
        faults.add("sensitivity", "0 beside a specificity of 1", "an assay that calls someone")
        faults.refuse()
    ppv = hit / called
    npv = (1 - prevalence) * specificity / (1 - called) if called < 1 else float("nan")
    share = ppv + (1 - ppv) * effect_ratio
    whole = g + (1 - g) * effect_ratio
    if min(abs(share), abs(whole)) < 1e-12:
        faults.add("effect_ratio", f"{effect_ratio:g}", "an effect on average that is not nought")
        faults.refuse()
    ratio = (share / whole) ** 2
    return AssayEnrichment(called, ppv, npv, share, 1 / share**2, ratio, ratio * called)
