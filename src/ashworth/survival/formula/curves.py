"""Curves and the log-rank test by formula."""

from __future__ import annotations

from typing import Any, Literal

from ashworth.errors import EstimationError
from ashworth.survival.curves.kaplan_meier_curves import KaplanMeier, kaplan_meier
from ashworth.survival.curves.log_rank_test import log_rank
from ashworth.survival.formula.design import combined
from ashworth.survival.formula.grammar import Parsed, parse
from ashworth.survival.formula.model import check_outcome, outcome_of
from ashworth.survival.formula.rows import complete_rows, read_table
from ashworth.survival.results import TestResult

Limits = Literal["plain", "log", "log-log", "logit", "arcsin"]


def _groups(parsed: Parsed, subject: str) -> list[str]:
    """Columns of the right side, each a term of its own."""
    columns = [t.strip("`") for t in parsed.terms]
    wrong = [c for c in columns if c not in parsed.covariates]
    if wrong or parsed.cluster or parsed.offsets:
        raise EstimationError(
            f"{subject}: the formula '{parsed.text}' has more than columns of groups on the right; "
            "allowed: surv(time, event) ~ group, ~ a + b (their combinations), or ~ 1"
        )
    return columns


def kaplan_meier_formula(
    formula: str, data: Any, *, ci: Limits = "log-log", level: float = 0.95
) -> KaplanMeier:
    """Kaplan-Meier curves by formula.

    Parameters
    ----------
    formula : str
        ``surv(time, event) ~ group``, ``~ a + b`` for their combinations, ``~ 1`` for all.
    data : frame (polars or pandas) or dict of columns
        One row per subject.
    ci, level
        As for `kaplan_meier`.

    Returns
    -------
    KaplanMeier

    Raises
    ------
    InputError, EstimationError
        As for `cox_formula`, and for terms that are no columns.

    Warns
    -----
    MissingRowsWarning
        Where rows are left out for a missing group.
    """
    parsed = parse(formula)
    columns = _groups(parsed, "kaplan_meier_formula")
    if parsed.strata:
        raise EstimationError(
            "kaplan_meier_formula: strata() has no meaning for curves; name it as a group"
        )
    table = read_table(data, [*parsed.outcome, *columns], "kaplan_meier_formula")
    check_outcome(parsed, table, "kaplan_meier_formula")
    rows = complete_rows(table, columns, "kaplan_meier_formula")
    time, event, entry = outcome_of(parsed, rows.table)
    group = combined(rows.table, columns)
    return kaplan_meier(time, event, group=group, entry=entry, ci=ci, level=level)


def log_rank_formula(formula: str, data: Any, *, rho: float = 0.0) -> TestResult:
    """Log-rank test by formula.

    Parameters
    ----------
    formula : str
        ``surv(time, event) ~ group``, with ``+ strata(centre)`` if wanted.
    data : frame (polars or pandas) or dict of columns
        One row per subject.
    rho : float
        As for `log_rank`.

    Returns
    -------
    TestResult

    Raises
    ------
    InputError, EstimationError
        As for `cox_formula`, and for terms that are no columns.

    Warns
    -----
    MissingRowsWarning
        Where rows are left out for a missing group or stratum.
    """
    parsed = parse(formula)
    columns = _groups(parsed, "log_rank_formula")
    if not columns:
        raise EstimationError(f"log_rank_formula: no groups in '{formula}'")
    needed = [*columns, *parsed.strata]
    table = read_table(data, [*parsed.outcome, *needed], "log_rank_formula")
    check_outcome(parsed, table, "log_rank_formula")
    rows = complete_rows(table, needed, "log_rank_formula")
    time, event, entry = outcome_of(parsed, rows.table)
    strata = combined(rows.table, parsed.strata)
    return log_rank(time, event, combined(rows.table, columns), strata=strata, entry=entry, rho=rho)
