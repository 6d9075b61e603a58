"""What every requested analysis starts from: patients on their clock, aligned with covariates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ashworth.definitions import Endpoint
from ashworth.errors import EstimationError
from ashworth.reports import Callout, Section
from ashworth.reports.blocks import Block
from ashworth.workflows.study.analyse import StudyResults
from ashworth.workflows.study.analysis_settings import Request
from ashworth.workflows.study.clock import AnalysisSet, start_clock
from ashworth.workflows.study.coding import Coding, code_covariates
from ashworth.workflows.study.settings import StudySettings, TimePoint

Floats = NDArray[np.float64]
MOST_NUMBERED = 30
"""A column of numbers with more values than this is a measurement, not a name of groups."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Patients of one endpoint and time point, in the order of `patient_id`.

    Attributes
    ----------
    analysis : AnalysisSet
        Where they come from, with the patients left out and why.
    patient_id : ndarray of str, shape (n,)
    time, entry : ndarray of float, shape (n,)
        Days on the clock; `entry` is None where nobody enters late.
    event, event_code : ndarray of int, shape (n,)
        1 event; the code tells competing events (2 and up) from censoring (0).
    group, rank : ndarray, shape (n,)
        Label of the marker's group and its place in `StudyResults.groups.labels`.
    high : ndarray of float, shape (n,)
        1 in the high (positive) group, else 0.
    value : ndarray of float, shape (n,)
        The marker's number: cells counted, or the covariate; NaN where there is none.
    strata : ndarray of int or None
        Strata of the study (`stratify`).
    patients : polars.DataFrame
        Rows of the patients table.
    """

    analysis: AnalysisSet
    patient_id: NDArray[Any]
    time: Floats
    entry: Floats | None
    event: NDArray[np.int64]
    event_code: NDArray[np.int64]
    group: NDArray[Any]
    rank: NDArray[np.int64]
    high: Floats
    value: Floats
    strata: NDArray[np.int64] | None
    patients: pl.DataFrame

    @property
    def n(self) -> int:
        """Number of patients."""
        return self.time.size

    @property
    def n_events(self) -> int:
        """Number of events of the endpoint."""
        return int(self.event.sum())

    def take(self, keep: NDArray[np.bool_]) -> Rows:
        """Keep some patients."""

        def some(array: Any) -> Any:
            return None if array is None else array[keep]

        return Rows(
            self.analysis, self.patient_id[keep], self.time[keep], some(self.entry),
            self.event[keep], self.event_code[keep], self.group[keep], self.rank[keep],
            self.high[keep], self.value[keep], some(self.strata),
            self.patients.filter(pl.Series(keep)),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Context:
    """A study, read and analysed by status.

    Attributes
    ----------
    tables : mapping of str to polars.DataFrame
        Validated tables.
    results : StudyResults
        Settings, patients, marker groups, statuses, events, codings of the adjusting covariates.
    """

    tables: Mapping[str, pl.DataFrame]
    results: StudyResults

    @property
    def settings(self) -> StudySettings:
        """What `study.toml` declares."""
        return self.results.settings

    @property
    def simulated(self) -> bool:
        """Whether every figure must say so."""
        return self.settings.simulated

    @property
    def codings(self) -> Sequence[Coding]:
        """Adjusting covariates (`adjust`)."""
        return self.results.codings

    def days(self, at: float) -> float:
        """Days of a time in the report's unit."""
        return at * self.settings.days_per_unit

    def in_unit(self, days: Floats) -> Floats:
        """Days in the report's unit."""
        return days / self.settings.days_per_unit

    def endpoints(self, request: Request) -> tuple[Endpoint, ...]:
        """Endpoints of a request: those it names, else all."""
        wanted = request.endpoints or self.settings.endpoints
        return tuple(e for e in self.results.endpoints if e.id in wanted)

    def timepoint(self, request: Request) -> TimePoint:
        """Time point of a request: the one it names, else the first."""
        points = self.results.groups.timepoints
        return next((p for p in points if p.name == request.timepoint), points[0])

    def code(self, columns: Sequence[str], key: str) -> tuple[Coding, ...]:
        """Codings of columns that a request names; absent ones are an `InputError`."""
        return code_covariates(
            tuple(columns), self.results.patients, self.settings, key=f"analyses.{key}"
        )

    def rows(self, endpoint: Endpoint, timepoint: str) -> Rows:
        """Patients with a status at a time point who are at risk for an endpoint after it."""
        members = self.results.groups.at(timepoint)
        return self.rows_of(members, endpoint, clock=self.settings.clock)

    def rows_of(self, members: pl.DataFrame, endpoint: Endpoint, *, clock: Any) -> Rows:
        """The same for other groups.

        Parameters
        ----------
        members : polars.DataFrame
            patient_id, timepoint (one), clock_day, group, rank, high.
        endpoint : Endpoint
        clock : {'specimen', 'index-delayed-entry', 'index'}
            As in `study.toml`.
        """
        analysis = start_clock(members, self.results.course, endpoint=endpoint.id, clock=clock)
        frame = analysis.frame
        patients = frame.select("patient_id").join(
            self.results.patients, on="patient_id", how="left", maintain_order="left"
        )
        return Rows(
            analysis=analysis,
            patient_id=frame["patient_id"].to_numpy(),
            time=frame["time"].to_numpy().astype(float),
            entry=frame["entry"].to_numpy().astype(float) if analysis.delayed else None,
            event=frame["event"].to_numpy(),
            event_code=frame["event_code"].to_numpy(),
            group=frame["group"].to_numpy(),
            rank=frame["rank"].to_numpy(),
            high=frame["high"].cast(pl.Float64).to_numpy(),
            value=self._values(frame, analysis.timepoint),
            strata=self._strata(frame),
            patients=patients,
        )

    def counts(self, timepoint: str) -> pl.DataFrame:
        """Statuses of one time point of a counted marker: n_cells, denominator, specimen_day."""
        marker = self.results.marker
        if marker is None:
            raise EstimationError("a covariate marker has no counts")
        return marker.statuses.filter(pl.col("timepoint") == timepoint).sort("patient_id")

    def each_endpoint(
        self, request: Request, anchor: str, build: Callable[[Endpoint, str], Sequence[Block]]
    ) -> tuple[Block, ...]:
        """Blocks of every endpoint, in subsections if there are several.

        Parameters
        ----------
        request : Request
            Names the endpoints.
        anchor : str
            Beginning of all names.
        build : callable
            Called with the endpoint and a name; an `EstimationError` becomes a remark.
        """
        blocks: list[Block] = []
        endpoints = self.endpoints(request)
        for endpoint in endpoints:
            name = f"{anchor}-{endpoint.id.replace('_', '-')}"
            try:
                part = tuple(build(endpoint, name))
            except EstimationError as error:
                part = (Callout("caution", f"Not estimated: {error}."),)
            if len(endpoints) == 1:
                return part
            blocks.append(Section(endpoint.title, name, part))
        return tuple(blocks)

    def _values(self, frame: pl.DataFrame, timepoint: str) -> Floats:
        """The marker's number for the patients of a frame."""
        if self.results.marker is None:
            column = self.settings.marker or ""
            known = self.results.patients.select("patient_id", pl.col(column).alias("value"))
        else:
            known = self.counts(timepoint).select("patient_id", pl.col("n_cells").alias("value"))
        joined = frame.select("patient_id").join(
            known, on="patient_id", how="left", maintain_order="left"
        )
        return joined["value"].cast(pl.Float64).fill_null(float("nan")).to_numpy()

    def _strata(self, frame: pl.DataFrame) -> NDArray[np.int64] | None:
        """Strata in the order of a frame."""
        strata = self.results.strata
        if strata is None:
            return None
        joined = frame.select("patient_id").join(
            strata, on="patient_id", how="left", maintain_order="left"
        )
        return joined["stratum"].to_numpy()


def demand_groups(values: pl.Series, column: str) -> None:
    """Refuse a column that is a measurement, or has fewer than three patients per group."""
    known = values.drop_nulls()
    groups = known.n_unique()
    measured = known.dtype.is_numeric() and groups > MOST_NUMBERED
    if measured or (known.len() < 3 * groups and groups > 2):
        raise EstimationError(
            f"'{column}' has {groups} values in {known.len()} patients; name a column of centres "
            "or studies"
        )


def covariate_matrix(
    rows: Rows, codings: Sequence[Coding]
) -> tuple[Floats, list[str], NDArray[np.bool_]]:
    """Model columns of covariates, their names, and who has them all.

    Returns
    -------
    matrix : ndarray, shape (n, number of terms)
        NaN where a value is missing.
    names : list of str
    complete : ndarray of bool, shape (n,)
        Patients without a missing value.
    """
    blocks = [c.values(rows.patients) for c in codings]
    matrix = np.column_stack(blocks) if blocks else np.empty((rows.n, 0))
    names = [t for c in codings for t in c.terms]
    complete = np.asarray(~np.isnan(matrix).any(axis=1), dtype=bool)
    return np.asarray(matrix), names, complete
