"""Landmark analysis: who is still at risk after the landmark, by what was known by then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import check_number, check_option
from ashworth.survival.times import named_times
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

    from ashworth.survival.time_varying.draws import Missing, SerialDraws, UnknownPatients

NO_DRAW = "no draw by the landmark"
NO_STATUS = "latest draw without a status"
TOO_OLD = "latest draw before the window"
REASONS = (
    "event by the landmark", "competing event by the landmark",
    "follow-up ended by the landmark", "under observation only after the landmark",
    NO_DRAW, NO_STATUS, TOO_OLD,
)  # fmt: skip
"""Why a patient is left out at a landmark; the first that holds counts."""


@dataclass(frozen=True, slots=True)
class LandmarkResult:
    """Patients at risk after each landmark, with the status known by then.

    Attributes
    ----------
    frame : polars.DataFrame
        landmark, patient_id, status, draw_day, age_days (of the status at the landmark), time
        (days from the landmark), event (0 or 1), event_code and the kept columns; one row per
        landmark and patient, sorted. Ready for ``kaplan_meier(time, event, group=status)`` and
        ``cox(time, event, status)``; with several landmarks ``strata=landmark`` and a variance
        clustered by patient.
    left_out : polars.DataFrame
        landmark, reason, n: every reason, also with 0 patients.
    n, events : int
        Rows of `frame`, and events of code 1 among them.
    n_patients : int
        Patients given.
    unknown_patients : tuple
        Patients with draws and without an outcome, if they were to be ignored.
    method, options, version
        As in every result.
    """

    frame: pl.DataFrame
    left_out: pl.DataFrame
    n: int
    events: int
    n_patients: int
    unknown_patients: tuple[Any, ...]
    method: str
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row per landmark and status: patients, events, competing events, total time."""
        import polars as pl

        rows = []
        pairs = self.frame.select("landmark", "status").unique().sort("landmark", "status")
        for landmark, status in pairs.rows():
            part = self.frame.filter(pl.col("landmark") == landmark, pl.col("status") == status)
            code = part["event_code"].to_numpy()
            time = float(part["time"].to_numpy().sum())
            rows.append((landmark, str(status), part.height, int((code == 1).sum()),
                         int((code > 1).sum()), time))  # fmt: skip
        names = ["landmark", "status", "n", "events", "competing_events", "total_time"]
        return pl.DataFrame(rows, schema=names, orient="row")


def landmark(
    draws: Any,
    outcomes: Any,
    at: float | Sequence[float],
    *,
    status: str = "status",
    keep: Sequence[str] = (),
    before_first: Any = None,
    missing: Missing = "carry",
    window_days: float | None = None,
    horizon_days: float | None = None,
    unknown_patients: UnknownPatients = "refuse",
) -> LandmarkResult:
    """Take the patients who are still at risk after a landmark, by their status known by then.

    Use it to compare outcome by a status that needs time to arise (conversion, clearance): a
    comparison from day 0 would give the time that patients had to live for it to the better
    group (immortal time). The clock starts at the landmark. Who had the event or was censored
    exactly at the landmark is left out.

    Parameters
    ----------
    draws : frame, polars or pandas
        Columns patient_id, day and `status` (any type); one row per draw. The latest draw on or
        before the landmark counts.
    outcomes : frame, polars or pandas
        Columns patient_id, entry_day (0 if there is no such column), exit_day and event_code
        (0 censored, 1 event, 2 and up competing); one row per patient.
    at : float or sequence of float
        Landmarks in days, 0 or later. Several give stacked rows, for a model over all landmarks.
    status : str
        Name of the status column.
    keep : sequence of str
        Columns of `outcomes` to carry along, such as covariates.
    before_first : optional
        Status of patients without a draw by the landmark, who are left out by default.
    missing : {"carry", "unknown"}
        A draw without a status is passed over, or leaves the patient out if it is the latest.
    window_days : float, optional
        The latest draw may be at most this many days before the landmark.
    horizon_days : float, optional
        Follow-up ends this long after each landmark (censored).
    unknown_patients : {"refuse", "ignore"}
        Draws of patients without an outcome are an error, or are listed and left out.

    Returns
    -------
    LandmarkResult

    Raises
    ------
    InputError
        With all faults of the tables, as `status_history`.
    EstimationError
        Where nobody is left at a landmark, with the reasons; for options outside their limits.

    References
    ----------
    .. [1] Anderson JR, Cain KC, Gelber RD (1983). Analysis of survival by tumor response.
       J Clin Oncol 1:710-719.
    .. [2] van Houwelingen HC (2007). Dynamic prediction by landmarking in event history analysis.
       Scand J Stat 34:70-85.

    Examples
    --------
    >>> import polars as pl
    >>> draws = pl.DataFrame({"patient_id": ["a", "a", "b", "c"], "day": [0, 60, 0, 0],
    ...                       "status": [1, 0, 1, 1]})
    >>> outcomes = pl.DataFrame({"patient_id": ["a", "b", "c"], "exit_day": [300, 200, 90],
    ...                          "event_code": [1, 0, 1]})
    >>> found = landmark(draws, outcomes, 90)
    >>> found.frame.select("patient_id", "status", "time", "event").rows()
    [('a', 0, 210.0, 1), ('b', 1, 110.0, 0)]
    >>> found.left_out.filter(pl.col("n") > 0).rows()
    [(90.0, 'event by the landmark', 1)]
    """
    from ashworth.survival.time_varying.draws import MISSING, check_before_first, read_serial_draws

    check_option(missing, "missing", MISSING)
    check_option(unknown_patients, "unknown_patients", ("refuse", "ignore"))
    for name, value in (("window_days", window_days), ("horizon_days", horizon_days)):
        if value is not None and check_number(value, name, "days") <= 0:
            raise EstimationError(f"{name} is {value!r}; allowed: more than 0 days")
    times = _landmarks(at)
    read = read_serial_draws(
        "landmark", draws, outcomes, status=status, keep=keep, missing=missing,
        unknown_patients=unknown_patients,
    )  # fmt: skip
    check_before_first(before_first, read.draws)
    judged = [_judge(read, t, before_first, window_days) for t in times]
    left_out = _left_out(judged, times)
    _refuse_empty(judged, times, left_out)
    frame = _analysed(judged, times, keep, horizon_days)
    options = {
        "at": tuple(times), "status": status, "before_first": before_first, "missing": missing,
        "window_days": window_days, "horizon_days": horizon_days,
        "unknown_patients": unknown_patients,
    }  # fmt: skip
    return LandmarkResult(
        frame, left_out, frame.height, int(frame["event"].sum()), read.outcomes.height,
        read.unknown_patients, "landmark analysis", options, __version__,
    )  # fmt: skip


def _landmarks(at: Any) -> list[float]:
    """Check the landmarks and put them in order."""
    allowed = "different days, 0 or later"
    times = named_times(at, "landmark", "at", allowed)
    if times.min() < 0 or np.unique(times).size < times.size:
        raise EstimationError(f"landmark: at is {at!r}; allowed: {allowed}")
    return sorted(times.tolist())


def _judge(
    read: SerialDraws, at: float, before_first: Any, window_days: float | None
) -> pl.DataFrame:
    """Outcomes with the latest status at the landmark, and why a patient is left out (or null)."""
    import polars as pl

    latest = (
        read.draws.filter(pl.col("day") <= at)
        .unique("patient_id", keep="last", maintain_order=True)
        .select("patient_id", pl.col("status").alias("_status"), pl.col("day").alias("_day"))
    )
    joined = read.outcomes.join(latest, on="patient_id", how="left", maintain_order="left")
    none = pl.col("_day").is_null()
    if before_first is not None:
        filled = pl.when(none).then(pl.lit(before_first)).otherwise(pl.col("_status"))
        joined = joined.with_columns(_status=filled)
    gone, code = pl.col("exit_day") <= at, pl.col("event_code")
    old = pl.lit(value=False) if window_days is None else at - pl.col("_day") > window_days
    holds = (
        gone & (code == 1), gone & (code > 1), gone, pl.col("entry_day") > at,
        none if before_first is None else pl.lit(value=False),
        ~none & pl.col("_status").is_null(), ~none & old,
    )  # fmt: skip
    reasons = [pl.when(h).then(pl.lit(r)) for h, r in zip(holds, REASONS, strict=True)]
    return joined.with_columns(_reason=pl.coalesce(reasons))


def _left_out(judged: Sequence[pl.DataFrame], times: Sequence[float]) -> pl.DataFrame:
    """Count patients by landmark and reason."""
    import polars as pl

    rows = [
        (t, reason, int((part["_reason"] == reason).sum()))
        for t, part in zip(times, judged, strict=True)
        for reason in REASONS
    ]
    return pl.DataFrame(rows, schema=["landmark", "reason", "n"], orient="row")


def _refuse_empty(
    judged: Sequence[pl.DataFrame], times: Sequence[float], left_out: pl.DataFrame
) -> None:
    """Refuse landmarks at which nobody is left."""
    import polars as pl

    for t, part in zip(times, judged, strict=True):
        if part["_reason"].null_count() == 0:
            mine = left_out.filter(pl.col("landmark") == t, pl.col("n") > 0)
            why = "; ".join(f"{reason} ({n})" for _, reason, n in mine.rows())
            raise EstimationError(
                f"landmark: nobody of {part.height} patients is left at day {t:g}: {why}; "
                "choose an earlier landmark or a wider window"
            )


def _analysed(
    judged: Sequence[pl.DataFrame], times: Sequence[float], keep: Sequence[str],
    horizon_days: float | None,
) -> pl.DataFrame:  # fmt: skip
    """Stack who is left, on the clock of each landmark."""
    import polars as pl

    end = float("inf") if horizon_days is None else horizon_days
    more = [c for c in dict.fromkeys(keep) if c not in {"patient_id", "event_code"}]
    parts = []
    for t, part in zip(times, judged, strict=True):
        time = pl.col("exit_day") - t
        code = pl.when(time <= end).then(pl.col("event_code")).otherwise(0)
        parts.append(
            part.filter(pl.col("_reason").is_null()).select(
                pl.lit(t).alias("landmark"), "patient_id", pl.col("_status").alias("status"),
                pl.col("_day").alias("draw_day"), (t - pl.col("_day")).alias("age_days"),
                time.clip(upper_bound=end).alias("time"),
                (code == 1).cast(pl.Int64).alias("event"), code.alias("event_code"), *more,
            )
        )  # fmt: skip
    return pl.concat(parts)
