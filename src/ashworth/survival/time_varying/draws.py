"""Serial draws and outcomes, checked together before anything is built from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from ashworth.errors import EstimationError, InputError
from ashworth.survival.frames import columns_of
from ashworth.survival.inputs import Faults, Floats, numbers

Missing = Literal["carry", "unknown"]
MISSING = ("carry", "unknown")
UnknownPatients = Literal["refuse", "ignore"]
_SHOWN = 5
_MADE = frozenset(
    {"landmark", "status", "draw_day", "age_days", "time", "event", "start", "stop"}
)  # fmt: skip
_OUTCOMES = ("patient_id", "exit_day", "event_code")


@dataclass(frozen=True, slots=True)
class SerialDraws:
    """Checked tables.

    Attributes
    ----------
    draws : polars.DataFrame
        patient_id, day, status; sorted by patient and day, patients with an outcome only.
    outcomes : polars.DataFrame
        patient_id, entry_day, exit_day, event_code and the columns that are kept; sorted.
    unknown_patients : tuple
        Patients with draws and without an outcome.
    n_missing : int
        Draws without a status.
    """

    draws: pl.DataFrame
    outcomes: pl.DataFrame
    unknown_patients: tuple[Any, ...]
    n_missing: int


def read_serial_draws(
    subject: str, draws: Any, outcomes: Any, *, status: str, keep: Sequence[str], missing: str,
    unknown_patients: str,
) -> SerialDraws:  # fmt: skip
    """Check draws and outcomes together.

    Parameters
    ----------
    subject : str
        Name of the calling function, for messages.
    draws : frame
        patient_id, day and the column named by `status`.
    outcomes : frame
        patient_id, entry_day (0 where there is no such column), exit_day, event_code, `keep`.
    status : str
        Column of `draws`.
    keep : sequence of str
        Further columns of `outcomes`.
    missing : {"carry", "unknown"}
        Whether draws without a status are passed over or make the status unknown.
    unknown_patients : {"refuse", "ignore"}
        What to do with draws of patients without an outcome.

    Raises
    ------
    InputError
        With all faults.
    """
    d, o = _tables(draws, outcomes, status, keep)
    faults = Faults(subject)
    clash = sorted(_MADE & set(keep))
    if clash:
        found = ", ".join(clash)
        faults.note("keep", found, "names that the result does not use", "rename the columns")
        faults.stop()
    if d.is_empty():
        d = d.cast({"patient_id": o.schema["patient_id"], "day": pl.Float64})
    d = d.rename({status: "status"}).with_columns(_column(d["day"], "draws.day", faults))
    if d["status"].dtype.is_float():
        d = d.with_columns(pl.col("status").fill_nan(None))
    o = _days(o, faults)
    _check_patients(d, o, faults)
    faults.stop()
    known = d["patient_id"].is_in(o["patient_id"].implode())
    strangers = tuple(d.filter(~known)["patient_id"].unique().sort().to_list())
    if strangers and unknown_patients == "refuse":
        remedy = "add their outcomes, or pass unknown_patients='ignore'"
        faults.note("draws.patient_id", _listed(strangers), "patients with an outcome", remedy)
    d = d.filter(known)
    _check_draws(d, faults)
    faults.stop()
    n_missing = d["status"].null_count()
    if missing == "carry":
        d = d.drop_nulls("status")
    return SerialDraws(d.sort("patient_id", "day"), o.sort("patient_id"), strangers, n_missing)


def _tables(
    draws: Any, outcomes: Any, status: str, keep: Sequence[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Take the columns of both tables; all absent ones at once."""
    has_entry = "entry_day" in list(getattr(outcomes, "columns", ()))
    wanted = [*_OUTCOMES, *(["entry_day"] if has_entry else [])]
    asked = [("draws", draws, ("patient_id", "day", status))]
    asked += [("outcomes", outcomes, tuple(dict.fromkeys([*wanted, *keep])))]
    found, problems = [], []
    for name, table, columns in asked:
        try:
            found.append(columns_of(table, columns, name))
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems, subject="the tables draws and outcomes")
    d, o = found
    if not has_entry:
        o = o.with_columns(entry_day=pl.lit(0.0))
    return d, o


def check_before_first(before_first: Any, draws: pl.DataFrame) -> None:
    """Refuse a status before the first draw that is text among numbers, or a number among text."""
    dtype = draws.schema["status"]
    if before_first is None or draws.is_empty():
        return
    number = dtype.is_numeric() or dtype == pl.Boolean
    if isinstance(before_first, str) == number:
        raise EstimationError(
            f"before_first is {before_first!r}; allowed: a status of the type of the draws, {dtype}"
        )


def _column(values: pl.Series, name: str, faults: Faults) -> pl.Series:
    """Give a column of finite numbers; others are noted."""
    array: Floats = numbers(values, name, faults)
    bad = ~np.isfinite(array)
    remedy = "give the value, or leave these rows out and count them"
    faults.rows(bad, name, "missing or infinite values", "a number in every row", remedy)
    return pl.Series(values.name, array)


def _days(o: pl.DataFrame, faults: Faults) -> pl.DataFrame:
    """Check entry, exit and event code of the outcomes."""
    if o.is_empty():
        faults.note("outcomes", "no rows", "at least one patient", "check the selection")
        faults.stop()
    o = o.with_columns(
        _column(o[c], f"outcomes.{c}", faults) for c in ("entry_day", "exit_day", "event_code")
    )
    faults.stop()
    entry, leave, code = (o[c].to_numpy() for c in ("entry_day", "exit_day", "event_code"))
    faults.rows(
        entry >= leave, "outcomes.exit_day", "exit at or before entry", "entry_day < exit_day",
        "leave out patients without time at risk, and count them",
    )  # fmt: skip
    remedy = "count days from the start of the clock"
    faults.rows(entry < 0, "outcomes.entry_day", "negative values", "0 or later", remedy)
    bad = (code < 0) | (code != np.floor(code))
    remedy = "code 0 censored, 1 event, 2 and up competing events"
    faults.rows(bad, "outcomes.event_code", "other values", "0, 1, 2, ...", remedy)
    return o.with_columns(pl.col("event_code").cast(pl.Int64, strict=False))


def _check_patients(d: pl.DataFrame, o: pl.DataFrame, faults: Faults) -> None:
    """Check the keys of both tables."""
    for name, table in (("draws", d), ("outcomes", o)):
        empty = table["patient_id"].is_null().to_numpy()
        remedy = "name the patient in every row"
        faults.rows(empty, f"{name}.patient_id", "missing values", "a patient", remedy)
    if d.height and d["patient_id"].dtype != o["patient_id"].dtype:
        found = f"{d['patient_id'].dtype} in draws, {o['patient_id'].dtype} in outcomes"
        faults.note("patient_id", found, "one type", "convert patient_id to text in both")
        faults.stop()
    twice = o.filter(o["patient_id"].is_duplicated())["patient_id"].unique().sort().to_list()
    if twice:
        remedy = "give one outcome per patient"
        faults.note("outcomes.patient_id", f"more than once: {_listed(twice)}", "once", remedy)


def _check_draws(d: pl.DataFrame, faults: Faults) -> None:
    """Refuse two draws of a patient on one day."""
    twice = d.filter(d.select("patient_id", "day").is_duplicated())
    if twice.height:
        pairs = twice.select("patient_id", "day").unique().sort("patient_id", "day").rows()
        found = f"more than one draw a day: {_listed([f'{p} on day {t:g}' for p, t in pairs])}"
        remedy = "combine tubes of one day first (ashworth.enumeration.combine_tubes)"
        faults.note("draws.day", found, "one draw per patient and day", remedy)


def _listed(items: Sequence[Any]) -> str:
    """Write the first few and the number of all."""
    shown = ", ".join(str(i) for i in items[:_SHOWN])
    return f"{shown}, ... ({len(items)} in all)" if len(items) > _SHOWN else shown
