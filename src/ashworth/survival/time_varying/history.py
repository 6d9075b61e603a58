"""Start-stop rows from serial draws: the status as it was known on each day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ashworth.errors import EstimationError
from ashworth.survival.inputs import check_number, check_option
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

    from ashworth.survival.time_varying.draws import Missing, SerialDraws, UnknownPatients


@dataclass(frozen=True, slots=True)
class StatusHistory:
    """The follow-up of n patients, cut where their status changed.

    Attributes
    ----------
    rows : polars.DataFrame
        patient_id, start, stop, event (0 or 1), event_code, status (null where unknown),
        draw_day (the draw that the status comes from) and the kept columns; one row per
        interval (start, stop], sorted.
    n, events : int
        Patients, and events of code 1.
    unknown_patients : tuple
        Patients with draws and without an outcome, if they were to be ignored.
    counts : mapping of str to int
        Draws used as the starting status, draws used in follow-up, draws superseded before
        entry, draws on or after the last day, draws without a status, rows, rows and events
        while the status was unknown.
    method, options, version
        As in every result.
    """

    rows: pl.DataFrame
    n: int
    events: int
    unknown_patients: tuple[Any, ...]
    counts: Mapping[str, int]
    method: str
    options: Mapping[str, Any]
    version: str

    def known(self) -> pl.DataFrame:
        """Rows with a known status: what a model can use."""
        return self.rows.drop_nulls("status")

    def table(self) -> pl.DataFrame:
        """All rows."""
        return self.rows


def status_history(
    draws: Any,
    outcomes: Any,
    *,
    status: str = "status",
    keep: Sequence[str] = (),
    before_first: Any = None,
    missing: Missing = "carry",
    max_age_days: float | None = None,
    unknown_patients: UnknownPatients = "refuse",
) -> StatusHistory:
    """Build start-stop rows from serial draws, so that no status is used before it was known.

    Use the rows with ``cox(stop, event, status, entry=start)`` for the hazard ratio of the
    current status. A status counts from its day on: the row of a draw on day d begins
    after d, and an event on day d belongs to the status before. A draw on or before the entry
    day gives the starting status; draws on or after the last day change nothing and are counted.

    Parameters
    ----------
    draws : frame, polars or pandas
        Columns patient_id, day and `status` (any type); one row per draw.
    outcomes : frame, polars or pandas
        Columns patient_id, entry_day (0 if there is no such column), exit_day and event_code
        (0 censored, 1 event, 2 and up competing); one row per patient.
    status : str
        Name of the status column.
    keep : sequence of str
        Columns of `outcomes` to carry along, such as covariates.
    before_first : optional
        Status before the first draw; unknown by default.
    missing : {"carry", "unknown"}
        A draw without a status is passed over (the last status goes on), or makes the status
        unknown until the next draw.
    max_age_days : float, optional
        A status older than this is unknown: it counts on the days (d, d + max_age_days].
    unknown_patients : {"refuse", "ignore"}
        Draws of patients without an outcome are an error, or are listed and left out.

    Returns
    -------
    StatusHistory
        Rows, sorted by patient and start.

    Raises
    ------
    InputError
        With all faults: absent columns, two draws of a patient on one day, a patient twice in
        `outcomes`, missing days, exit at or before entry, negative entry, unknown patients.
    EstimationError
        For options outside their limits.

    Notes
    -----
    The rows are those of R's ``survival::tmerge`` with ``tdc``; with ``missing="unknown"`` those of
    ``options = list(na.rm = FALSE)``. tmerge has no `max_age_days`, takes the last of two
    values on one day, and drops unknown patients without a word.

    References
    ----------
    .. [1] Therneau T, Crowson C, Atkinson E. Using time dependent covariates and time dependent
       coefficients in the Cox model. Vignette of the R package survival.

    Examples
    --------
    >>> import polars as pl
    >>> draws = pl.DataFrame({"patient_id": ["a", "a", "b"], "day": [0, 90, 30],
    ...                       "status": [1, 0, 1]})
    >>> outcomes = pl.DataFrame({"patient_id": ["a", "b"], "exit_day": [200, 80],
    ...                          "event_code": [1, 0]})
    >>> status_history(draws, outcomes).rows.select("patient_id", "start", "stop", "event",
    ...                                             "status").rows()
    [('a', 0.0, 90.0, 0, 1), ('a', 90.0, 200.0, 1, 0), ('b', 0.0, 30.0, 0, None), \
('b', 30.0, 80.0, 0, 1)]
    """
    from ashworth.survival.time_varying.draws import MISSING, check_before_first, read_serial_draws

    check_option(missing, "missing", MISSING)
    check_option(unknown_patients, "unknown_patients", ("refuse", "ignore"))
    if max_age_days is not None and check_number(max_age_days, "max_age_days", "days") <= 0:
        raise EstimationError(f"max_age_days is {max_age_days!r}; allowed: more than 0 days")
    read = read_serial_draws(
        "status_history", draws, outcomes, status=status, keep=keep, missing=missing,
        unknown_patients=unknown_patients,
    )  # fmt: skip
    check_before_first(before_first, read.draws)
    rows = _with_ends(_starts(read, before_first), read, keep)
    if max_age_days is not None:
        rows = _expired(rows, float(max_age_days))
    rows = _finished(rows, keep)
    options = {
        "status": status, "before_first": before_first, "missing": missing,
        "max_age_days": max_age_days, "unknown_patients": unknown_patients,
    }  # fmt: skip
    return StatusHistory(
        rows, read.outcomes.height, int(rows["event"].sum()), read.unknown_patients,
        _counts(read, rows), "start-stop rows from serial draws", options, __version__,
    )  # fmt: skip


def _placed(read: SerialDraws) -> pl.DataFrame:
    """Draws with the entry and exit of their patient."""
    times = read.outcomes.select("patient_id", "entry_day", "exit_day")
    return read.draws.join(times, on="patient_id", how="inner", maintain_order="left")


def _starts(read: SerialDraws, before_first: Any) -> pl.DataFrame:
    """Where rows begin: at entry with the latest status by then, and after each later draw."""
    import polars as pl

    placed = _placed(read)
    latest = (
        placed.filter(pl.col("day") <= pl.col("entry_day"))
        .unique("patient_id", keep="last", maintain_order=True)
        .select("patient_id", "status", draw_day="day")
    )
    first = read.outcomes.select("patient_id", start="entry_day").join(
        latest, on="patient_id", how="left", maintain_order="left"
    )
    if before_first is not None:
        filled = pl.when(pl.col("draw_day").is_null()).then(pl.lit(before_first))
        first = first.with_columns(filled.otherwise(pl.col("status")).alias("status"))
    inside = (pl.col("day") > pl.col("entry_day")) & (pl.col("day") < pl.col("exit_day"))
    later = placed.filter(inside).select("patient_id", "day", "status", draw_day="day")
    later = later.rename({"day": "start"})
    return pl.concat([first, later], how="vertical_relaxed").sort("patient_id", "start")


def _with_ends(starts: pl.DataFrame, read: SerialDraws, keep: Sequence[str]) -> pl.DataFrame:
    """Each row ends where the patient's next one begins, the last one with the outcome."""
    import polars as pl

    columns = dict.fromkeys(["patient_id", "exit_day", "event_code", *keep])
    rows = starts.join(
        read.outcomes.select(*columns), on="patient_id", how="left", maintain_order="left"
    )
    following = pl.col("start").shift(-1).over("patient_id")
    return rows.with_columns(stop=following.fill_null(pl.col("exit_day")))


def _expired(rows: pl.DataFrame, max_age: float) -> pl.DataFrame:
    """Cut rows where their status becomes too old; what follows is unknown."""
    import polars as pl

    end = pl.col("draw_day") + max_age
    old = pl.col("status").is_not_null() & (end < pl.col("stop")).fill_null(value=False)
    fresh = rows.with_columns(stop=pl.when(old).then(end).otherwise(pl.col("stop")))
    stale = rows.filter(old).with_columns(
        start=pl.max_horizontal("start", end),
        status=pl.lit(None, dtype=rows.schema["status"]),
    )
    return pl.concat([fresh.filter(pl.col("stop") > pl.col("start")), stale]).sort(
        "patient_id", "start"
    )


def _finished(rows: pl.DataFrame, keep: Sequence[str]) -> pl.DataFrame:
    """Give the event to the last row of each patient, and put the columns in order."""
    import polars as pl

    code = pl.when(pl.col("stop") == pl.col("exit_day")).then(pl.col("event_code")).otherwise(0)
    rows = rows.with_columns(event_code=code)
    more = [c for c in dict.fromkeys(keep) if c not in {"patient_id", "exit_day", "event_code"}]
    return rows.select(
        "patient_id", "start", "stop", (pl.col("event_code") == 1).cast(pl.Int64).alias("event"),
        "event_code", "status", "draw_day", *more,
    )  # fmt: skip


def _counts(read: SerialDraws, rows: pl.DataFrame) -> dict[str, int]:
    """What became of the draws, and what is unknown."""
    import polars as pl

    placed = _placed(read)
    before, unknown = placed.filter(pl.col("day") <= pl.col("entry_day")), rows["status"].is_null()
    late = placed.filter(pl.col("day") >= pl.col("exit_day")).height
    starting = before["patient_id"].n_unique()
    return {
        "draws for the starting status": starting,
        "draws in follow-up": placed.height - before.height - late,
        "draws superseded before entry": before.height - starting,
        "draws on or after the last day": late,
        "draws without a status": read.n_missing,
        "rows": rows.height,
        "rows with unknown status": int(unknown.sum()),
        "events with unknown status": int(rows.filter(unknown)["event"].sum()),
    }
