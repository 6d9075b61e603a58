"""Calls to counts: how many cells of each phenotype a caller found in each evaluated run."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import polars as pl

from ashworth.definitions.models import Assay
from ashworth.enumeration.tubes import DENOMINATORS
from ashworth.errors import InputError, Problem
from ashworth.records import check_tables, validate
from ashworth.version import __version__

Counting: TypeAlias = Literal["as_one", "each_cell", "separately", "not_counted"]
Callers: TypeAlias = Sequence[str] | pl.DataFrame
_RUN = ["patient_id", "specimen_id", "run_id"]
_KEY = [*_RUN, "phenotype", "caller"]
_APOPTOTIC = "apoptotic_ctc"


@dataclass(frozen=True, slots=True)
class CallCounts:
    """Counts with what they were made from.

    Attributes
    ----------
    counts : polars.DataFrame
        Table `counts`: patient_id, specimen_id, run_id, phenotype, caller, n_cells, volume_ml,
        nucleated_cells (null where the assay does not demand it).
    classes : polars.DataFrame
        Calls per run, caller and class, whether counted or not: patient_id, specimen_id, run_id,
        caller, call, n_calls.
    uncounted : polars.DataFrame
        Runs of the assay that have no count, with the reason: patient_id, specimen_id, run_id,
        caller (null where it holds for all), reason.
    notes : tuple of str
        What was assumed, for the report.
    n : int
        Rows of `counts`.
    """

    counts: pl.DataFrame
    classes: pl.DataFrame
    uncounted: pl.DataFrame
    notes: tuple[str, ...]
    n: int
    method: str
    options: dict[str, object]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """Return the counts, sorted by key."""
        return self.counts


def count_calls(
    calls: pl.DataFrame,
    runs: pl.DataFrame,
    *,
    assay: Assay,
    cells: pl.DataFrame | None = None,
    callers: Callers | None = None,
    phenotypes: Mapping[str, Collection[str]] | None = None,
    clusters: Counting | None = None,
    apoptotic: Counting | None = None,
    without_amount: bool = False,
) -> CallCounts:
    """Count the called cells of every run that was evaluated.

    A run that was evaluated and has no such call has a count of zero. A run whose outcome is
    another than ``done`` has no count, nor has one in which a caller called every cell
    ``not_evaluable``: nothing was seen there, which is not zero.

    Parameters
    ----------
    calls : polars.DataFrame
        Table `calls`.
    runs : polars.DataFrame
        Table `assay_runs` with the denominator that the assay demands as a further column:
        ``volume_ml`` analysed, or ``nucleated_cells`` screened. Runs of other assays are left
        out.
    assay : Assay
        Its definition says how clusters and apoptotic cells count.
    cells : polars.DataFrame, optional
        Table `cells` with `cluster_id`; needed unless each cell of a cluster counts.
    callers : sequence of str, or frame of run key and caller, optional
        Who evaluated every run; or, as a frame, who evaluated which. May be left out where
        `calls` has exactly one caller, who is then taken to have evaluated every run.
    phenotypes : mapping of str to collection of str, optional
        Classes of calls that make up each phenotype; by default the assay's phenotype is
        ``ctc``. One that names ``apoptotic_ctc`` settles it without `apoptotic`.
    clusters, apoptotic : {'as_one', 'each_cell', 'separately', 'not_counted'}, optional
        Take the place of the definition's convention. Where the definition leaves it to the
        study (``study_defined``, ``unknown``) and nothing is given here, each cell of a cluster
        counts, apoptotic cells are counted separately, and a note says so.
    without_amount : bool
        Count also done runs whose denominator is not known; such a count has no rate and no
        status until the denominator is there.

    Returns
    -------
    CallCounts

    Raises
    ------
    InputError
        With all problems: tables that do not fit their schema, calls without run or cell, a done
        run without its denominator, callers that are not said, clusters without `cells`.

    Notes
    -----
    A cluster is two or more counted cells of one `cluster_id`. ``separately`` counts clusters
    under ``<phenotype>_cluster`` and apoptotic cells under ``<phenotype>_apoptotic``.

    Examples
    --------
    >>> from ashworth import definitions
    >>> key = {"patient_id": "p1", "run_id": "1"}
    >>> runs = pl.DataFrame([key | {"specimen_id": s, "assay": "cellsearch-ctc", "outcome": o,
    ...     "volume_ml": 7.5} for s, o in (("s1", "done"), ("s2", "done"), ("s3", "failed"))])
    >>> calls = pl.DataFrame([key | {"specimen_id": "s1", "cell_id": c, "caller": "gates@1",
    ...     "call": call} for c, call in (("a", "ctc"), ("b", "leukocyte"), ("c", "ctc"))])
    >>> counted = count_calls(calls, runs, assay=definitions.load("assay", "cellsearch-ctc"))
    >>> counted.table()["specimen_id", "phenotype", "n_cells", "volume_ml"].rows()
    [('s1', 'ctc', 2, 7.5), ('s2', 'ctc', 0, 7.5)]
    >>> counted.uncounted["specimen_id", "reason"].rows()
    [('s3', 'failed')]
    """
    _demand_tables(calls, runs, cells, assay, without_amount=without_amount)
    here = runs.filter(pl.col("assay") == assay.id)
    calls = calls.join(here.select(_RUN), on=_RUN, how="semi")
    conventions, notes = _conventions(assay, clusters, apoptotic)
    membership = _membership(assay, phenotypes, conventions["apoptotic"])
    done = here.filter(pl.col("outcome") == "done")
    evaluated = _evaluated(calls, done, callers)
    classes = _classes(calls, evaluated)
    void = _void(classes)
    seen = evaluated.join(void, on=[*_RUN, "caller"], how="anti")
    called = calls.join(seen, on=[*_RUN, "caller"], how="semi").join(membership, on="call")
    found = _clustered(called, cells, conventions["clusters"])
    names = _phenotypes_of(membership, conventions["clusters"])
    amounts = done.select(
        *_RUN, *(n for n in DENOMINATORS if n == assay.denominator and n in done.columns)
    )
    counts = _with_zeros(found, seen, names, amounts)
    return CallCounts(
        counts,
        classes,
        _uncounted(here, void),
        (*notes, *_left_out(calls, done)),
        counts.height,
        "called cells per run, caller and phenotype",
        {**conventions, "phenotypes": tuple(names), "assay": f"{assay.id}@{assay.version}"},
    )


def _demand_tables(
    calls: pl.DataFrame,
    runs: pl.DataFrame,
    cells: pl.DataFrame | None,
    assay: Assay,
    *,
    without_amount: bool,
) -> None:
    """Raise every fault of the tables at once."""
    problems = validate(runs, "assay_runs") + validate(calls, "calls")
    if not problems:
        tables = {"assay_runs": runs, "calls": calls}
        tables |= {} if cells is None else {"cells": cells}
        problems = check_tables(tables) + _bare(runs, assay, optional=without_amount)
    if problems:
        raise InputError(problems, subject="the calls and their runs")


def _bare(runs: pl.DataFrame, assay: Assay, *, optional: bool) -> list[Problem]:
    """Done runs without a usable denominator; an optional one may be absent, not wrong."""
    name = assay.denominator
    remedy = f"add {name}: what was analysed, not what was drawn"
    if name not in runs.columns:
        lacking = Problem("assay_runs", None, name, "no such column", f"'{name}'", remedy)
        return [] if optional else [lacking]
    amount = pl.col(name).cast(pl.Float64, strict=False)
    demanded = (pl.col("assay") == assay.id) & (pl.col("outcome") == "done")
    good = (amount.is_finite() & (amount > 0)).fill_null(False)
    if optional:
        good = good | pl.col(name).is_null()
    bare = runs.with_row_index("row", offset=2).filter(demanded & ~good)
    return [
        Problem("assay_runs", row, name, str(value), "an amount above 0", remedy)
        for row, value in bare.select("row", name).iter_rows()
    ]


def _conventions(
    assay: Assay, clusters: Counting | None, apoptotic: Counting | None
) -> tuple[dict[str, Counting], list[str]]:
    """How clusters and apoptotic cells count, and what was assumed."""
    asked: tuple[tuple[str, Counting | None, Counting], ...]
    asked = (("clusters", clusters, "each_cell"), ("apoptotic", apoptotic, "separately"))
    out, notes = {}, []
    for kind, given, default in asked:
        if given is not None and given not in get_args(Counting):
            raise ValueError(f"{kind} is {given!r}; allowed: {', '.join(get_args(Counting))}")
        stated = getattr(assay, kind).count
        left_open = stated not in get_args(Counting)
        out[kind] = given or (default if left_open else stated)
        if left_open and given is None:
            notes.append(f"{kind}: the assay says {stated}; taken as {default}")
    return out, notes


def _membership(
    assay: Assay, phenotypes: Mapping[str, Collection[str]] | None, apoptotic: Counting
) -> pl.DataFrame:
    """Pairs of call and phenotype that count."""
    given = phenotypes or {assay.phenotype: ("ctc",)}
    pairs = [(call, name) for name, classes in given.items() for call in classes]
    if not any(call == _APOPTOTIC for call, _ in pairs):
        tumour = [name for call, name in pairs if call == "ctc"]
        if apoptotic in ("as_one", "each_cell"):
            pairs += [(_APOPTOTIC, name) for name in tumour]
        elif apoptotic == "separately":
            pairs += [(_APOPTOTIC, f"{name}_apoptotic") for name in tumour]
    return pl.DataFrame(pairs, schema={"call": pl.String, "phenotype": pl.String}, orient="row")


def _phenotypes_of(membership: pl.DataFrame, clusters: Counting) -> list[str]:
    names = membership["phenotype"].unique().sort().to_list()
    return names + ([f"{n}_cluster" for n in names] if clusters == "separately" else [])


def _evaluated(calls: pl.DataFrame, done: pl.DataFrame, callers: Callers | None) -> pl.DataFrame:
    """Pairs of done run and caller that were evaluated."""
    named = calls["caller"].unique().sort().to_list()
    if callers is None:
        if len(named) != 1:
            raise InputError([_say_who(f"{len(named)} callers ({', '.join(named) or 'none'})")])
        callers = named
    if not isinstance(callers, pl.DataFrame):
        who = pl.DataFrame({"caller": pl.Series(list(callers), dtype=pl.String)})
        evaluated = done.select(_RUN).join(who, how="cross")
    else:
        evaluated = callers.select(*_RUN, "caller").join(done, on=_RUN, how="semi").unique()
    pairs = calls.join(done, on=_RUN, how="semi").select(*_RUN, "caller").unique()
    lost = pairs.join(evaluated, on=[*_RUN, "caller"], how="anti").sort(*_RUN, "caller")
    if lost.height:
        raise InputError([_say_who("calls of " + " / ".join(row)) for row in lost.iter_rows()])
    return evaluated


def _say_who(found: str) -> Problem:
    return Problem(
        "calls", None, "caller", found, "callers whose evaluated runs are known",
        "give callers: without them a run without a call could be zero or not looked at",
    )  # fmt: skip


def _classes(calls: pl.DataFrame, evaluated: pl.DataFrame) -> pl.DataFrame:
    key = [*_RUN, "caller"]
    kept = calls.join(evaluated, on=key, how="semi")
    return kept.group_by(*key, "call").agg(pl.len().cast(pl.Int64).alias("n_calls")).sort(
        *key, "call"
    )  # fmt: skip


def _void(classes: pl.DataFrame) -> pl.DataFrame:
    """Pairs of run and caller in which no cell was evaluable."""
    blind = (pl.col("call") == "not_evaluable").all().alias("blind")
    return classes.group_by(*_RUN, "caller").agg(blind).filter("blind").drop("blind")


def _clustered(
    called: pl.DataFrame, cells: pl.DataFrame | None, clusters: Counting
) -> pl.DataFrame:
    """One row per thing to count, with its key."""
    if clusters == "each_cell":
        return called.select(_KEY)
    if cells is None or "cluster_id" not in cells.columns:
        raise InputError(
            [Problem("cells", None, "cluster_id", "no such column",
                     f"cells with cluster_id, for clusters counted '{clusters}'",
                     "give cells, or clusters='each_cell'")]
        )  # fmt: skip
    place = cells.select(*_RUN, "cell_id", "cluster_id")
    joined = called.join(place, on=[*_RUN, "cell_id"], how="left")
    size = pl.len().over([*_KEY, "cluster_id"])
    clustered = pl.col("cluster_id").is_not_null() & (size >= 2)
    joined = joined.with_columns(clustered.alias("clustered"))
    single = joined.filter(~pl.col("clustered")).select(_KEY)
    whole = joined.filter("clustered").select(*_KEY, "cluster_id").unique().select(_KEY)
    if clusters == "not_counted":
        return single
    if clusters == "separately":
        whole = whole.with_columns(pl.col("phenotype") + "_cluster")
    return pl.concat([single, whole])


def _with_zeros(
    found: pl.DataFrame, seen: pl.DataFrame, names: list[str], amounts: pl.DataFrame
) -> pl.DataFrame:
    """Count by key; what was evaluated and not found is zero."""
    phenotypes = pl.DataFrame({"phenotype": pl.Series(names, dtype=pl.String)})
    counted = found.group_by(_KEY).agg(pl.len().cast(pl.Int64).alias("n_cells"))
    grid = seen.join(phenotypes, how="cross").join(counted, on=_KEY, how="left")
    whole = grid.with_columns(pl.col("n_cells").fill_null(0)).join(amounts, on=_RUN, how="left")
    denominators = [
        (pl.col(name) if name in whole.columns else pl.lit(None)).cast(pl.Float64).alias(name)
        for name in DENOMINATORS
    ]
    return whole.select(*_KEY, "n_cells", *denominators).sort(_KEY)


def _uncounted(runs: pl.DataFrame, void: pl.DataFrame) -> pl.DataFrame:
    nobody = pl.lit(None, dtype=pl.String).alias("caller")
    other = runs.filter(pl.col("outcome") != "done")
    other = other.select(*_RUN, nobody, pl.col("outcome").alias("reason"))
    blind = void.select(*_RUN, "caller", pl.lit("no cell was evaluable").alias("reason"))
    return pl.concat([other, blind]).sort(*_RUN, "caller")


def _left_out(calls: pl.DataFrame, done: pl.DataFrame) -> list[str]:
    n = calls.join(done, on=_RUN, how="anti").height
    return [f"{n} calls of runs that are not done were left out"] if n else []
