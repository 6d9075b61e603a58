"""Cause-specific hazards and Fine-Gray models of every cause, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.competing_risks.codes import check_cause
from ashworth.survival.competing_risks.fine_gray import fine_gray
from ashworth.survival.competing_risks.fine_gray_data import read_fine_gray
from ashworth.survival.competing_risks.fine_gray_result import FineGrayResult
from ashworth.survival.inputs import TIE_TOLERANCE
from ashworth.survival.proportional_hazards.model import cox
from ashworth.survival.proportional_hazards.result import CoxResult
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

TWO_QUESTIONS = (
    "The cause-specific hazard ratio compares the rate of the event among patients who are still "
    "free of every event. The subdistribution hazard ratio compares the cumulative incidence, on "
    "which the other causes act too. They answer different questions and may differ in direction."
)
"""What must be said wherever both kinds of ratio are printed."""


@dataclass(frozen=True, slots=True)
class CauseSpecificResult:
    """Both kinds of model for every cause.

    Attributes
    ----------
    cause_specific : dict
        `CoxResult` by cause: the other causes end the follow-up without an event.
    subdistribution : dict
        `FineGrayResult` by cause.
    note : str
        That the two answer different questions; print it with the table.
    method : str
        Name of the estimators.
    n : int
        Rows.
    events : dict
        Events by cause.
    options : mapping
        What was chosen.
    version : str
        Version of the package.
    """

    cause_specific: dict[int, CoxResult]
    subdistribution: dict[int, FineGrayResult]
    note: str
    method: str
    n: int
    events: dict[int, int]
    options: Mapping[str, Any]
    version: str = __version__

    def table(self, level: float = 0.95) -> pl.DataFrame:
        """One row per cause, model and term, with the ratio, its limits, z and p."""
        import polars as pl

        models: list[tuple[str, int, Any, str]] = []
        for cause in self.events:
            models += [
                ("cause-specific", cause, self.cause_specific[cause], "hazard_ratio"),
                ("subdistribution", cause, self.subdistribution[cause],
                 "subdistribution_hazard_ratio"),
            ]  # fmt: skip
        return pl.concat(
            fit.table(level).select(
                pl.lit(cause).alias("cause"),
                pl.lit(model).alias("model"),
                "term", "n", "events", "coefficient", "standard_error",
                pl.col(ratio).alias("ratio"), "lower", "upper", "z", "p_value",
            )
            for model, cause, fit, ratio in models
        )  # fmt: skip


def cause_specific(
    time: Any,
    event_code: Any,
    covariates: Any,
    *,
    causes: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
    strata: Any = None,
    cluster: Any = None,
    ties: Literal["efron", "breslow"] = "efron",
    tie_tolerance: float = TIE_TOLERANCE,
) -> CauseSpecificResult:
    r"""Fit cause-specific Cox models and Fine-Gray models of every cause.

    Use it where a marker may act on one cause and not on another: a marker of recurrence that does
    nothing to other deaths still changes how many die of them first.

    Parameters
    ----------
    time : array-like, shape (n,)
        End of follow-up, 0 or later.
    event_code : array-like of int, shape (n,)
        0 censored, 1, 2, ... the kind of event.
    covariates : array-like, shape (n, p) or (n,), or a frame or dict of columns
        Numbers without missing values.
    causes : sequence of int, optional
        Codes to model; all that occur by default.
    names : sequence of str, optional
        Names of the covariates.
    strata, cluster : array-like, shape (n,), optional
        As for `cox` and `fine_gray`.
    ties : {"efron", "breslow"}
        Of the cause-specific models; Fine-Gray models have Breslow's.
    tie_tolerance : float
        As for `kaplan_meier`.

    Returns
    -------
    CauseSpecificResult
        Both models by cause, ``.note``, and one ``.table()``.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        If a cause has no events, or a model has no maximum.

    Notes
    -----
    The cause-specific hazard is :math:`\lim P(t \le T < t + h, K = k \mid T \ge t) / h`; Fine and
    Gray's conditions on :math:`T \ge t` or an earlier event of another kind.

    References
    ----------
    .. [1] Latouche A, Allignol A, Beyersmann J, Labopin M, Fine JP (2013). A competing risks
       analysis should report results on all cause-specific hazards and cumulative incidence
       functions. J Clin Epidemiol 66:648-653.

    Examples
    --------
    >>> fit = cause_specific([5, 8, 12, 3, 9, 14, 6, 11], [1, 1, 0, 1, 2, 1, 2, 0],
    ...                      [1, 0, 0, 1, 1, 0, 0, 1], names=["marker"])
    >>> [(r["cause"], r["model"], round(r["ratio"], 2)) for r in fit.table().to_dicts()]
    [(1, 'cause-specific', 2.53), (1, 'subdistribution', 1.8),
     (2, 'cause-specific', 1.41), (2, 'subdistribution', 0.87)]
    """
    data = read_fine_gray(
        "cause_specific", time, event_code, covariates, cause=None, names=names, strata=strata,
        cluster=cluster, censoring_group=None, tie_tolerance=tie_tolerance,
    )  # fmt: skip
    wanted = data.rows.causes if causes is None else tuple(causes)
    if not wanted:
        raise EstimationError("causes is empty; allowed: event codes, or None for all of them")
    for cause in wanted:
        check_cause(cause, data.rows, "cause_specific")
    shared: dict[str, Any] = {
        "names": data.names, "strata": data.stratum, "cluster": data.cluster, "tie_tolerance": 0.0,
    }  # fmt: skip
    t, code, x = data.rows.time, data.rows.code, data.covariates
    hazards = {k: cox(t, code == k, x, ties=ties, **shared) for k in wanted}
    subs = {k: fine_gray(t, code, x, cause=k, **shared) for k in wanted}
    options = {
        "causes": tuple(wanted), "ties": ties, "strata": strata is not None,
        "cluster": cluster is not None, "tie_tolerance": tie_tolerance,
    }  # fmt: skip
    events = {int(k): int(np.count_nonzero(code == k)) for k in wanted}
    return CauseSpecificResult(
        hazards, subs, TWO_QUESTIONS, "cause-specific Cox and Fine-Gray", t.size, events, options
    )
