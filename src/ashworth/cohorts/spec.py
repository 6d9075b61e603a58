"""What a simulated cohort is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ashworth.enumeration.populations import Measurement, Population

HazardOn = Literal["observed", "true"]
Setting = Literal["early", "metastatic"]


@dataclass(frozen=True, slots=True)
class CountEffect:
    """Hazard ratio, against the lowest counts, from a count upwards until the next effect.

    Attributes
    ----------
    at_least : int
        First count of the category, in the rule's amount.
    os, first_event : float
        Hazard ratio for death, and for the first event (progression or recurrence, or death).
    """

    at_least: int
    os: float
    first_event: float


@dataclass(frozen=True, slots=True)
class CovariateEffect:
    """Planted effect of one covariate.

    Attributes
    ----------
    column : str
        Column of `patients`.
    os, first_event : float
        Hazard ratio for the level, or per `per` units.
    level : str, optional
        Level that has the effect (against all others without one); None for a number.
    centre, per : float
        Value with hazard ratio 1, and the step, of a number.
    """

    column: str
    os: float
    first_event: float
    level: str | None = None
    centre: float = 0.0
    per: float = 1.0


@dataclass(frozen=True, slots=True)
class InteractionEffect:
    """Planted interaction: what a positive count multiplies the hazard by in one class, on top.

    Attributes
    ----------
    subtype, level : str
        Id of a classification (`ashworth.survival.classify_subtype`), and the class.
    os, first_event : float
        Ratio of the positive count's hazard ratios, in the class against all other patients.
    """

    subtype: str
    level: str
    os: float
    first_event: float


@dataclass(frozen=True, slots=True)
class CohortSpec:
    """Everything that `simulate` needs but the seed; change fields by `dataclasses.replace`.

    Attributes
    ----------
    name, setting : str
        Name of the cohort; early or metastatic.
    n_patients, n_centres : int
        Sizes; centres differ in size.
    assay, rule, matrix, phenotype, denominator : str
        Ids and words of the definitions that the counts belong to.
    amount : float
        Amount analysed in a full tube (ml, or nucleated cells).
    amount_log_sd : float
        Spread of the analysed amount between patients (0: every full tube holds `amount`).
    cutoff : int
        Smallest positive count of the rule.
    population : NegativeBinomial or PoissonLognormal
        True concentrations at baseline, cells per unit of the denominator.
    measurement : Measurement
        Recovery and blank rate.
    count_effects : tuple of CountEffect
        Hazard ratios by count category of the baseline sample, the lowest category left out.
    fulfilled : tuple of str
        Requirements of the rule that the simulated laboratory meets for every specimen; for
        `ashworth.enumeration.statuses` and the key of that name in `study.toml`.
    hazard_on : {'observed', 'true'}
        The category is that of the observed count (what a report's model estimates), or of the
        true number of cells in the rule's amount (for studies of misclassification).
    covariate_effects : tuple of CovariateEffect
        The adjusted covariates; the planted hazard ratios belong to the model with all of them.
    interaction_effects : tuple of InteractionEffect
        Classes in which a positive count (at least `cutoff`) tells more, or less.
    median_os, median_first_event : float
        Days, at all effects zero (reference levels, centred numbers, an average centre).
    shape : float
        Weibull shape of both baseline hazards.
    coupling : float
        Share of patients whose first event foretells their death, in [0, 1]. The other share has
        a first event that is independent of death given covariates and count.
    centre_variance : float
        Variance of the centres' log hazards.
    accrual_days, further_days : int
        Uniform accrual; follow-up of the last patient until the data cut.
    drop_out_per_year : float
        Hazard of loss to follow-up.
    timepoints : tuple of str
        Name of the baseline draw and, if any, of the first follow-up.
    follow_up_window : tuple of int
        First and last day of the follow-up draw.
    therapy_log_change, therapy_log_sd, therapy_prognosis : float
        Mean and standard deviation of the change of the log concentration under therapy, and its
        correlation with a short survival (given baseline count and covariates).
    not_drawn, no_result, short_tubes : float
        Shares of draws that are missing at follow-up, runs without a result (each of not_done,
        failed, insufficient_volume, not_evaluable), and tubes with too little blood.
    """

    name: str
    setting: Setting
    n_patients: int
    n_centres: int
    assay: str
    rule: str
    matrix: Literal["blood", "bone_marrow"]
    phenotype: str
    denominator: Literal["volume_ml", "nucleated_cells"]
    amount: float
    cutoff: int
    population: Population
    count_effects: tuple[CountEffect, ...]
    covariate_effects: tuple[CovariateEffect, ...]
    median_os: float
    median_first_event: float
    interaction_effects: tuple[InteractionEffect, ...] = ()
    fulfilled: tuple[str, ...] = ()
    measurement: Measurement = field(default_factory=Measurement)
    amount_log_sd: float = 0.0
    hazard_on: HazardOn = "observed"
    shape: float = 1.1
    coupling: float = 0.6
    centre_variance: float = 0.1
    accrual_days: int = 2190
    further_days: int = 1095
    drop_out_per_year: float = 0.03
    timepoints: tuple[str, ...] = ("baseline",)
    follow_up_window: tuple[int, int] = (21, 35)
    therapy_log_change: float = 0.0
    therapy_log_sd: float = 1.0
    therapy_prognosis: float = 0.0
    not_drawn: float = 0.05
    no_result: float = 0.005
    short_tubes: float = 0.02

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        starts = [e.at_least for e in self.count_effects]
        checks = (
            (self.n_patients >= 1 and self.n_centres >= 1, "n_patients and n_centres must be >= 1"),
            (starts == sorted(set(starts)) and (not starts or starts[0] >= 1),
             "count_effects must rise from a count of at least 1"),
            (0 <= self.coupling <= 1, "coupling must lie in [0, 1]"),
            (-1 < self.therapy_prognosis < 1, "therapy_prognosis must lie in (-1, 1)"),
            (self.shape > 0 and self.centre_variance >= 0, "shape > 0 and centre_variance >= 0"),
            (1 <= len(self.timepoints) <= 2, "one or two timepoints"),
            (0 <= 4 * self.no_result <= 1, "no_result must lie in [0, 0.25]"),
        )  # fmt: skip
        wrong = [text for holds, text in checks if not holds]
        if wrong:
            raise ValueError("; ".join(wrong))

    @property
    def first_endpoint(self) -> str:
        """Endpoint id of the first event: ``pfs`` or ``idfs``."""
        return "pfs" if self.setting == "metastatic" else "idfs"
