"""Forests of the evidence: what `pool_effects`, `pool` and `subgroups` answered."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from ashworth.errors import EstimationError
from ashworth.evidence.pooling.guarded import PooledEffects
from ashworth.evidence.pooling.moderators import Subgroups
from ashworth.evidence.pooling.result import Pooled
from ashworth.figures import Figure, meta_forest_figure
from ashworth.reports.numbers import number, p_words

_COLUMNS = {
    "outcome": "Outcome", "setting": "Setting", "specimen": "Specimen", "cutoff": "Cut-off",
    "timepoint": "Time point", "adjustment": "Adjustment", "n": "n",
}  # fmt: skip
_MOST_COLUMNS = 3
_AUTHOR_YEAR = re.compile(r"([a-z]+)(\d{4})")
Record = dict[str, Any]


def study_name(study: str) -> str:
    """Name of a study in a figure: author and year where its id is made of them.

    Examples
    --------
    >>> study_name("janni2016"), study_name("success-a-late")
    ('Janni 2016', 'success-a-late')
    """
    found = _AUTHOR_YEAR.fullmatch(study)
    return f"{found[1].capitalize()} {found[2]}" if found else study


def effects_forest(
    found: PooledEffects,
    *,
    name: str,
    title: str,
    columns: Mapping[str, str] | None = None,
    estimate_title: str = "Hazard ratio",
    favours: tuple[str, str] | None = None,
    simulated: bool = False,
) -> Figure:
    """Forest of what `pool_effects` answered: pooled, or a display with the reason.

    Studies show the limits that their documents print, at the documents' level.

    Parameters
    ----------
    found : PooledEffects
        Effects, pooled or not.
    name, title : str
        Name and title of the figure.
    columns : mapping of str to str, optional
        Columns of `found.table()` to print, with headings; by default up to three whose values
        differ, such as cut-off and adjustment. What is the same in all rows stands at the foot.
    estimate_title : str
        Title of the axis.
    favours : (str, str), optional
        Words left and right of no effect.
    simulated : bool
        Print "Simulated data".

    Returns
    -------
    Figure
        What was allowed by name, what limits the answer and what was left out stand at its foot.
    """
    table = found.table()
    chosen = dict(columns) if columns is not None else _differing(table)
    ratio = found.scale == "ratio"
    pairs = zip(_names(found.rows), table.to_dicts(), strict=True)
    rows = [_study(label, row) for label, row in pairs]
    rows += [_row("study", n, reason=why) for n, why in found.left_out]
    if found.pooled is not None:
        rows += list(_whole(found.pooled, ratio=ratio))
    level = f"{100 * found.options['level']:g}% CI"
    frame = _frame(rows, chosen)
    return meta_forest_figure(
        frame, name=name, title=title, columns=chosen, scale="ratio" if ratio else "difference",
        estimate_title=estimate_title, estimate_heading=f"{short_name(estimate_title)} ({level})",
        favours=favours, notes=[_shared(table), *_notes(found)], simulated=simulated,
    )  # fmt: skip


def pooled_forest(
    pooled: Pooled,
    *,
    name: str,
    title: str,
    groups: Sequence[Any] | None = None,
    subgroups: Subgroups | None = None,
    ratio: bool = True,
    estimate_title: str = "Hazard ratio",
    notes: Sequence[str] = (),
    simulated: bool = False,
) -> Figure:
    """Forest of pooled studies, with subgroups, their diamonds and the test of interaction.

    Parameters
    ----------
    pooled : Pooled
        All studies, as `pool` returned them.
    name, title, estimate_title : str
        Name, title, title of the axis.
    groups : sequence, optional
        Group of each study, in order; needs `subgroups`.
    subgroups : Subgroups, optional
        What `subgroups` returned for the same studies and groups.
    ratio : bool
        The estimates are logarithms of ratios.
    notes : sequence of str
        Small lines at the foot.
    simulated : bool
        Print "Simulated data".

    Returns
    -------
    Figure

    Raises
    ------
    EstimationError
        If groups and subgroups do not belong together.
    """
    studies = [_pooled_study(row, ratio) for row in pooled.table().to_dicts()]
    rows = studies if subgroups is None else list(_grouped(studies, groups, subgroups, ratio))
    rows = [*rows, *_whole(pooled, ratio=ratio)]
    if subgroups is not None:
        words = f"Test of interaction between the subgroups: {p_words(subgroups.p_value)}"
        rows.append(_row("note", words))
    level = f"{100 * pooled.options['level']:g}% CI"
    return meta_forest_figure(
        _frame(rows, {}), name=name, title=title, scale="ratio" if ratio else "difference",
        estimate_title=estimate_title, estimate_heading=f"{short_name(estimate_title)} ({level})",
        notes=notes, simulated=simulated,
    )  # fmt: skip


def _grouped(
    studies: Sequence[Record], groups: Sequence[Any] | None, found: Subgroups, ratio: bool
) -> Iterator[Record]:
    """Heading, studies and diamond of each subgroup."""
    given = [str(g) for g in groups or ()]
    if len(given) != len(studies) or set(given) != {str(g) for g in found.groups}:
        raise EstimationError(
            f"{len(given)} groups for {len(studies)} studies, or other groups than those of the "
            "test; give the groups that `subgroups` was given, one for each study"
        )
    for row in found.table().to_dicts():
        yield _row("heading", row["group"])
        yield from (s for s, g in zip(studies, given, strict=True) if g == row["group"])
        if row["k"] > 1:
            yield _row("subtotal", f"{row['k']} studies", *natural(row, ratio))


def heterogeneity_line(pooled: Pooled) -> str:
    """Say tau2, I2 and Q in one line, each named by where it comes from."""
    h = pooled.heterogeneity
    q = f"Q = {number(h.q, 1)} with {h.df} df, {p_words(h.p_value)}"
    if math.isnan(h.i2_from_tau2_percent):
        low, high = h.i2_from_q_limits
        return f"I² from Q {h.i2_from_q_percent:.0f}% ({low:.0f}–{high:.0f}), {q}"
    low, high = h.i2_from_tau2_limits
    return (
        f"τ² {number(h.tau2, 3)} ({number(h.lower, 3)}–{number(h.upper, 3)}), I² from τ² "
        f"{h.i2_from_tau2_percent:.0f}% ({low:.0f}–{high:.0f}), {q}"
    )


def _row(
    role: str, label: str, estimate: float | None = None, lower: float | None = None,
    upper: float | None = None, weight: float | None = None, reason: str = "",
) -> Record:  # fmt: skip
    return {"role": role, "label": label, "estimate": estimate, "lower": lower, "upper": upper,
            "weight_percent": weight, "reason": reason}  # fmt: skip


def natural(row: Mapping[str, float], ratio: bool) -> tuple[float, float, float]:
    """Estimate and limits on the scale that is printed."""
    values = (row["estimate"], row["lower"], row["upper"])
    low, middle, high = (math.exp(v) if ratio else v for v in (values[1], values[0], values[2]))
    return middle, low, high


def _pooled_study(row: Record, ratio: bool) -> Record:
    return _row("study", row["study"], *natural(row, ratio), row["weight_percent"])


def _names(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the rows; the statistic too where a study has several."""
    studies = [str(row["study"]) for row in rows]
    return [
        f"{study_name(s)}, {row['statistic']}"
        if studies.count(s) > 1 and row.get("statistic")
        else study_name(s)
        for s, row in zip(studies, rows, strict=True)
    ]


def _study(name: str, row: Record) -> Record:
    made = _row("study", name, row["effect"], row["lower"], row["upper"], row["weight_percent"])
    return made | {c: _cell(v) for c, v in row.items() if c not in made}


def _whole(pooled: Pooled, *, ratio: bool) -> Iterator[Record]:
    """Diamond, prediction interval and heterogeneity of the whole."""
    ends = {"estimate": pooled.estimate, "lower": pooled.lower, "upper": pooled.upper}
    yield _row("pooled", model_label(pooled), *natural(ends, ratio), 100.0)
    p = pooled.prediction
    rule = p.rule.replace("-", " \u2212 ")
    label = f"Prediction interval, df {rule}"
    if p.reason:
        yield _row("prediction", label, reason=p.reason)
    else:
        between = {"estimate": pooled.estimate, "lower": p.lower, "upper": p.upper}
        yield _row("prediction", label, *natural(between, ratio))
    yield _row("note", heterogeneity_line(pooled))


def model_label(pooled: Pooled) -> str:
    """Name of the model as a label."""
    return pooled.method[:1].upper() + pooled.method[1:]


def _differing(table: pl.DataFrame) -> dict[str, str]:
    """Columns whose values differ over the rows, at most three."""
    known = {c: h for c, h in _COLUMNS.items() if c in table.columns and table[c].n_unique() > 1}
    return dict(list(known.items())[:_MOST_COLUMNS])


def _shared(table: pl.DataFrame) -> str:
    """What all rows have in common, in words."""
    same = [
        _cell(table[c][0]).upper() if c == "outcome" else _cell(table[c][0])
        for c in _COLUMNS
        if c != "n" and c in table.columns and table[c].n_unique() == 1
        and table[c][0] not in (None, "", "unknown")
    ]  # fmt: skip
    return f"In all rows: {', '.join(same)}." if same and table.height > 1 else ""


def _cell(value: Any) -> Any:
    """Words of a record as they are printed."""
    if not isinstance(value, str):
        return value
    return value.replace("_", " ").replace(">= ", "\u2265 ").replace("<= ", "\u2264 ")


def _frame(rows: Sequence[Record], columns: Mapping[str, str]) -> pl.DataFrame:
    """Rows as a table in which every column of text is there."""
    kinds = dict.fromkeys(("estimate", "lower", "upper", "weight_percent"), pl.Float64)
    full = [{**dict.fromkeys(columns), **row} for row in rows]
    return pl.DataFrame(full, schema_overrides=kinds, infer_schema_length=None)


def short_name(title: str) -> str:
    """Shorten the title of an axis to what papers head a column with."""
    known = {"hazard ratio": "HR", "pooled hazard ratio": "HR", "odds ratio": "OR",
             "risk ratio": "RR", "risk difference": "RD"}  # fmt: skip
    return known.get(title.lower(), title)


def _notes(found: PooledEffects) -> list[str]:
    """What was allowed, why there is no pooled number, what limits the answer."""
    notes = [f"No pooled number: {found.reason}."] if found.reason else []
    if found.allowed:
        words = [o.found if o.guard == "overlap" else f"mixed {o.guard}" for o in found.allowed]
        notes.append(f"Allowed by name: {'; '.join(words)}.")
    return notes + [m[:1].upper() + m[1:] + "." for m in found.messages]
