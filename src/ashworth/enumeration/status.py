"""Counts to statuses: one status per patient, time point and rule, by the observed count."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ashworth.definitions.models import Assay, PositivityRule
from ashworth.enumeration.cutoffs import Call, VolumeModel, call_status
from ashworth.enumeration.fitting import FittedPopulation
from ashworth.enumeration.intervals import CountInterval, poisson_interval
from ashworth.enumeration.populations import Measurement, Population
from ashworth.enumeration.repeatability import agreement_probability, concentration_probability
from ashworth.enumeration.selection import demand_fit, select_tubes
from ashworth.errors import InputError, Problem
from ashworth.version import __version__

NUCLEATED_UNIT = 1e6


@dataclass(frozen=True, slots=True)
class Statuses:
    """Statuses with everything that stands beside them.

    Attributes
    ----------
    statuses : polars.DataFrame
        One row per patient and time point of the rule's matrix: patient_id, timepoint, rule,
        rule_version, specimen_day, status, level, reason, n_cells, denominator_kind, denominator,
        rate (cells per `per`), rate_lower, rate_upper, interval_method, prior,
        agreement_probability, prob_at_least_cutoff.
    per : float
        Amount that the rates refer to: the rule's amount; 1 ml for rates per ml or rules without
        a volume; 1e6 where nucleated cells are screened without a fixed number.
    n : int
        Rows.
    """

    statuses: pl.DataFrame
    rule: str
    rule_version: int
    assay: str
    per: float
    n: int
    method: str
    options: dict[str, object]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """Return the statuses, sorted by patient and time point."""
        return self.statuses


def statuses(
    specimens: pl.DataFrame,
    assay_runs: pl.DataFrame,
    counts: pl.DataFrame,
    rule: PositivityRule,
    *,
    assay: Assay,
    population: FittedPopulation | Population | None = None,
    measurement: Measurement | None = None,
    model: VolumeModel | None = None,
    tolerance: float = 0.0,
    on: date | None = None,
    caller: str | None = None,
    fulfilled: Collection[str] = (),
    missing_denominator: Literal["error", "not_assessable"] = "error",
    interval: CountInterval = "garwood",
    level: float = 0.95,
) -> Statuses:
    """Call the status of every patient and time point.

    The status follows the observed count. What is beside it (interval, agreement probability,
    probability that the true concentration reaches the cut-off) never changes it.

    Parameters
    ----------
    specimens, assay_runs, counts : polars.DataFrame
        Tables of these names. Tubes of one time point add up before the rule is applied.
    rule : PositivityRule
        Cut-off with its amount.
    assay : Assay
        Must be among the rule's assays; runs of other assays give no status.
    population : FittedPopulation, NegativeBinomial or PoissonLognormal, optional
        Prior of the true concentration. Without it the column `prior` says ``none`` and both
        probabilities are null.
    measurement : Measurement, optional
        Recovery and blank rate; by default those of the fit, else none lost and no blanks.
    model : {'binomial_thinning', 'homogeneous_poisson'}, optional
        Answer when more than the rule's amount was analysed; without it such a count is
        not_assessable. See `ashworth.enumeration.cutoffs.call_status`.
    tolerance : float
        Difference between analysed and demanded amount that counts as none (same unit).
    on : date, optional
        Cut-off in force on that day; the latest by default.
    caller : str, optional
        Needed where several callers counted the same runs.
    fulfilled : collection of str
        Requirements of the rule that the laboratory fulfils for every specimen. Others are
        looked up by specimen: `nucleated_cells` in counts; `morphological_category` and
        `isotype_control` in counts or assay_runs.
    missing_denominator : {'error', 'not_assessable'}
        A count without the denominator which the assay demands is bad input; in worked cases it
        is a status that cannot be assessed.
    interval : {'garwood', 'jeffreys'}
        Limits of the rate.
    level : float
        Their level.

    Returns
    -------
    Statuses

    Raises
    ------
    InputError
        With all problems: columns, counts without run or without the denominator which the assay
        demands, several callers without a choice, an assay that the rule does not name.

    Notes
    -----
    Less than the rule's amount: positive if the count already reaches the cut-off, else
    not_assessable. The probability that the true concentration reaches the cut-off is given for
    cut-offs above 1 only: "at least 1" is a detection rule, not a concentration.
    A second tube is one of the rule's amount (of the analysed amount where the rule has none).

    Examples
    --------
    >>> from ashworth import definitions
    >>> rule = definitions.load("positivity_rule", "ctc-metastatic-5")
    >>> assay = definitions.load("assay", "cellsearch-ctc")
    >>> keys = {"patient_id": ["p1", "p2"], "specimen_id": ["s1", "s2"]}
    >>> specimens = pl.DataFrame(
    ...     keys | {"matrix": "blood", "timepoint": "baseline", "collected_day": 0})
    >>> runs = pl.DataFrame(keys | {"run_id": "r", "assay": assay.id, "outcome": "done"})
    >>> counts = pl.DataFrame(keys | {"run_id": "r", "phenotype": "ctc", "caller": "reader",
    ...                               "n_cells": [7, 2], "volume_ml": [7.5, 5.0]})
    >>> result = statuses(specimens, runs, counts, rule, assay=assay)
    >>> result.table()["status", "reason"].rows()
    [('positive', ''), ('not_assessable', 'too little volume: 5 ml for 7.5 ml')]
    """
    demand_fit(rule, assay)
    frame = select_tubes(specimens, assay_runs, counts, rule, assay, caller, fulfilled)
    frame = _check_denominators(frame, assay, missing_denominator)
    used = frame["reason"].is_null().to_numpy()
    n = frame["n_cells"].cast(pl.Float64).to_numpy()[used]
    amounts = frame["denominator"].to_numpy()[used]
    call = call_status(n, amounts, rule, on=on, model=model, tolerance=tolerance)
    known = _measurement(population, measurement)
    prior = population.population if isinstance(population, FittedPopulation) else population
    beside = _limits(n, amounts, call, rule, interval, level)
    beside |= _probabilities(n, amounts, call, rule, on, prior, known)
    chosen: dict[str, object] = {
        "model": model or "none", "tolerance": tolerance, "cutoff": rule.cutoff(on).text,
        "caller": caller or "the only one", "fulfilled": tuple(sorted(fulfilled)),
        "interval": interval, "level": level,
    }  # fmt: skip
    return Statuses(
        statuses=_assemble(frame, used, call, beside, rule, interval, prior, known),
        rule=rule.id,
        rule_version=rule.version,
        assay=assay.id,
        per=rate_unit(rule),
        n=frame.height,
        method=f"status by observed count, rule {rule.id}@{rule.version}",
        options=chosen | {"recovery": known.recovery, "blank_rate": known.blank_rate},
    )


def rate_unit(rule: PositivityRule) -> float:
    """Amount that a rule's rates refer to."""
    if rule.scale == "rate_per_ml":
        return 1.0
    if rule.denominator.amount is not None:
        return rule.denominator.amount
    return NUCLEATED_UNIT if rule.denominator.kind == "nucleated_cells" else 1.0


def _measurement(
    population: FittedPopulation | Population | None, measurement: Measurement | None
) -> Measurement:
    """Recovery and blanks: as given, else as fitted, else exact."""
    if measurement is not None:
        return measurement
    if isinstance(population, FittedPopulation):
        return population.measurement
    return Measurement()


def _check_denominators(
    frame: pl.DataFrame, assay: Assay, missing_denominator: str
) -> pl.DataFrame:
    """List every count that lacks what its assay demands, or say it as a reason."""
    lacking = pl.col("reason").is_null() & pl.col("denominator").is_null()
    missing = frame.filter(lacking)
    if missing.height and missing_denominator == "error":
        raise InputError(
            [
                Problem(
                    "counts", None, assay.denominator,
                    f"nothing for patient {patient}, time point {timepoint}",
                    f"an amount > 0: assay {assay.id} demands {assay.denominator}",
                    "give the analysed amount of every tube",
                )
                for patient, timepoint in missing.select("patient_id", "timepoint").iter_rows()
            ]
        )  # fmt: skip
    return frame.with_columns(
        pl.when(lacking)
        .then(pl.lit(f"no {assay.denominator} given"))
        .otherwise(pl.col("reason"))
        .alias("reason")
    )


def _limits(
    n: NDArray[np.float64],
    amounts: NDArray[np.float64],
    call: Call,
    rule: PositivityRule,
    interval: CountInterval,
    level: float,
) -> dict[str, NDArray[np.float64]]:
    """Rates with limits; NaN where the status cannot be assessed."""
    limits = poisson_interval(n, amounts, method=interval, level=level, per=rate_unit(rule))
    hidden = call.status == "not_assessable"
    values = {"rate": limits.estimate, "rate_lower": limits.lower, "rate_upper": limits.upper}
    return {name: np.where(hidden, np.nan, value) for name, value in values.items()}


def _probabilities(
    n: NDArray[np.float64],
    amounts: NDArray[np.float64],
    call: Call,
    rule: PositivityRule,
    on: date | None,
    prior: Population | None,
    known: Measurement,
) -> dict[str, NDArray[np.float64]]:
    """Agreement of a second tube, and of the true concentration with the cut-off; NaN without."""
    agreement, reached = np.full(n.shape, np.nan), np.full(n.shape, np.nan)
    shown = call.status != "not_assessable"
    if prior is None or not shown.any():
        return {"agreement_probability": agreement, "prob_at_least_cutoff": reached}
    cells, amount, cut = n[shown], amounts[shown], call.minimum_count[shown]
    second = amount if rule.scale == "rate_per_ml" else rule.denominator.amount or amount
    agreement[shown] = agreement_probability(
        cells, amount, cut, prior,
        measurement=known, positive=call.status[shown] == "positive", second=second,
    )  # fmt: skip
    cutoff = rule.cutoff(on)
    if rule.scale == "rate_per_ml":
        threshold = np.full(cells.shape, float(cutoff.at_least or cutoff.more_than or 0.0))
    else:
        threshold = cut / second
    above = concentration_probability(cells, amount, threshold, prior, measurement=known)
    reached[shown] = np.where(cut > 1, above, np.nan)
    return {"agreement_probability": agreement, "prob_at_least_cutoff": reached}


def _assemble(
    frame: pl.DataFrame,
    used: NDArray[np.bool_],
    call: Call,
    beside: dict[str, NDArray[np.float64]],
    rule: PositivityRule,
    interval: CountInterval,
    prior: Population | None,
    known: Measurement,
) -> pl.DataFrame:
    """Bring everything into the columns of `statuses`."""
    texts = {"status": call.status, "level": call.level, "call_reason": call.reason}
    rows = np.cumsum(used) - 1
    spread = {k: [v[r] if u else None for r, u in zip(rows, used, strict=True)]
              for k, v in texts.items()}  # fmt: skip
    numbers = {k: np.full(used.shape, np.nan) for k in beside}
    for name, values in beside.items():
        numbers[name][used] = values
    return frame.with_columns(
        *(pl.Series(k, v, dtype=pl.String) for k, v in spread.items()),
        *(pl.Series(k, v).fill_nan(None) for k, v in numbers.items()),
    ).select(
        "patient_id",
        "timepoint",
        pl.lit(rule.id).alias("rule"),
        pl.lit(rule.version, dtype=pl.Int64).alias("rule_version"),
        pl.col("specimen_day").cast(pl.Int64),
        pl.col("status").fill_null("not_assessable"),
        "level",
        pl.coalesce("reason", "call_reason").alias("reason"),
        pl.col("n_cells").cast(pl.Int64),
        pl.lit(rule.denominator.kind).alias("denominator_kind"),
        "denominator",
        "rate",
        "rate_lower",
        "rate_upper",
        pl.lit(interval).alias("interval_method"),
        pl.lit(_prior_name(prior, known)).alias("prior"),
        "agreement_probability",
        "prob_at_least_cutoff",
    )


def _prior_name(prior: Population | None, known: Measurement) -> str:
    """Name the prior with its parameters."""
    if prior is None:
        return "none"
    return f"{prior.describe()}; recovery={known.recovery:g}; blank_rate={known.blank_rate:g}"
