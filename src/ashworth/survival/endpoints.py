"""Events of an endpoint from dated facts: first counting fact, competing fact, censoring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from ashworth.definitions.loader import load
from ashworth.definitions.models import DEATH_KINDS, OUTCOME_KINDS, Endpoint
from ashworth.errors import InputError, Problem
from ashworth.survival.frames import columns_of
from ashworth.version import __version__

_RANK = {"event": 0, "competing": 1, "refused": 2, "censoring": 3, "ignored": 4}
_KEYS = {"patient_id": pl.String, "day": pl.Int64, "kind": pl.String}


@dataclass(frozen=True, slots=True)
class DerivedEvents:
    """Events of one endpoint and the fact behind each.

    Attributes
    ----------
    events : polars.DataFrame
        patient_id, endpoint, entry_day, exit_day, event_code (0 censored, 1 event, 2..
        competing); one row per patient at risk, in order of patient_id. Days from the index date.
    derivation : polars.DataFrame
        The same rows with role, kind and day of the fact that decided, and the reason.
    excluded : polars.DataFrame
        Patients who were not at risk after their entry day, with the reason.
    endpoint, method, options, version : str, str, dict, str
        What was derived, how and by which version.
    n, n_events, n_competing, n_censored : int
        Patients at risk, and how their time ended.
    """

    events: pl.DataFrame
    derivation: pl.DataFrame
    excluded: pl.DataFrame
    endpoint: str
    method: str
    n: int
    n_events: int
    n_competing: int
    n_censored: int
    options: dict[str, Any]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """Give the events."""
        return self.events


def derive_events(
    outcomes: Any, endpoint: str | Endpoint, *, patients: Any = None, entry: Any = None
) -> DerivedEvents:
    """Derive the events of an endpoint from the dated facts of each patient.

    The earliest fact that the endpoint counts decides; on the same day an event goes before a
    competing fact, and that before censoring. Without one, the patient is censored where the
    endpoint's follow-up says. A fact after the last contact shows later contact. A missing
    outcome is an error, never an event and never censored at day 0.

    Parameters
    ----------
    outcomes : frame, polars or pandas
        Columns patient_id, day (days from the index date) and kind; one row per fact.
    endpoint : str or Endpoint
        Id of a shipped endpoint such as ``"idfs"``, or a definition.
    patients : frame, optional
        Column patient_id: everyone who must have an outcome. By default, who has a fact.
    entry : frame, optional
        Columns patient_id, entry_day (day 0 by default): when the patient came under
        observation. Patients without an entry day, or whose time ends by then, are excluded
        and listed.

    Returns
    -------
    DerivedEvents

    Raises
    ------
    InputError
        With all problems: unknown kind, missing day, two deaths, a fact after death, a fact
        from which the endpoint cannot be told, follow-up that nothing closes.

    References
    ----------
    Tolaney SM et al. J Clin Oncol 2021;39:2720-2731, for the endpoints with standard STEEP 2.0.

    Examples
    --------
    >>> facts = pl.DataFrame({
    ...     "patient_id": ["a", "a", "b", "c"],
    ...     "day": [400, 700, 900, 300],
    ...     "kind": ["distant_recurrence", "death_breast_cancer", "last_contact",
    ...              "death_other_cause"],
    ... })
    >>> derive_events(facts, "rfi").events.select("patient_id", "exit_day", "event_code").rows()
    [('a', 400, 1), ('b', 900, 0), ('c', 300, 2)]
    """
    definition = load("endpoint", endpoint) if isinstance(endpoint, str) else endpoint
    facts = _facts(outcomes)
    everyone = _everyone(facts, patients)
    roles = _roles(definition)
    decided = _first_deciding(facts.join(roles, on="kind", how="left"))
    closed = _last_follow_up(facts, definition)
    ends = _ends(everyone, decided, closed)
    _refuse(_open_ended(ends, definition))
    return _result(_with_entry(ends, entry), definition, given_entry=entry is not None)


def _facts(outcomes: Any) -> pl.DataFrame:
    """Take the columns that matter and refuse facts that no endpoint could use."""
    table = columns_of(outcomes, tuple(_KEYS), "outcomes")
    facts = table.select([pl.col(name).cast(dtype) for name, dtype in _KEYS.items()])
    _refuse([*_bad_cells(facts), *_after_death(facts)])
    return facts


def _refuse(problems: Any) -> None:
    found = list(problems)
    if found:
        raise InputError(found, subject="the outcomes")


def _bad_cells(facts: pl.DataFrame) -> list[Problem]:
    """Find missing keys and days, and kinds outside the list."""
    problems = [
        Problem("outcomes", None, c, f"{count} empty cells", "a value in every row", f"give '{c}'")
        for c in _KEYS
        if (count := facts[c].null_count())
    ]
    unknown = facts.filter(~pl.col("kind").is_in(OUTCOME_KINDS))["kind"].unique().sort()
    allowed = ", ".join(OUTCOME_KINDS)
    return problems + [
        Problem("outcomes", None, "kind", f"'{k}'", allowed, "use one of these kinds")
        for k in unknown
    ]


def _after_death(facts: pl.DataFrame) -> list[Problem]:
    """Find patients who die twice, and facts after a death."""
    is_death = pl.col("kind").is_in(DEATH_KINDS)
    deaths = facts.filter(is_death).unique()
    died = deaths.group_by("patient_id").agg(pl.col("day").min().alias("death"), pl.len())
    twice = died.filter(pl.col("len") > 1).sort("patient_id")["patient_id"]
    late = facts.filter(~is_death).join(died, on="patient_id", how="inner")
    late = late.filter(pl.col("day") > pl.col("death")).sort("patient_id", "day", "kind")
    return [
        Problem(
            "outcomes", None, "kind", f"patient {p} with more than one death",
            "one death per patient", "keep the right one",
        )
        for p in twice
    ] + [
        Problem(
            "outcomes", None, "day", f"patient {p}: {kind} on day {day}, death on day {death}",
            "no fact after death", "correct one of the two days",
        )
        for p, day, kind, death, _ in late.iter_rows()
    ]  # fmt: skip


def _everyone(facts: pl.DataFrame, patients: Any) -> pl.DataFrame:
    """List who must have an outcome; facts about others are refused."""
    seen = facts.select(pl.col("patient_id").unique().sort())
    if patients is None:
        return seen
    table = columns_of(patients, ("patient_id",), "patients")
    everyone = table.select(pl.col("patient_id").cast(pl.String).unique().sort())
    strangers = seen.join(everyone, on="patient_id", how="anti").sort("patient_id")
    _refuse(
        Problem(
            "outcomes", None, "patient_id", f"'{p}'", "a patient of the table patients",
            "add the patient or remove the fact",
        )
        for p in strangers["patient_id"]
    )  # fmt: skip
    return everyone


def _roles(endpoint: Endpoint) -> pl.DataFrame:
    """Lay the endpoint's table out as columns: kind, role, rank, event_code, reason."""
    rows = [(k, c.role, c.code, c.reason) for k, c in endpoint.outcomes.items()]
    table = pl.DataFrame(rows, schema=["kind", "role", "code", "reason"], orient="row")
    code = pl.when(pl.col("role") == "event").then(1).otherwise(pl.col("code").fill_null(0))
    return table.select(
        "kind",
        "role",
        "reason",
        code.cast(pl.Int64).alias("event_code"),
        pl.col("role").replace_strict(_RANK, return_dtype=pl.Int64).alias("rank"),
    )


def _first_deciding(facts: pl.DataFrame) -> pl.DataFrame:
    """Keep each patient's earliest fact that is not ignored; ties by role, then by kind."""
    return (
        facts.filter(pl.col("role") != "ignored")
        .sort("patient_id", "day", "rank", "kind")
        .unique("patient_id", keep="first", maintain_order=True)
    )


def _last_follow_up(facts: pl.DataFrame, endpoint: Endpoint) -> pl.DataFrame:
    """Give the day on which follow-up closes: preferred kind first, then later facts."""
    rule = endpoint.follow_up
    order = {kind: i for i, kind in enumerate(rule.closes)}
    closing = (
        facts.filter(pl.col("kind").is_in(rule.closes))
        .with_columns(
            pl.col("kind").replace_strict(order, return_dtype=pl.Int64).alias("preference")
        )
        .sort("patient_id", "preference", "day", descending=[False, False, True])
        .unique("patient_id", keep="first", maintain_order=True)
    )
    later = facts.filter(pl.col("kind").is_in(rule.extended_by)).join(
        closing.select("patient_id"), on="patient_id", how="semi"
    )
    return (
        pl.concat([closing, later.with_columns(pl.lit(99).cast(pl.Int64).alias("preference"))])
        .sort("patient_id", "day", "preference", "kind", descending=[False, True, False, False])
        .unique("patient_id", keep="first", maintain_order=True)
        .select("patient_id", pl.col("day").alias("last_day"), pl.col("kind").alias("last_kind"))
    )


def _ends(everyone: pl.DataFrame, decided: pl.DataFrame, closed: pl.DataFrame) -> pl.DataFrame:
    """Join the deciding fact, or else the end of follow-up, to every patient."""
    joined = everyone.join(decided, on="patient_id", how="left").join(
        closed, on="patient_id", how="left"
    )
    return joined.select(
        "patient_id",
        pl.coalesce("day", "last_day").alias("exit_day"),
        pl.col("event_code").fill_null(0),
        pl.col("role").fill_null("follow-up"),
        pl.coalesce("kind", "last_kind").alias("kind"),
        "reason",
    ).sort("patient_id")


def _open_ended(ends: pl.DataFrame, endpoint: Endpoint) -> list[Problem]:
    """Describe the patients for whom the endpoint cannot be told."""
    closes = " or ".join(endpoint.follow_up.closes)
    name = endpoint.abbreviation
    return [
        Problem(
            "outcomes", None, "kind", f"patient {p}: nothing closes follow-up for {name}",
            f"a counting event, or {closes}", f"add the patient's {endpoint.follow_up.closes[0]}",
        )
        if day is None
        else Problem(
            "outcomes", None, "kind", f"patient {p}: {kind} on day {day}, and {name} needs more",
            f"a fact that {name} can count", str(reason),
        )
        for p, day, _, role, kind, reason in ends.iter_rows()
        if day is None or role == "refused"
    ]  # fmt: skip


def _with_entry(ends: pl.DataFrame, entry: Any) -> pl.DataFrame:
    """Add the entry day: 0 for everyone, or the given one."""
    if entry is None:
        return ends.with_columns(pl.lit(0, pl.Int64).alias("entry_day"))
    days = columns_of(entry, ("patient_id", "entry_day"), "entry").select(
        pl.col("patient_id").cast(pl.String), pl.col("entry_day").cast(pl.Int64)
    )
    doubled = days.filter(pl.col("patient_id").is_duplicated())["patient_id"].unique().sort()
    _refuse(
        Problem(
            "entry", None, "patient_id", f"'{p}' twice", "one entry day per patient", "keep one"
        )
        for p in doubled
    )
    return ends.join(days, on="patient_id", how="left", maintain_order="left")


def _result(ends: pl.DataFrame, endpoint: Endpoint, *, given_entry: bool) -> DerivedEvents:
    """Part those at risk after entry from the others, and count."""
    # A binary endpoint has an answer, not a time at risk: only a missing entry day excludes.
    follows = pl.lit(endpoint.scale == "binary") | (pl.col("exit_day") > pl.col("entry_day"))
    why = (
        pl.when(pl.col("entry_day").is_null())
        .then(pl.lit("no entry day"))
        .when(pl.col("role") == "follow-up")
        .then(pl.lit("follow-up ends on or before entry"))
        .otherwise(pl.lit("event on or before entry"))
    )
    rows = ends.with_columns(
        pl.lit(endpoint.id).alias("endpoint"), at_risk=follows.fill_null(value=False)
    )
    rows = rows.with_columns(at_risk=pl.col("at_risk") & pl.col("entry_day").is_not_null())
    keys = ["patient_id", "endpoint", "entry_day", "exit_day", "event_code"]
    derivation = rows.filter("at_risk").select(
        *keys, "role", "kind", pl.col("reason").fill_null(endpoint.follow_up.reason)
    )
    code = derivation["event_code"]
    return DerivedEvents(
        events=derivation.select(keys),
        derivation=derivation,
        excluded=rows.filter(~pl.col("at_risk")).select(*keys, why.alias("reason")),
        endpoint=endpoint.id,
        method=f"first counting fact, {endpoint.abbreviation} by {endpoint.standard}",
        n=derivation.height,
        n_events=int((code == 1).sum()),
        n_competing=int((code > 1).sum()),
        n_censored=int((code == 0).sum()),
        options={
            "endpoint_version": endpoint.version,
            "entry": "given" if given_entry else "day 0",
        },
    )
