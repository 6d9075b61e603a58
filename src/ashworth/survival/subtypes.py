"""Classes of patients from conditions that are data, with three truth values."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from operator import and_, or_
from typing import Any

import polars as pl

from ashworth.definitions.loader import load
from ashworth.definitions.models import Condition, Subtype
from ashworth.survival.frames import columns_of
from ashworth.version import __version__

_NO_CLASS = "none"


@dataclass(frozen=True, slots=True)
class SubtypeResult:
    """Class of every patient.

    Attributes
    ----------
    classes : polars.DataFrame
        patient_id, definition, subtype and missing, in order of patient_id. The subtype is null
        where it is unknown (`missing` names the empty columns) and ``"none"`` where no class
        fits.
    definition, method, options, version : str, str, dict, str
        Which classification, how and by which version.
    n, n_unknown : int
        Patients, and those of unknown class.
    """

    classes: pl.DataFrame
    definition: str
    method: str
    n: int
    n_unknown: int
    options: dict[str, Any]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """Give the classes."""
        return self.classes


def classify_subtype(patients: Any, subtype: str | Subtype = "paddy-luminal-b") -> SubtypeResult:
    """Give every patient the first class whose condition holds.

    A test of a missing value is neither true nor false; *and*, *or* and *not* follow Kleene. If
    a condition is undecided before one holds, the class is unknown (null).

    Parameters
    ----------
    patients : frame, polars or pandas
        patient_id and the columns that the definition reads (`Subtype.columns`).
    subtype : str or Subtype
        Id of a shipped classification, or a definition.

    Returns
    -------
    SubtypeResult

    Raises
    ------
    InputError
        If a needed column is not there.

    References
    ----------
    Kleene SC. Introduction to Metamathematics. 1952, section 64.

    Examples
    --------
    >>> patients = pl.DataFrame({
    ...     "patient_id": ["a", "b"], "er_status": ["positive", "positive"],
    ...     "pr_status": ["negative", None], "her2_status": ["negative", "negative"],
    ...     "grade": [3, None],
    ... })
    >>> classify_subtype(patients).classes["subtype"].to_list()
    ['luminal_b', None]
    """
    definition = load("subtype", subtype) if isinstance(subtype, str) else subtype
    table = _columns(patients, definition)
    subtype_of = _first_class(definition, table.schema)
    classes = table.select(
        "patient_id",
        pl.lit(definition.id).alias("definition"),
        subtype_of.alias("subtype"),
        _missing(definition).alias("missing"),
    ).with_columns(pl.when(pl.col("subtype").is_null()).then("missing").alias("missing"))
    return SubtypeResult(
        classes=classes,
        definition=definition.id,
        method="first class whose condition holds, three truth values",
        n=classes.height,
        n_unknown=classes["subtype"].null_count(),
        options={"definition_version": definition.version},
    )


def _columns(patients: Any, definition: Subtype) -> pl.DataFrame:
    """Take the needed columns, words for missing made null, in order of patient."""
    table = columns_of(patients, ("patient_id", *definition.columns()), "patients")
    words = [
        pl.when(~pl.col(c).is_in(definition.missing_values)).then(c).alias(c)
        for c in definition.columns()
        if table.schema[c] == pl.String
    ]
    return table.with_columns(words).sort("patient_id")


def _first_class(definition: Subtype, schema: pl.Schema) -> pl.Expr:
    """Chain the classes: true takes it, undecided stops with null, false goes on."""
    answer = pl.lit(_NO_CLASS)
    for row in reversed(definition.classes):
        holds = _holds(row.when, schema)
        unknown = pl.lit(None, pl.String)
        otherwise = pl.when(holds.is_null()).then(unknown).otherwise(answer)
        answer = pl.when(holds).then(pl.lit(row.name)).otherwise(otherwise)
    return answer


def _holds(condition: Condition, schema: pl.Schema) -> pl.Expr:
    """Translate a condition; null is the third truth value."""
    if condition.column is not None:
        numeric = schema[condition.column].is_numeric()
        return _test(condition, condition.column, numeric=numeric)
    join: Callable[[Any, Any], Any] = and_ if condition.all_of is not None else or_
    parts = condition.all_of or condition.any_of or condition.none_of or ()
    joined = functools.reduce(join, (_holds(part, schema) for part in parts))
    return ~joined if condition.none_of is not None else joined


def _test(condition: Condition, column: str, *, numeric: bool) -> pl.Expr:
    """Test one column against its values and limits."""
    value = pl.col(column)
    tests: list[pl.Expr] = []
    if condition.one_of is not None:
        wanted = [v if numeric else str(v) for v in condition.one_of]
        same = value if numeric else value.cast(pl.String)
        tests.append(functools.reduce(or_, (same == pl.lit(v) for v in wanted)))
    if condition.at_least is not None:
        tests.append(value >= condition.at_least)
    if condition.at_most is not None:
        tests.append(value <= condition.at_most)
    return functools.reduce(and_, tests)


def _missing(definition: Subtype) -> pl.Expr:
    """Name the empty columns of each row."""
    names = [pl.when(pl.col(c).is_null()).then(pl.lit(c)) for c in definition.columns()]
    return pl.concat_str(names, separator=", ", ignore_nulls=True)
