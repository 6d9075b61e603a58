"""One schema per table: columns, keys, ranges, units, descriptions."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from ashworth.errors import Problem
from ashworth.records.columns import ColumnSpec, spec_of
from ashworth.records.schemas.clinical import Assessments, Patients, Treatments
from ashworth.records.schemas.imaging import Calls, Cells
from ashworth.records.schemas.laboratory import AssayRuns, Counts, Markers, Specimens
from ashworth.records.schemas.outcomes import Dynamics, Events, Outcomes, Statuses

SCHEMAS: dict[str, type[dy.Schema]] = {
    "patients": Patients,
    "specimens": Specimens,
    "assay_runs": AssayRuns,
    "cells": Cells,
    "calls": Calls,
    "counts": Counts,
    "statuses": Statuses,
    "dynamics": Dynamics,
    "outcomes": Outcomes,
    "events": Events,
    "treatments": Treatments,
    "assessments": Assessments,
    "markers": Markers,
}
TABLES = tuple(SCHEMAS)


def schema_of(table: str) -> type[dy.Schema]:
    """Return the schema of a table; an unknown name raises `ValueError` with the known ones."""
    if table not in SCHEMAS:
        raise ValueError(f"unknown table '{table}'; known: {', '.join(TABLES)}")
    return SCHEMAS[table]


def specs(table: str) -> dict[str, ColumnSpec]:
    """Return the dictionary entries of a table's columns, in order.

    Examples
    --------
    >>> specs("counts")["n_cells"].allowed
    'a whole number, at least 0 (cells)'
    """
    return {name: spec_of(name, column) for name, column in schema_of(table).columns().items()}


def title(table: str) -> str:
    """Return the one-sentence meaning of a table."""
    return (schema_of(table).__doc__ or "").strip().splitlines()[0]


def key_of(table: str) -> tuple[str, ...]:
    """Return the columns whose combination is unique in a table."""
    return tuple(schema_of(table).primary_key())


def blank(table: str) -> pl.DataFrame:
    """Return a table without rows, with every column in its type.

    Examples
    --------
    >>> blank("outcomes").schema
    Schema([('patient_id', String), ('day', Int64), ('kind', String)])
    """
    return pl.DataFrame(schema_of(table).create_empty())


def unknown_table(table: str) -> Problem:
    """Return the problem of a table that does not exist."""
    return Problem(table, None, None, f"table '{table}'", ", ".join(TABLES), "rename the table")
