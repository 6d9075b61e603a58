"""Pool effects of the literature, or say why they must not be pooled."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ashworth.errors import EstimationError
from ashworth.evidence.base.effects import Effects
from ashworth.evidence.pooling.columns import read_estimates
from ashworth.evidence.pooling.effect_rows import missing, on_scale, rows_of, scale_of, usable
from ashworth.evidence.pooling.guards import (
    GUARDS,
    Guard,
    Obstacle,
    components,
    not_stated,
    obstacles,
)
from ashworth.evidence.pooling.model import DfRule, Method, Test
from ashworth.evidence.pooling.result import Pooled
from ashworth.evidence.pooling.sensitivity import pool_quietly
from ashworth.survival.inputs import check_level
from ashworth.survival.results import normal_quantile
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

_FEWEST_COHORTS = 3
_ESTIMATED = ("estimate", "standard_error")
_COPIED = (
    "cohort", "contains", "outcome", "setting", "specimen", "marker", "timepoint", "adjustment",
    "cutoff", "volume_ml", "measure", "n", "events", "document", "origin", "risk_of_bias",
)  # fmt: skip


class NotPoolableError(EstimationError):
    """Effects that must not be pooled unless what speaks against it is allowed by name."""

    def __init__(self, found: Sequence[Obstacle]) -> None:
        self.obstacles = tuple(found)
        lines = "\n".join(f"  {o.guard}: {o.found}" for o in found)
        names = ", ".join(f'"{o.guard}"' for o in found)
        super().__init__(
            f"pool_effects: these effects do not answer one question:\n{lines}\n"
            f"choose a narrower question, or allow each by name: allow=[{names}] "
            f"(the command: {' '.join(f'--allow {o.guard}' for o in found)})"
        )


@dataclass(frozen=True, slots=True)
class PooledEffects:
    """Effects of the literature, pooled or only displayed.

    Attributes
    ----------
    pooled : Pooled or None
        None where `reason` says why there is no pooled number.
    reason : str
        Empty where there is one: "no verified record", too few independent cohorts, ....
    rows : tuple of mapping
        What was pooled or is displayed, with estimate and standard error on the scale of the
        analysis.
    scale : {"ratio", "number"}
        Whether the analysis is on the logarithm.
    allowed : tuple of Obstacle
        What spoke against pooling and was allowed by name; the figure prints it.
    left_out : tuple of (str, str)
        Statistics without a usable estimate, and why.
    messages : tuple of str
        What limits the answer: risk of bias, what cannot be checked, unverified records left out.
    n, n_cohorts : int
        Effects, and independent cohorts; `events` where every row has them.
    method, options, version
    """

    pooled: Pooled | None
    reason: str
    rows: tuple[Mapping[str, Any], ...]
    scale: str
    allowed: tuple[Obstacle, ...]
    left_out: tuple[tuple[str, str], ...]
    messages: tuple[str, ...]
    n: int
    n_cohorts: int
    events: int | None
    method: str
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row per effect, ratios on the natural scale, with weight in percent.

        Limits stand as printed where they are of the level of the analysis, else they follow from
        the standard error.
        """
        import polars as pl

        z = normal_quantile(self.options["level"])
        weights = [None] * self.n if self.pooled is None else self.pooled.weights_percent.tolist()
        out = []
        for row, weight in zip(self.rows, weights, strict=True):
            y, s = row["estimate"], row["standard_error"]
            limits = {"effect": y, "lower": y - z * s, "upper": y + z * s}
            if self.scale == "ratio":
                limits = {name: math.exp(v) for name, v in limits.items()}
            if row.get("level") == self.options["level"] and not missing(row.get("lower")):
                limits |= {"lower": row["lower"], "upper": row["upper"]}
            out.append({"study": row["study"], "statistic": row.get("statistic"), **limits,
                        "standard_error": s, "weight_percent": weight,
                        **{name: row.get(name) for name in _COPIED}})  # fmt: skip
        schema = {"study": pl.String, "statistic": pl.String} | dict.fromkeys(
            ("effect", "lower", "upper", "standard_error", "weight_percent"), pl.Float64
        )
        return pl.DataFrame(out, schema_overrides=schema, infer_schema_length=None)

    def summary(self) -> pl.DataFrame:
        """Pooled effect with limits and prediction interval, on the natural scale; or no rows."""
        import polars as pl

        names = ("effect", "lower", "upper", "p_value", "prediction_lower", "prediction_upper",
                 "tau2", "i2_percent", "q", "k", "cohorts")  # fmt: skip
        p = self.pooled
        if p is None:
            return pl.DataFrame(schema=dict.fromkeys(names, pl.Float64))
        back = math.exp if self.scale == "ratio" else float
        values = (*map(back, (p.estimate, *p.ci)), p.p_value, *map(back, p.prediction_interval),
                  p.tau2, p.i2, p.q, p.n, self.n_cohorts)  # fmt: skip
        return pl.DataFrame([dict(zip(names, values, strict=True))])

    def sentence(self) -> str:
        """Say the answer in words."""
        if self.pooled is None:
            return f"No pooled number: {self.reason}."
        f = self.summary().row(0, named=True)
        percent = f"{100 * self.options['level']:g} %"
        return (
            f"Pooled {f['effect']:.2f} ({percent} CI {f['lower']:.2f} to {f['upper']:.2f}) from "
            f"{self.n} effects of {self.n_cohorts} independent cohorts; {percent} prediction "
            f"interval {f['prediction_lower']:.2f} to {f['prediction_upper']:.2f}; tau2 "
            f"{f['tau2']:.3f}, I2 {f['i2_percent']:.0f} %, Q {f['q']:.1f} ({self.method})."
        )


def _messages(rows: Sequence[Mapping[str, Any]], effects: Any) -> tuple[str, ...]:
    found = []
    judged = sum(not missing(row.get("risk_of_bias")) for row in rows)
    if judged < len(rows):
        found.append(
            f"risk of bias (QUIPS) is not recorded for {len(rows) - judged} of {len(rows)} effects"
        )
    silent = not_stated(rows)
    if silent:
        found.append("not stated by any study, so not checked: " + ", ".join(silent))
    if isinstance(effects, Effects) and effects.unverified_left_out:
        found.append(f"{effects.unverified_left_out} unverified statistics were left out")
    return tuple(found)


def pool_effects(
    effects: Any,
    *,
    allow: Sequence[Guard] = (),
    tau2_method: Method = "REML",
    ci_method: Test = "hksj",
    level: float = 0.95,
    prediction: DfRule = "k-1",
) -> PooledEffects:
    """Pool effects of the literature that answer one question.

    Use it for what `find` gave, or for a table of your own. It refuses what a pooled number would
    hide: patients counted twice, adjusted with unadjusted effects, different cut-offs, volumes,
    time points, endpoints, settings, specimens, markers or measures.

    Parameters
    ----------
    effects : Effects, data frame, mapping of columns, or sequence of mappings
        Columns study, estimate, and either lower, upper and level, or standard_error. Rows with
        ``scale`` "ratio", or with a ratio as ``measure``, are on the natural scale (their standard
        error on the log scale); all others are taken as they are. Columns that the guards read,
        where present: cohort, contains, adjustment, cutoff, volume_ml, timepoint, outcome, setting,
        specimen, marker, measure.
    allow : sequence of str
        What may be mixed: "overlap", "adjustment", "cutoff", "volume", "timepoint", "outcome",
        "setting", "specimen", "marker", "measure". A value that some rows do not state counts as
        different.
    tau2_method, ci_method, level, prediction
        As for `pool`.

    Returns
    -------
    PooledEffects
        Without a pooled number where all records are unverified ("no verified record"), none has
        an estimate with limits, or fewer than three independent cohorts remain: then it is a
        display.

    Raises
    ------
    NotPoolableError
        With everything that was found and not allowed.
    InputError
        Limits swapped, interval without its estimate, scales mixed, with the rows.

    Examples
    --------
    >>> table = [
    ...     {"study": "A", "estimate": 1.8, "lower": 1.4, "upper": 2.3, "level": 0.95},
    ...     {"study": "B", "estimate": 1.3, "lower": 0.9, "upper": 1.9, "level": 0.95},
    ...     {"study": "C", "estimate": 2.2, "lower": 1.2, "upper": 4.0, "level": 0.95},
    ... ]
    >>> found = pool_effects([{**row, "scale": "ratio"} for row in table])
    >>> found.summary().select("effect", "lower", "upper").row(0)[0].__round__(2)
    1.67
    """
    unknown = [str(a) for a in allow if a not in GUARDS]
    if unknown or isinstance(allow, str):
        words = repr(allow) if isinstance(allow, str) else ", ".join(unknown)
        raise EstimationError(f"allow is {words}; allowed: a list of {', '.join(GUARDS)}")
    check_level(level)
    every = rows_of(effects)
    kept, left_out = usable(every)
    scale = scale_of(kept)
    rows = tuple(on_scale(kept, scale))
    read_estimates("pool_effects", *([row[c] for row in rows] for c in _ESTIMATED))
    found = obstacles(rows) if rows else ()
    refused = [o for o in found if o.guard not in allow]
    if refused:
        raise NotPoolableError(refused)
    cohorts = len(components(rows))
    reason = _reason(effects, every, rows, cohorts)
    options = {"tau2_method": tau2_method, "ci_method": ci_method, "level": level,
               "prediction": prediction}  # fmt: skip
    pooled = None
    if not reason:
        names = [f"{row['study']} {i}" for i, row in enumerate(rows, 1)]
        y, s = ([row[c] for row in rows] for c in _ESTIMATED)
        pooled = pool_quietly(y, s, studies=names, **options)
    messages = _messages(rows, effects) if rows else ()
    if pooled is not None and cohorts < len(rows):
        messages += (f"{len(rows)} effects of {cohorts} independent cohorts were weighted as if "
                     "no patient were in two of them: the intervals are too narrow",)  # fmt: skip
    if pooled is not None and ci_method == "hksj" and pooled.narrower_than_fixed_effect:
        messages += ("the HKSJ interval is narrower than the fixed-effect one: report "
                     "ci_method='hksj_conservative'",)  # fmt: skip
    counts = [int(row["events"]) for row in rows if not missing(row.get("events"))]
    events = sum(counts) if rows and len(counts) == len(rows) else None
    return PooledEffects(
        pooled, reason, rows, scale, found, left_out, messages, len(rows), cohorts, events,
        pooled.method if pooled else "display", {**options, "allow": tuple(allow)}, __version__,
    )  # fmt: skip


def _reason(effects: Any, every: Sequence[Any], rows: Sequence[Any], cohorts: int) -> str:
    """Why there is no pooled number; empty where there is one."""
    if not every:
        unverified = isinstance(effects, Effects) and effects.unverified_left_out
        return "no verified record" if unverified else "no record"
    if not rows:
        return f"none of {len(every)} records has an estimate with limits or a standard error"
    if cohorts < _FEWEST_COHORTS:
        return (
            f"{cohorts} independent cohort{'s' if cohorts > 1 else ''}; fewer than "
            f"{_FEWEST_COHORTS} are displayed, not pooled"
        )
    return ""
