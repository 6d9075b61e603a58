"""Two stages: a Cox model in every centre, then random effects over the centres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ashworth.errors import EstimationError
from ashworth.evidence.individual_data.centres import CentreFit, fit_centres, ratios, read_centres
from ashworth.evidence.pooling.model import METHODS, TESTS, DfRule, Method, Test, pool
from ashworth.evidence.pooling.result import Pooled
from ashworth.survival.inputs import check_level, check_number, check_option
from ashworth.survival.results import normal_quantile
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class TwoStage:
    """Coefficients of p covariates, pooled over centres.

    Attributes
    ----------
    names : tuple of str
        Covariates.
    pooled : mapping of str to Pooled
        By covariate; those that fewer than two centres estimate are absent.
    not_pooled : mapping of str to str
        Covariates without a pooled estimate, and why.
    centres : tuple of CentreFit
        Every centre's own model, with the reason where a coefficient was not used.
    n, events : int
        Patients and events of all centres, used or not.
    method : str
        Name of the estimator.
    options : mapping
        What was chosen.
    version : str
        Version of the package.
    """

    names: tuple[str, ...]
    pooled: Mapping[str, Pooled]
    not_pooled: Mapping[str, str]
    centres: tuple[CentreFit, ...]
    n: int
    events: int
    method: str
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row per covariate: pooled hazard ratio, limits, heterogeneity, who was used."""
        import polars as pl

        return pl.DataFrame([_row(self, j) for j in range(len(self.names))])

    def centre_table(self) -> pl.DataFrame:
        """One row per covariate and centre: its own hazard ratio, weight, or why it has none."""
        import polars as pl

        rows = [_centre_row(self, j, fit) for j in range(len(self.names)) for fit in self.centres]
        return pl.DataFrame(rows, infer_schema_length=None)

    def left_out(self) -> pl.DataFrame:
        """The rows of `centre_table` that were not used: term, centre, n, events, reason."""
        table = self.centre_table()
        return table.filter(~table["used"]).select("term", "centre", "n", "events", "reason")


def _ratio(value: float) -> float:
    return float(ratios(np.array(value)))


def _row(result: TwoStage, j: int) -> dict[str, Any]:
    name = result.names[j]
    used = [fit for fit in result.centres if not fit.reasons[j]]
    found = result.pooled.get(name)
    row: dict[str, Any] = {
        "term": name, "k": len(used), "n": sum(f.n for f in used),
        "events": sum(f.events for f in used),
    }  # fmt: skip
    numbers = [np.nan] * 5 if found is None else [
        found.estimate, found.standard_error, found.lower, found.upper, found.p_value,
    ]  # fmt: skip
    extra = [np.nan] * 6 if found is None else [
        found.tau2, found.heterogeneity.lower, found.heterogeneity.upper,
        found.heterogeneity.i2_from_tau2_percent, found.prediction.lower, found.prediction.upper,
    ]  # fmt: skip
    return row | {
        "coefficient": numbers[0],
        "standard_error": numbers[1],
        "hazard_ratio": _ratio(numbers[0]),
        "lower": _ratio(numbers[2]),
        "upper": _ratio(numbers[3]),
        "p_value": numbers[4],
        "tau2": extra[0],
        "tau2_lower": extra[1],
        "tau2_upper": extra[2],
        "i2_from_tau2_percent": extra[3],
        "prediction_lower": _ratio(extra[4]),
        "prediction_upper": _ratio(extra[5]),
        "reason": result.not_pooled.get(name, ""),
    }


def _centre_row(result: TwoStage, j: int, fit: CentreFit) -> dict[str, Any]:
    name = result.names[j]
    found, used = result.pooled.get(name), not fit.reasons[j]
    weight = np.nan
    if used and found is not None:
        weight = float(found.weights_percent[found.studies.index(fit.centre)])
    b, s = float(fit.coefficients[j]), float(fit.standard_errors[j])
    half = normal_quantile(result.options["level"]) * s
    return {
        "term": name, "centre": str(fit.centre), "n": fit.n, "events": fit.events,
        "coefficient": b, "standard_error": s, "hazard_ratio": _ratio(b),
        "lower": _ratio(b - half) if np.isfinite(b) else np.nan,
        "upper": _ratio(b + half) if np.isfinite(b) else np.nan,
        "weight_percent": weight, "used": used, "reason": fit.reasons[j],
    }  # fmt: skip


def pool_term(centres: Sequence[CentreFit], j: int, **options: Any) -> tuple[Pooled | None, str]:
    """Pool one coefficient over the centres that have it, or say why not."""
    used = [fit for fit in centres if not fit.reasons[j]]
    if len(used) < 2:
        return None, f"{len(used)} of {len(centres)} centres have an estimate; two are needed"
    estimates = [float(fit.coefficients[j]) for fit in used]
    errors = [float(fit.standard_errors[j]) for fit in used]
    labels, events = [fit.centre for fit in used], sum(fit.events for fit in used)
    words = {"method": "tau2_method", "test": "ci_method"}
    asked = {words.get(name, name): value for name, value in options.items()}
    return pool(estimates, errors, studies=labels, events=events, **asked), ""


def check_pooling(method: str, test: str, level: float, min_events: int) -> None:
    """Refuse unknown options before the centres are fitted."""
    check_option(method, "method", METHODS)
    check_option(test, "test", TESTS)
    check_level(level)
    if check_number(min_events, "min_events", "a whole number, 1 or more") < 1:
        raise EstimationError(f"min_events is {min_events}; allowed: a whole number, 1 or more")


def two_stage(
    time: Any,
    event: Any,
    covariates: Any,
    centre: Any,
    *,
    names: Sequence[str] | None = None,
    entry: Any = None,
    ties: Literal["efron", "breslow"] = "efron",
    penalty: Literal["none", "firth"] = "none",
    min_events: int = 1,
    method: Method = "REML",
    test: Test = "hksj",
    level: float = 0.95,
    prediction: DfRule = "k-1",
) -> TwoStage:
    """Fit a Cox model in every centre, then pool each coefficient over the centres.

    Use it to see how far an effect differs between centres. With few events per centre the normal
    approximation of a centre's coefficient is poor: compare with `one_stage`.

    Parameters
    ----------
    time, event, covariates, names, entry, ties
        As for `ashworth.survival.cox`.
    centre : array-like, shape (n,)
        Label of each patient's centre; two or more.
    penalty : {"none", "firth"}
        Firth's penalty in each centre's model: centres with an infinite coefficient get a finite
        one and are used.
    min_events : int
        A centre with fewer events is left out, and listed.
    method, test, level, prediction
        As for `pool`.

    Returns
    -------
    TwoStage
        ``.table()`` per covariate, ``.centre_table()`` per covariate and centre, ``.left_out()``.
        A centre is left out for a covariate which it cannot estimate (one value only, collinear,
        infinite coefficient) and kept for the others; without events, or with fewer events than
        covariates (unless penalised), it is left out for all.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        Without events, with one centre, or where no covariate has two centres with an estimate.

    Warns
    -----
    NarrowIntervalWarning
        As for `pool`.

    Notes
    -----
    Centres with an infinite coefficient carry information that two stages cannot use; leaving them
    out biases towards 1 where events are rare. `one_stage` uses them.

    References
    ----------
    .. [1] Riley RD, Tierney JF, Stewart LA, eds. (2021). Individual participant data
       meta-analysis. Wiley, chapters 5 and 6.
    .. [2] Burke DL, Ensor J, Riley RD (2017). Meta-analysis using individual participant data:
       one-stage and two-stage approaches, and why they may differ. Stat Med 36:855-875.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> centre, marker = np.repeat(["A", "B", "C"], 60), np.tile([0, 1], 90)
    >>> time = rng.exponential(100, 180) * np.exp(-0.7 * marker)
    >>> found = two_stage(time, np.ones(180), {"marker": marker}, centre, test="normal")
    >>> found.table().select("term", "k", "n", "events").row(0)
    ('marker', 3, 180, 180)
    """
    check_option(ties, "ties", ("efron", "breslow"))
    check_option(penalty, "penalty", ("none", "firth"))
    check_pooling(method, test, level, min_events)
    data = read_centres("two_stage", time, event, covariates, centre, names=names, entry=entry)
    firth = penalty == "firth"
    fits = fit_centres(data, ties=ties, min_events=int(min_events), firth=firth)
    pooled, not_pooled = {}, {}
    for j, name in enumerate(data.names):
        found, reason = pool_term(
            fits, j, method=method, test=test, level=level, prediction=prediction
        )
        if found is None:
            not_pooled[name] = reason
        else:
            pooled[name] = found
    if not pooled:
        words = "; ".join(f"{name}: {reason}" for name, reason in not_pooled.items())
        raise EstimationError(f"two_stage: nothing can be pooled: {words}")
    options = {
        "ties": ties, "entry": entry is not None, "penalty": penalty,
        "min_events": int(min_events), "method": method, "test": test, "level": level,
        "prediction": prediction,
    }  # fmt: skip
    return TwoStage(
        data.names, pooled, not_pooled, fits, data.time.size, int(data.event.sum()),
        f"two stages: {'Firth' if firth else 'Cox'} model per centre, "
        f"{next(iter(pooled.values())).method}", options, __version__,
    )  # fmt: skip
