"""The registry of rules between tables, and the runs that stand in where none are given.

A rule is a function of the tables (each with a ``_row`` column) and the expectations of the
study; it returns the problems it finds. It skips what it needs and does not get, and it never
blames a row for a fault in another.
"""

from __future__ import annotations

import polars as pl

from ashworth.errors import Problem
from ashworth.records import rules_course, rules_laboratory
from ashworth.records.anti_joins import Expectations, Rule, Tables
from ashworth.records.checks import ROW
from ashworth.records.schemas import blank

__all__ = ["RULES", "Expectations", "check_tables", "default_runs"]

RULES: tuple[Rule, ...] = (
    rules_course.patient_known,
    rules_laboratory.specimen_known,
    rules_laboratory.run_known,
    rules_laboratory.cell_known,
    rules_laboratory.only_done_runs_count,
    rules_laboratory.done_runs_have_counts,
    rules_laboratory.assay_known,
    rules_laboratory.denominator_given,
    rules_laboratory.matrix_fits,
    rules_laboratory.laboratory_days_in_order,
    rules_laboratory.analysed_within_drawn,
    rules_course.days_in_order,
    rules_course.one_death,
    rules_course.nothing_after_death,
    rules_course.status_before_death,
    rules_course.event_code_allowed,
)


def check_tables(tables: Tables, expectations: Expectations | None = None) -> list[Problem]:
    """Run every rule on the tables that are there.

    Parameters
    ----------
    tables : mapping of str to polars.DataFrame
        Typed tables; a ``_row`` column gives the row numbers of the input, without it the first
        row is row 2.
    expectations : Expectations, optional
        What the definitions of the study demand.

    Examples
    --------
    >>> patients = blank("patients")
    >>> outcomes = pl.DataFrame({"patient_id": ["P9"], "day": [3], "kind": ["last_contact"]})
    >>> print(check_tables({"patients": patients, "outcomes": outcomes})[0])
    outcomes, row 2, column 'patient_id': found 'P9'; allowed: a patient_id of the table patients; \
mend: correct it (spelling, leading zeros), or add the patient
    """
    numbered = {name: _numbered(frame) for name, frame in tables.items()}
    return [p for rule in RULES for p in rule(numbered, expectations or Expectations())]


def _numbered(frame: pl.DataFrame) -> pl.DataFrame:
    if ROW in frame.columns:
        return frame
    return frame.with_columns(pl.int_range(2, pl.len() + 2, dtype=pl.Int64).alias(ROW))


def default_runs(specimens: pl.DataFrame, counts: pl.DataFrame, assay: str) -> pl.DataFrame:
    """Derive assay_runs where none are given.

    A run is ``done`` where a count exists; a specimen without any count gets run ``"1"`` with
    outcome ``not_done``.

    Examples
    --------
    >>> specimens = pl.DataFrame({"patient_id": ["P1", "P1"], "specimen_id": ["S1", "S2"]})
    >>> counts = pl.DataFrame({"patient_id": ["P1"], "specimen_id": ["S1"], "run_id": ["1"]})
    >>> default_runs(specimens, counts, "cellsearch-ctc")["outcome"].to_list()
    ['done', 'not_done']
    """
    key = ["patient_id", "specimen_id"]
    done = counts.select(*key, "run_id").unique().with_columns(outcome=pl.lit("done"))
    rest = specimens.select(key).join(counts.select(key), on=key, how="anti")
    rest = rest.with_columns(run_id=pl.lit("1"), outcome=pl.lit("not_done"))
    runs = pl.concat([done, rest]).with_columns(assay=pl.lit(assay))
    return pl.concat([blank("assay_runs"), runs], how="diagonal").sort(*key, "run_id")
