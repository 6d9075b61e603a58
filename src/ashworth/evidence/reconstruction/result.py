"""Reconstructed patients with the diagnostics of every arm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Floats, Integers, check_option
from ashworth.survival.proportional_hazards.model import cox
from ashworth.survival.proportional_hazards.result import CoxResult

if TYPE_CHECKING:
    import polars as pl

TimeUnit = Literal["days", "weeks", "months", "years"]
DAYS_PER = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12.0, "years": 365.25}
_NOTABLE_ERROR = 0.02


@dataclass(frozen=True, slots=True)
class ReconstructedArm:
    """One arm: its patients, and how well they agree with what was printed.

    Attributes
    ----------
    arm : object
        Label.
    n, events, censored : int
        Patients, events, and the others.
    method : str
        What was used: ``"steps"``, ``"guyot"`` or ``"modified"``.
    patient_time, patient_event : ndarray, shape (n,)
        Follow-up in the unit of the figure, and whether it ended with an event; by time.
    time, given, used, survival : ndarray, shape (k,)
        Points of the curve: time, survival as given, after repair, and the Kaplan-Meier estimate
        of the reconstructed patients.
    n_points, n_repaired, n_merged : int
        Points given; of them with survival changed by the repair; of them left out because
        another stands at the same time.
    largest_repair : float
        Largest change of survival by the repair.
    risk_time, risk_printed, risk_found : ndarray, shape (i,)
        Risk table: times, printed numbers, and reconstructed patients at risk just before.
    risk_rows_unused : int
        Rows of the risk table after the end of the curve, with nobody at risk.
    total_events : int or None
        Printed number of events.
    """

    arm: Any
    n: int
    events: int
    censored: int
    method: str
    patient_time: Floats = field(repr=False)
    patient_event: Integers = field(repr=False)
    time: Floats = field(repr=False)
    given: Floats = field(repr=False)
    used: Floats = field(repr=False)
    survival: Floats = field(repr=False)
    n_points: int
    n_repaired: int
    n_merged: int
    largest_repair: float
    risk_time: Floats = field(repr=False)
    risk_printed: Integers = field(repr=False)
    risk_found: Integers = field(repr=False)
    risk_rows_unused: int
    total_events: int | None

    @property
    def rmse(self) -> float:
        """Root mean square of reconstructed minus given survival over the points."""
        return float(np.sqrt(np.mean((self.survival - self.given) ** 2)))

    @property
    def max_error(self) -> float:
        """Largest absolute difference of reconstructed and given survival."""
        return float(np.abs(self.survival - self.given).max())

    @property
    def largest_risk_residual(self) -> int:
        """Reconstructed minus printed number at risk, where it is furthest from 0."""
        residual = self.risk_found - self.risk_printed
        return int(residual[np.abs(residual).argmax()])

    @property
    def events_residual(self) -> int | None:
        """Reconstructed minus printed events; None where none were printed."""
        return None if self.total_events is None else self.events - self.total_events

    def remarks(self) -> list[str]:
        """What a reader must know before using these patients; empty where all agrees."""
        found = []
        if self.n_repaired:
            found.append(
                f"survival of {self.n_repaired} of {self.n_points} points was changed so that it "
                f"never rises, by up to {self.largest_repair:.4f}"
            )
        residual = self.largest_risk_residual
        if abs(residual) > max(1.0, 0.01 * self.n):
            place = np.abs(self.risk_found - self.risk_printed).argmax()
            found.append(
                f"{self.risk_found[place]} at risk at {self.risk_time[place]:g}, printed "
                f"{self.risk_printed[place]}: curve and risk table disagree"
            )
        missing = self.events_residual
        if missing is not None and abs(missing) > max(1.0, 0.01 * self.n):
            found.append(f"{self.events} events, printed {self.total_events}")
        if self.max_error > _NOTABLE_ERROR:
            found.append(f"the reconstructed curve is off by up to {self.max_error:.3f}")
        if self.risk_time.size == 1 and self.method != "steps" and self.total_events is None:
            found.append("no numbers at risk and no total of events: censoring is not known, all "
                         "patients are followed to the end of the curve")  # fmt: skip
        return found


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """Patients behind a published figure.

    Attributes
    ----------
    arms : tuple of ReconstructedArm
        In the order of their labels.
    n, events : int
        Patients and events of all arms.
    method : str
        Name of the estimator.
    options : mapping
        What was chosen.
    version : str
        Version of the package.
    """

    arms: tuple[ReconstructedArm, ...]
    n: int
    events: int
    method: str
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row per arm: n, events, method, repairs, curve error, residuals."""
        import polars as pl

        return pl.DataFrame([_diagnostics(a) for a in self.arms], infer_schema_length=None)

    def curve_table(self) -> pl.DataFrame:
        """One row per point: arm, time, given, used, reconstructed, difference (from given)."""
        import polars as pl

        return pl.concat(
            pl.DataFrame(
                {"time": a.time, "given": a.given, "used": a.used, "reconstructed": a.survival}
            ).select(
                pl.lit(str(a.arm)).alias("arm"),
                pl.all(),
                (pl.col("reconstructed") - pl.col("given")).alias("difference"),
            )
            for a in self.arms
        )

    def risk_table(self) -> pl.DataFrame:
        """One row per printed number at risk: arm, time, printed, reconstructed, difference."""
        import polars as pl

        return pl.concat(
            pl.DataFrame(
                {"time": a.risk_time, "printed": a.risk_printed, "reconstructed": a.risk_found}
            ).select(
                pl.lit(str(a.arm)).alias("arm"),
                pl.all(),
                (pl.col("reconstructed") - pl.col("printed")).alias("difference"),
            )
            for a in self.arms
        )

    def patients(self) -> pl.DataFrame:
        """One row per patient: patient_id, arm, time (unit of the figure), event (0, 1)."""
        import polars as pl

        return pl.DataFrame(
            {
                "patient_id": self._ids(),
                "arm": [str(a.arm) for a in self.arms for _ in range(a.n)],
                "time": np.concatenate([a.patient_time for a in self.arms]),
                "event": np.concatenate([a.patient_event for a in self.arms]),
            }
        )

    def events_table(self, *, endpoint: str, time_unit: TimeUnit) -> pl.DataFrame:
        """Give the patients as the table `events` of `ashworth.records`, in whole days.

        Parameters
        ----------
        endpoint : str
            Id of the endpoint, e.g. ``"os"``.
        time_unit : {"days", "weeks", "months", "years"}
            Unit of the figure's time axis.

        Returns
        -------
        polars.DataFrame
            patient_id, endpoint, entry_day (0), exit_day (1 or later), event_code. Days are
            rounded; `patients` has the times themselves.
        """
        import polars as pl

        check_option(time_unit, "time_unit", tuple(DAYS_PER))
        patients = self.patients()
        days = np.rint(patients["time"].to_numpy() * DAYS_PER[time_unit]).astype(np.int64)
        return patients.select(
            "patient_id",
            pl.lit(endpoint).alias("endpoint"),
            pl.lit(0, dtype=pl.Int64).alias("entry_day"),
            pl.Series("exit_day", np.maximum(days, 1)),
            pl.col("event").alias("event_code"),
        )

    def hazard_ratio(self, *, reference: Any = None) -> CoxResult:
        """Cox model of the arms (Efron): hazard ratios against the reference arm.

        Parameters
        ----------
        reference : object, optional
            Label of the reference arm; the first by default.

        Returns
        -------
        CoxResult
            One coefficient per other arm, named by its label.

        Raises
        ------
        EstimationError
            With one arm, or an unknown reference.
        """
        known = [a.arm for a in self.arms]
        if len(known) < 2:
            raise EstimationError("a hazard ratio needs two arms; this figure has one")
        base = known[0] if reference is None else reference
        if base not in known:
            words = ", ".join(map(str, known))
            raise EstimationError(f"reference is {reference!r}; allowed: {words}")
        time = np.concatenate([a.patient_time for a in self.arms])
        event = np.concatenate([a.patient_event for a in self.arms])
        code = np.repeat(np.arange(len(known)), [a.n for a in self.arms])
        columns = {str(a): (code == i).astype(float) for i, a in enumerate(known) if a != base}
        return cox(time, event, columns)

    def _ids(self) -> list[str]:
        """Give each patient a name made of the arm and a number."""
        width = len(str(max(a.n for a in self.arms)))
        return [f"{a.arm}-{i:0{width}d}" for a in self.arms for i in range(1, a.n + 1)]


def _diagnostics(arm: ReconstructedArm) -> dict[str, Any]:
    return {
        "arm": str(arm.arm),
        "n": arm.n,
        "events": arm.events,
        "censored": arm.censored,
        "method": arm.method,
        "points": arm.n_points,
        "points_repaired": arm.n_repaired,
        "largest_repair": arm.largest_repair,
        "points_merged": arm.n_merged,
        "rmse": arm.rmse,
        "max_error": arm.max_error,
        "largest_risk_residual": arm.largest_risk_residual,
        "risk_rows_unused": arm.risk_rows_unused,
        "total_events": arm.total_events,
        "events_residual": arm.events_residual,
    }
