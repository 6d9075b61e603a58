"""The class of a pair of draws, and the test whether the count changed."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ashworth.definitions.models import DynamicsRule
from ashworth.enumeration.change import TwoSided, change_test
from ashworth.errors import InputError, Problem
from ashworth.version import __version__

_NEEDED = ("patient_id", "timepoint", "specimen_day", "status", "n_cells", "denominator", "reason")


@dataclass(frozen=True, slots=True)
class Dynamics:
    """Classes of change between two time points.

    Attributes
    ----------
    dynamics : polars.DataFrame
        patient_id, from_timepoint, to_timepoint, rule, rule_version, dynamics_class (null with a
        reason), from_day, to_day, n_from, n_to, denominator_from, denominator_to,
        change_p_value, change_direction, reason.
    """

    dynamics: pl.DataFrame
    rule: str
    rule_version: int
    n: int
    method: str
    options: dict[str, str]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """Return the pairs, sorted by patient."""
        return self.dynamics


def dynamics(
    statuses_from: pl.DataFrame,
    statuses_to: pl.DataFrame,
    rule: DynamicsRule,
    *,
    two_sided: TwoSided = "doubling",
) -> Dynamics:
    """Class every patient's change from one time point to a later one.

    Parameters
    ----------
    statuses_from, statuses_to : polars.DataFrame
        Tables `statuses` of one time point each, by a positivity rule with the same cut-off as
        the dynamics rule. Patients of the first table are classed; one row per patient.
    rule : DynamicsRule
        Classes as data.
    two_sided : {'doubling', 'minimum_likelihood'}
        Of the exact conditional test, see `change_test`. It stands beside the class and does not
        decide it: most small crossings of a cut-off are counting noise.

    Returns
    -------
    Dynamics

    Raises
    ------
    InputError
        With all problems: columns, several time points in one table, a patient twice, a later
        draw that is not later, statuses that contradict the rule's cut-off.

    Notes
    -----
    CTC clearance is not a validated surrogate.

    Examples
    --------
    >>> from ashworth import definitions
    >>> rule = definitions.load("dynamics_rule", "ctc-dynamics-5")
    >>> common = {"patient_id": ["p1"], "denominator": [7.5], "reason": [""]}
    >>> before = pl.DataFrame(common | {"timepoint": ["baseline"], "specimen_day": [0],
    ...                                 "status": ["positive"], "n_cells": [12]})
    >>> after = pl.DataFrame(common | {"timepoint": ["first"], "specimen_day": [28],
    ...                                "status": ["negative"], "n_cells": [2]})
    >>> dynamics(before, after, rule).table()["dynamics_class", "change_direction"].rows()
    [('decrease', 'down')]
    """
    _demand(statuses_from, statuses_to, rule)
    pairs = (
        statuses_from.select(_NEEDED)
        .join(statuses_to.select(_NEEDED), on="patient_id", how="left", suffix="_to")
        .sort("patient_id")
    )
    _demand_order(pairs)
    table = _with_test(_with_class(pairs, rule), two_sided)
    return Dynamics(
        dynamics=_as_dynamics(table, rule, statuses_to["timepoint"].first()),
        rule=rule.id,
        rule_version=rule.version,
        n=table.height,
        method=f"exact conditional test, two-sided by {two_sided.replace('_', ' ')}",
        options={"two_sided": two_sided},
    )


def _as_dynamics(table: pl.DataFrame, rule: DynamicsRule, later: object) -> pl.DataFrame:
    """Bring everything into the columns of `dynamics`."""
    return table.select(
        "patient_id",
        pl.col("timepoint").alias("from_timepoint"),
        pl.col("timepoint_to").fill_null(pl.lit(later, dtype=pl.String)).alias("to_timepoint"),
        pl.lit(rule.id).alias("rule"),
        pl.lit(rule.version, dtype=pl.Int64).alias("rule_version"),
        "dynamics_class",
        pl.col("specimen_day").cast(pl.Int64).alias("from_day"),
        pl.col("specimen_day_to").cast(pl.Int64).alias("to_day"),
        pl.col("n_cells").cast(pl.Int64).alias("n_from"),
        pl.col("n_cells_to").cast(pl.Int64).alias("n_to"),
        pl.col("denominator").cast(pl.Float64).alias("denominator_from"),
        pl.col("denominator_to").cast(pl.Float64),
        "change_p_value",
        "change_direction",
        pl.col("class_reason").alias("reason"),
    )


def _with_class(pairs: pl.DataFrame, rule: DynamicsRule) -> pl.DataFrame:
    """Look the pair of statuses up; say why where there is no class."""
    classes = pl.DataFrame(
        [(c.from_status, c.to_status, c.name) for c in rule.classes],
        schema=["status", "status_to", "dynamics_class"],
        orient="row",
    )
    joined = pairs.join(classes, on=["status", "status_to"], how="left", maintain_order="left")
    why = (
        pl.when(pl.col("status") == "not_assessable")
        .then(pl.lit("first draw not assessable: ") + pl.col("reason"))
        .when(pl.col("status_to").is_null())
        .then(pl.lit("no later draw"))
        .when(pl.col("status_to") == "not_assessable")
        .then(pl.lit("later draw not assessable: ") + pl.col("reason_to"))
        .when(pl.col("dynamics_class").is_null())
        .then(pl.format("the rule has no class for {} to {}", "status", "status_to"))
        .otherwise(pl.lit(""))
    )
    return joined.with_columns(why.alias("class_reason"))


def _with_test(pairs: pl.DataFrame, two_sided: TwoSided) -> pl.DataFrame:
    """Test every pair of assessable counts."""
    names = ["n_cells", "n_cells_to", "denominator", "denominator_to"]
    shown = (pl.col("status") != "not_assessable") & (pl.col("status_to") != "not_assessable")
    usable = pairs.select(
        shown.fill_null(False) & pl.all_horizontal(pl.col(n).is_not_null() for n in names)
    ).to_series()
    values = pairs.filter(usable).select(pl.col(n).cast(pl.Float64) for n in names)
    result = change_test(*(values[n].to_numpy() for n in names), two_sided=two_sided)
    tested = pairs.filter(usable).select(
        "patient_id",
        pl.Series("change_p_value", result.p_value),
        pl.Series("change_direction", result.direction.tolist(), dtype=pl.String),
    )
    return pairs.join(tested, on="patient_id", how="left", maintain_order="left")


def _demand(before: pl.DataFrame, after: pl.DataFrame, rule: DynamicsRule) -> None:
    """Check each table by itself; all problems at once."""
    problems: list[Problem] = []
    for name, frame in (("statuses_from", before), ("statuses_to", after)):
        missing = [c for c in _NEEDED if c not in frame.columns]
        problems += [Problem(name, None, c, "no such column", "the columns of statuses",
                             "add the column") for c in missing]  # fmt: skip
        if missing:
            continue
        points = frame["timepoint"].unique().sort().to_list()
        if len(points) > 1:
            problems.append(Problem(name, None, "timepoint", ", ".join(map(str, points)),
                                    "one time point", "filter the table first"))  # fmt: skip
        twice = frame.filter(pl.col("patient_id").is_duplicated())["patient_id"].unique().sort()
        problems += [Problem(name, None, "patient_id", f"{p} more than once",
                             "one status per patient", "choose one rule and one row")
                     for p in twice]  # fmt: skip
        problems += _contradictions(name, frame, rule)
    if problems:
        raise InputError(problems, subject="the statuses")


def _contradictions(name: str, frame: pl.DataFrame, rule: DynamicsRule) -> list[Problem]:
    """Find statuses by another cut-off than the dynamics rule's, at exactly its amount."""
    exact = (pl.col("denominator") - rule.amount).abs() <= 1e-9 * rule.amount
    reached = pl.col("n_cells") >= rule.at_least
    shown = pl.col("status") != "not_assessable"
    wrong = frame.filter(shown & exact & (reached != (pl.col("status") == "positive")))
    return [
        Problem(name, None, "status", f"{status} with {cells} cells (patient {patient})",
                f"statuses by at least {rule.at_least} per {rule.amount:g}",
                "call the statuses by a positivity rule with that cut-off and amount")
        for patient, status, cells in wrong.select("patient_id", "status", "n_cells").iter_rows()
    ]  # fmt: skip


def _demand_order(pairs: pl.DataFrame) -> None:
    """Refuse a later draw that is not later."""
    wrong = pairs.filter(pl.col("specimen_day_to") <= pl.col("specimen_day"))
    if wrong.height:
        raise InputError(
            [
                Problem("statuses_to", None, "specimen_day",
                        f"day {row['specimen_day_to']} for patient {row['patient_id']}",
                        f"after day {row['specimen_day']} of the first draw",
                        "exchange the tables, or correct the days")
                for row in wrong.iter_rows(named=True)
            ],
            subject="the statuses",
        )  # fmt: skip
