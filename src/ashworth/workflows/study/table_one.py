"""Table 1: patients by marker group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from ashworth.workflows.study.coding import Coding, level_texts
from ashworth.workflows.study.groups import MarkerGroups

SCHEMA = {
    "characteristic": pl.String,
    "level": pl.String,
    "group": pl.String,
    "n": pl.Int64,
    "share": pl.Float64,
    "median": pl.Float64,
    "q1": pl.Float64,
    "q3": pl.Float64,
    "p_value": pl.Float64,
    "test": pl.String,
}
ALL = "All"


def table_one(
    members: pl.DataFrame, patients: pl.DataFrame, codings: Sequence[Coding], groups: MarkerGroups
) -> pl.DataFrame:
    """Describe the assessable patients of one time point.

    Parameters
    ----------
    members : polars.DataFrame
        patient_id and group of the assessable patients.
    patients : polars.DataFrame
        The patients table.
    codings : sequence of Coding
        What to describe: numbers by median and quartiles, factors by n and share.
    groups : MarkerGroups
        Its labels give the columns.

    Returns
    -------
    polars.DataFrame
        Long table: characteristic, level, group ('All', then the groups), n, share (of those with a
        value), median, q1, q3, p_value and test (Kruskal-Wallis for numbers; Pearson's
        chi-square for factors, Fisher's exact test for two by two tables with an expected count
        below 5). Patients without a value form the level 'missing' and are in no share.
    """
    aligned = members.select("patient_id", "group").join(
        patients, on="patient_id", how="left", maintain_order="left"
    )
    labels = [ALL, *groups.labels]
    parts = {g: aligned if g == ALL else aligned.filter(pl.col("group") == g) for g in labels}
    rows: list[tuple[object, ...]] = []
    for coding in codings:
        make = _number_rows if coding.kind == "number" else _factor_rows
        rows.extend(make(coding, parts))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _number_rows(coding: Coding, parts: dict[str, pl.DataFrame]) -> list[tuple[object, ...]]:
    """Median and quartiles of a number, per group."""
    values = {
        g: f[coding.column].cast(pl.Float64).drop_nulls().to_numpy() for g, f in parts.items()
    }
    p_value, test = _kruskal([v for g, v in values.items() if g != ALL])
    name = coding.label + (f", {coding.unit}" if coding.unit else "")
    rows: list[tuple[object, ...]] = []
    for group, v in values.items():
        quartiles = np.quantile(v, [0.5, 0.25, 0.75]).tolist() if v.size else [None] * 3
        rows.append((name, "", group, v.size, None, *quartiles, p_value, test))
    return rows + _missing_rows(name, coding, parts)


def _factor_rows(coding: Coding, parts: dict[str, pl.DataFrame]) -> list[tuple[object, ...]]:
    """Counts and shares of a factor, per group and level."""
    texts = {g: level_texts(f, coding.column) for g, f in parts.items()}
    counts = {g: [int((t == v).sum()) for v in coding.levels] for g, t in texts.items()}
    p_value, test = _association([c for g, c in counts.items() if g != ALL])
    rows: list[tuple[object, ...]] = []
    for group, numbers in counts.items():
        known = sum(numbers)
        for level, n in zip(coding.levels, numbers, strict=True):
            share = n / known if known else None
            label = level.replace("_", " ")
            rows.append((coding.label, label, group, n, share, None, None, None, p_value, test))
    return rows + _missing_rows(coding.label, coding, parts)


def _missing_rows(
    name: str, coding: Coding, parts: dict[str, pl.DataFrame]
) -> list[tuple[object, ...]]:
    """One row per group for missing values, if anybody lacks one."""
    missing = {g: int(level_texts(f, coding.column).is_null().sum()) for g, f in parts.items()}
    if not missing[ALL]:
        return []
    return [(name, "missing", g, n, None, None, None, None, None, None) for g, n in missing.items()]


def _kruskal(samples: list[np.ndarray]) -> tuple[float | None, str | None]:
    """Kruskal-Wallis test of two or more samples."""
    if min(s.size for s in samples) == 0 or np.unique(np.concatenate(samples)).size < 2:
        return None, None
    from scipy.stats import kruskal

    return float(kruskal(*samples).pvalue), "Kruskal-Wallis"


def _association(counts: list[list[int]]) -> tuple[float | None, str | None]:
    """Test of association between group and level."""
    table = np.array(counts)
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2 or (table.sum(axis=1) == 0).any():
        return None, None
    from scipy.stats import chi2_contingency, fisher_exact
    from scipy.stats.contingency import expected_freq

    if table.shape == (2, 2) and expected_freq(table).min() < 5:
        return float(fisher_exact(table)[1]), "Fisher's exact"
    return float(chi2_contingency(table, correction=False)[1]), "chi-square"
