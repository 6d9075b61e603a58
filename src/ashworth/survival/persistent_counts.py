"""Whether those high at the first draw are still high at the second, and what follows (S0500)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.special import betaincinv

from ashworth.errors import EstimationError, MonotoneLikelihoodWarning
from ashworth.survival.curves.curve import INTERVALS
from ashworth.survival.curves.kaplan_meier_curves import KaplanMeier, kaplan_meier
from ashworth.survival.curves.log_rank_test import log_rank
from ashworth.survival.inputs import (
    Booleans,
    Faults,
    Floats,
    Integers,
    check_level,
    check_number,
    check_option,
    labels,
    numbers,
)
from ashworth.survival.proportional_hazards.model import cox
from ashworth.survival.proportional_hazards.result import CoxResult
from ashworth.survival.results import TestResult
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

Ci = Literal["plain", "log", "log-log", "logit", "arcsin"]
CLEARED, PERSISTENT = "cleared", "persistent"


@dataclass(frozen=True, slots=True)
class Persistence:
    """Persistence of a high count, and the outcome from the second draw on.

    Attributes
    ----------
    flow : tuple of (str, str, int)
        role (``step`` or ``out``), what, n: from all patients to those compared.
    n_high : int
        High at the first draw.
    n_assessed, n_persistent : int
        Of these, with an assessable second draw, and still high at it.
    proportion, lower, upper : float
        Share still high with exact limits; NaN if nobody was assessed.
    curves : KaplanMeier or None
        From the second draw on, by ``cleared`` and ``persistent``; None if nobody is at risk.
    log_rank_test : TestResult or None
        None where there is nothing to compare; `problem` says why.
    hazard_ratio : CoxResult or None
        Persistent against cleared.
    problem : str
        Why there is no comparison, or what to beware of; else ``""``.
    n, events : int
        Patients at risk after the second draw, and events among them.
    level : float
    method : str
    options : mapping
    version : str
    """

    flow: tuple[tuple[str, str, int], ...]
    n_high: int
    n_assessed: int
    n_persistent: int
    proportion: float
    lower: float
    upper: float
    curves: KaplanMeier | None
    log_rank_test: TestResult | None
    hazard_ratio: CoxResult | None
    problem: str
    n: int
    events: int
    level: float
    method: str
    options: Mapping[str, Any]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """One row per group: n, events, median with limits; the comparison on the second row."""
        import polars as pl

        groups = {} if self.curves is None else self.curves.groups
        rows: list[dict[str, Any]] = []
        for name, curve in groups.items():
            low, high = curve.median_limits
            rows.append(
                {
                    "group": str(name), "n": int(curve.n), "events": int(curve.events),
                    "median": curve.median, "median_lower": low, "median_upper": high,
                    **_compared(self, str(name)),
                }
            )  # fmt: skip
        return pl.DataFrame(rows, infer_schema_length=None)

    def flow_table(self) -> pl.DataFrame:
        """Everybody, and who is left out at each step."""
        import polars as pl

        return pl.DataFrame(self.flow, schema=["role", "what", "n"], orient="row")


def _compared(result: Persistence, group: str) -> dict[str, float | None]:
    keys = ("hazard_ratio", "lower", "upper", "p_value")
    fit = result.hazard_ratio
    if fit is None or group != PERSISTENT:
        return dict.fromkeys(keys)
    row = fit.table(result.level).row(0, named=True)
    return {k: row[k] for k in keys}


@dataclass(frozen=True, slots=True)
class _Patients:
    """Checked columns; NaN where a status or a draw is missing."""

    before: Floats
    after: Floats
    draw: Floats
    exit: Floats
    event: Booleans
    strata: Integers | None


def persistence(
    baseline_high: Any,
    follow_up_high: Any,
    draw_day: Any,
    exit_day: Any,
    event: Any,
    *,
    draw_by: float | None = None,
    strata: Any = None,
    ci: Ci = "log-log",
    ties: Literal["efron", "breslow"] = "efron",
    level: float = 0.95,
) -> Persistence:
    """Follow those with a high first count: how many stay high, and how they fare.

    Use it for SWOG S0500's question. The clock of the outcome starts on the day of the second
    draw, for persistence is known only then; whoever died before it is counted, not compared.

    Parameters
    ----------
    baseline_high, follow_up_high : array-like of bool or 0/1, shape (n,)
        Status at the first and the second draw; missing where not assessable or not drawn.
    draw_day : array-like, shape (n,)
        Day of the second draw; missing where there was none.
    exit_day : array-like, shape (n,)
        Day of event or censoring, on the same clock.
    event : array-like of bool or 0/1, shape (n,)
        1 event at `exit_day`.
    draw_by : float, optional
        Last day on which a second draw would have counted; the latest second draw by default. It
        sorts those without a draw into "event before" and "still under observation".
    strata : array-like, shape (n,), optional
        Strata of the log-rank test and the Cox model.
    ci : {"plain", "log", "log-log", "logit", "arcsin"}
        Limits of the curves and medians.
    ties : {"efron", "breslow"}
        Of the Cox model.
    level : float
        Of all limits.

    Returns
    -------
    Persistence
        ``.table()`` by group, ``.flow_table()`` everybody.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        If nobody was high at the first draw.

    Notes
    -----
    Limits of the proportion are Clopper and Pearson's. Those at risk have ``exit_day > draw_day``:
    an event on the day of the draw is not after it. Persistence is a comparison of patients who
    were drawn twice, not of treatments; S0500 found a change of chemotherapy of no use to the
    persistent.

    References
    ----------
    .. [1] Smerage JB et al. (2014). Circulating tumor cells and response to chemotherapy in
       metastatic breast cancer: SWOG S0500. J Clin Oncol 32:3483-3489.
    .. [2] Anderson JR, Cain KC, Gelber RD (1983). Analysis of survival by tumor response. J Clin
       Oncol 1:710-719.

    Examples
    --------
    >>> found = persistence([1, 1, 1, 1, 0, 1], [1, 0, 1, 0, 0, None], [21, 22, 25, 21, 21, None],
    ...     [90, 400, 150, 380, 600, 15], [1, 1, 1, 0, 0, 1])
    >>> found.n_persistent, found.n_assessed, found.n_high
    (2, 4, 5)
    >>> [f"{what}: {n}" for role, what, n in found.flow if role == "out"]
    ['low at the first draw: 1', 'event before a second draw: 1']
    """
    check_option(ci, "ci", INTERVALS)
    check_option(ties, "ties", ("efron", "breslow"))
    check_level(level)
    everybody = _read(baseline_high, follow_up_high, draw_day, exit_day, event, strata)
    high = everybody.before == 1.0
    if not high.any():
        raise EstimationError(
            f"persistence: none of {high.size} patients was high at the first draw"
        )
    if draw_by is None:
        drawn = everybody.draw[high & ~np.isnan(everybody.draw)]
        draw_by = float(drawn.max(initial=0.0))
    check_number(draw_by, "draw_by", "a day")
    flow, assessed, at_risk = _flow(everybody, draw_by)
    k, n = int((everybody.after[assessed] == 1.0).sum()), int(assessed.sum())
    curves, test, fit, problem = _outcome(everybody, at_risk, ci, ties, level)
    options = {"ci": ci, "ties": ties, "draw_by": draw_by, "strata": strata is not None}
    return Persistence(
        flow, int(high.sum()), n, k, k / n if n else float("nan"), *_exact(k, n, level), curves,
        test, fit, problem, int(at_risk.sum()), int(everybody.event[at_risk].sum()), level,
        f"landmark at the second draw; log-rank test; Cox model, {ties.capitalize()} ties", options,
    )  # fmt: skip


def _read(
    baseline_high: Any, follow_up_high: Any, draw_day: Any, exit_day: Any, event: Any, strata: Any
) -> _Patients:
    """Check everything together."""
    faults = Faults("persistence")
    before, after, draw, exit_, seen = (
        numbers(v, name, faults)
        for v, name in (
            (baseline_high, "baseline_high"), (follow_up_high, "follow_up_high"),
            (draw_day, "draw_day"), (exit_day, "exit_day"), (event, "event"),
        )
    )  # fmt: skip
    for values, name in ((before, "baseline_high"), (after, "follow_up_high")):
        bad = ~np.isnan(values) & (values != 0.0) & (values != 1.0)
        remedy = "code 1 high, 0 low, missing where not assessable"
        faults.rows(bad, name, "values other than 0 and 1", "0, 1 or missing", remedy)
    codes = None if strata is None else labels(strata, "strata", faults)[1]
    columns = {
        "follow_up_high": after, "draw_day": draw, "exit_day": exit_, "event": seen,
        "strata": codes,
    }  # fmt: skip
    wrong = {k: v.size for k, v in columns.items() if v is not None and v.size != before.size}
    for name, size in wrong.items():
        allowed = f"{before.size}, as many as baseline_high"
        faults.note(name, f"{size} values", allowed, "align the columns")
    if wrong:
        faults.stop()
    remedy = "every patient needs a last day; code 1 event, 0 censored"
    faults.rows(~np.isfinite(exit_), "exit_day", "missing values", "finite numbers", remedy)
    bad = (seen != 0.0) & (seen != 1.0)
    faults.rows(bad, "event", "values other than 0 and 1", "0, 1, False or True", remedy)
    faults.rows(np.isinf(draw), "draw_day", "infinite values", "days or missing", remedy)
    undated = ~np.isnan(after) & np.isnan(draw)
    remedy = "give the day of the second draw; the clock starts there"
    faults.rows(undated, "draw_day", "a status without a day", "the day of the draw", remedy)
    faults.stop()
    return _Patients(before, after, draw, exit_, seen == 1.0, codes)


def _flow(
    p: _Patients, draw_by: float
) -> tuple[tuple[tuple[str, str, int], ...], Booleans, Booleans]:
    """Steps and exclusions; who was assessed twice, and who of them is at risk."""
    high, drawn = p.before == 1.0, ~np.isnan(p.draw)
    early = high & ~drawn & (p.exit <= draw_by)
    assessed = high & drawn & ~np.isnan(p.after)
    at_risk = assessed & (p.exit > p.draw)
    gone = assessed & ~at_risk
    counts = (
        ("step", "patients", np.ones(high.size, dtype=bool)),
        ("out", "first draw not assessable", np.isnan(p.before)),
        ("out", "low at the first draw", p.before == 0.0),
        ("step", "high at the first draw", high),
        ("out", "event before a second draw", early & p.event),
        ("out", "follow-up ended before a second draw", early & ~p.event),
        ("out", "under observation, but no second draw", high & ~drawn & ~early),
        ("out", "second draw not assessable", high & drawn & np.isnan(p.after)),
        ("step", "second draw assessed", assessed),
        ("out", "event on or before the day of the second draw", gone & p.event),
        ("out", "follow-up ended on or before the day of the second draw", gone & ~p.event),
        ("step", "at risk after the second draw", at_risk),
    )
    flow = tuple((role, what, int(here.sum())) for role, what, here in counts)
    kept = tuple(f for f in flow if f[0] == "step" or f[2])
    return kept, assessed, at_risk


def _exact(k: int, n: int, level: float) -> tuple[float, float]:
    """Clopper and Pearson's limits of a proportion."""
    if not n:
        return float("nan"), float("nan")
    tail = (1.0 - level) / 2.0
    low = float(betaincinv(k, n - k + 1.0, tail)) if k else 0.0
    high = float(betaincinv(k + 1.0, n - k, 1.0 - tail)) if k < n else 1.0
    return low, high


def _outcome(
    p: _Patients, at_risk: Booleans, ci: Ci, ties: Literal["efron", "breslow"], level: float
) -> tuple[KaplanMeier | None, TestResult | None, CoxResult | None, str]:
    """Curves and comparison from the second draw on."""
    if not at_risk.any():
        return None, None, None, "nobody is at risk after the second draw"
    time, event = (p.exit - p.draw)[at_risk], p.event[at_risk]
    high = p.after[at_risk]
    group = np.where(high == 1.0, PERSISTENT, CLEARED)
    curves = kaplan_meier(time, event, group=group, ci=ci, level=level)
    if np.unique(high).size < 2:
        return curves, None, None, f"all of {high.size} are {group[0]}; nothing to compare"
    if not event.any():
        return curves, None, None, f"no events among {high.size} patients; nothing to compare"
    strata = None if p.strata is None else p.strata[at_risk]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", MonotoneLikelihoodWarning)
        fit = cox(time, event, high, names=[PERSISTENT], strata=strata, ties=ties)
    problem = "; ".join(str(w.message) for w in caught)
    return curves, log_rank(time, event, group, strata=strata), fit, problem
