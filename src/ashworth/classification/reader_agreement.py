"""Agreement of the operator with the software, or of any two readers who say yes or no."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import polars as pl

from ashworth.classification import agreement_measures as measures
from ashworth.classification.agreement_measures import Measure
from ashworth.classification.event_matching import MatchedEvents
from ashworth.errors import InputError, Problem
from ashworth.version import __version__

Universe: TypeAlias = Literal["events", "cells"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """A two by two table of operator and software with its measures.

    Attributes
    ----------
    both, missed, extra, neither : int
        Tumour cell by both; by the operator only; by the software only; by neither.
    measures : polars.DataFrame
        measure, estimate, standard_error, lower, upper. Rows: observed_agreement, kappa,
        prevalence_adjusted_kappa, ac1, positive_agreement, negative_agreement,
        software_sensitivity (both / operator's), confirmed_share (both / software's).
    mcnemar_p_value : float
        Exact, two-sided: whether missed and extra are as frequent.
    listing : polars.DataFrame
        event_id, cell_id, assigned, call, outcome (both, missed, extra, neither,
        not_evaluable); empty for a table of counts.
    n_not_evaluable : int
        Left out of the table, since the software could not judge the cell.
    n : int
        Cells and events in the table.
    """

    both: int
    missed: int
    extra: int
    neither: int
    measures: pl.DataFrame
    mcnemar_p_value: float
    listing: pl.DataFrame
    n_not_evaluable: int
    n: int
    level: float
    method: str
    options: dict[str, str]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """Return the measures, one per row."""
        return self.measures


def agreement(
    matched: MatchedEvents,
    calls: pl.DataFrame,
    *,
    caller: str | None = None,
    tumour: Collection[str] = ("ctc",),
    universe: Universe = "events",
    level: float = 0.95,
) -> Agreement:
    """Compare the operator's assigned events with the calls of the software.

    Parameters
    ----------
    matched : MatchedEvents
        From `match_events`.
    calls : polars.DataFrame
        Table `calls` of the same run: cell_id, caller, call.
    caller : str, optional
        Needed where there are several.
    tumour : collection of str
        Calls that mean a tumour cell.
    universe : {'events', 'cells'}
        What counts as called by neither: ``events``, what the operator was shown and did not
        assign; ``cells``, every other cell of the run too. With thousands of leukocytes the
        second makes the observed agreement nearly 1 whatever the readers do.
    level : float
        Of the limits.

    Returns
    -------
    Agreement
        Events whose cell is ``not_evaluable`` stand in `n_not_evaluable`, not in the table. An
        assigned event without a cell is missed; a cell without an event and called a tumour
        cell is extra.

    Raises
    ------
    InputError
        Several callers without a choice, a cell called twice, a matched cell without a call, or
        nothing to compare.

    Examples
    --------
    >>> from ashworth.classification import match_events
    >>> cells = pl.DataFrame({"cell_id": ["a", "b"], "x_um": [5.0, 50.0], "y_um": [5.0, 50.0]})
    >>> events = pl.DataFrame({"event_id": ["1", "2"], "assigned": [True, False],
    ...     "x_um": [0.0, 45.0], "y_um": [0.0, 45.0], "width_um": 10.0, "height_um": 10.0})
    >>> calls = pl.DataFrame({"cell_id": ["a", "b"], "caller": "gates@1",
    ...                       "call": ["ctc", "leukocyte"]})
    >>> found = agreement(match_events(cells, events), calls)
    >>> found.both, found.missed, found.extra, found.neither
    (1, 0, 0, 1)
    """
    if universe not in ("events", "cells"):
        raise ValueError(f"found universe {universe!r}; allowed: 'events', 'cells'")
    listing = _listing(matched, _one_caller(calls, caller), tumour, universe)
    tally = {name: int((listing["outcome"] == name).sum()) for name in _OUTCOMES}
    void = tally.pop("not_evaluable")
    return _of_counts(tally, listing, void, level, {"universe": universe, "caller": caller or ""})


def agreement_of_counts(
    both: int, missed: int, extra: int, neither: int, *, level: float = 0.95
) -> Agreement:
    """Measures of agreement of a two by two table.

    Parameters
    ----------
    both, missed, extra, neither : int
        Called by both, by the first reader only, by the second only, by neither; >= 0.
    level : float
        Of the limits.

    Returns
    -------
    Agreement
        A measure that is not defined is NaN (kappa where both readers use one and the same
        class; positive agreement where nobody calls anything).

    Raises
    ------
    InputError
        Negative or broken counts, or none at all.

    Notes
    -----
    Kappa by Fleiss, Cohen and Everitt's variance; the prevalence-adjusted kappa is
    2 x observed agreement - 1 with the exact limits of that proportion; AC1, positive and
    negative agreement by the delta method; sensitivity and confirmed share by exact limits.
    Kappa falls where one class is rare though the readers seldom differ: read it beside AC1 and
    the two specific agreements.

    References
    ----------
    Cohen J. Educ Psychol Meas 1960;20:37. Fleiss JL, Cohen J, Everitt BS. Psychol Bull
    1969;72:323. Byrt T, Bishop J, Carlin JB. J Clin Epidemiol 1993;46:423. Cicchetti DV,
    Feinstein AR. J Clin Epidemiol 1990;43:551. Gwet KL. Br J Math Stat Psychol 2008;61:29.
    McNemar Q. Psychometrika 1947;12:153.

    Examples
    --------
    >>> found = agreement_of_counts(118, 5, 2, 0).table()
    >>> found.filter(pl.col("measure").is_in(["kappa", "ac1"]))["estimate"].round(3).to_list()
    [-0.023, 0.941]
    """
    tally = {"both": both, "missed": missed, "extra": extra, "neither": neither}
    problems = [
        Problem("agreement", None, name, str(value), "a whole number, at least 0", "correct it")
        for name, value in tally.items()
        if value < 0 or value != int(value)
    ]
    if problems:
        raise InputError(problems)
    return _of_counts(tally, _no_listing(), 0, level, {})


_OUTCOMES = ("both", "missed", "extra", "neither", "not_evaluable")


def _one_caller(calls: pl.DataFrame, caller: str | None) -> pl.DataFrame:
    """Calls of one caller, one per cell."""
    names = calls["caller"].unique().sort().to_list() if "caller" in calls.columns else []
    if caller is None and len(names) > 1:
        found = ", ".join(map(str, names))
        raise InputError([Problem("calls", None, "caller", found, "one caller", "give caller")])
    mine = calls.filter(pl.col("caller") == caller) if caller is not None else calls
    twice = mine.filter(mine["cell_id"].is_duplicated())["cell_id"].unique().sort()
    if twice.len():
        raise InputError(
            [Problem("calls", None, "cell_id", f"'{c}' more than once", "one call per cell",
                     "filter calls to the run of the events") for c in twice]
        )  # fmt: skip
    return mine.select("cell_id", "call")


def _listing(
    matched: MatchedEvents, calls: pl.DataFrame, tumour: Collection[str], universe: Universe
) -> pl.DataFrame:
    """Events and cells with call and outcome."""
    whole = matched.table().join(calls, on="cell_id", how="left", maintain_order="left")
    bare = whole.filter(pl.col("cell_id").is_not_null() & pl.col("call").is_null())
    if bare.height:
        raise InputError(
            [Problem("calls", None, "cell_id", f"no call of cell '{c}'", "a call of every cell",
                     "add the call, or choose another caller") for c in bare["cell_id"]]
        )  # fmt: skip
    operator = pl.col("assigned").fill_null(False)
    software = pl.col("call").is_in(list(tumour)).fill_null(False)
    outcome = (
        pl.when(pl.col("call") == "not_evaluable").then(pl.lit("not_evaluable"))
        .when(operator & software).then(pl.lit("both"))
        .when(operator).then(pl.lit("missed"))
        .when(software).then(pl.lit("extra"))
        .otherwise(pl.lit("neither"))
    )  # fmt: skip
    listed = whole.select("event_id", "cell_id", "assigned", "call", outcome=outcome)
    unseen = pl.col("event_id").is_null() & pl.col("outcome").is_in(["neither", "not_evaluable"])
    return listed if universe == "cells" else listed.filter(~unseen)


def _no_listing() -> pl.DataFrame:
    names = ("event_id", "cell_id", "assigned", "call", "outcome")
    return pl.DataFrame(schema=dict.fromkeys(names, pl.String) | {"assigned": pl.Boolean})


def _of_counts(
    tally: dict[str, int], listing: pl.DataFrame, void: int, level: float, options: dict[str, str]
) -> Agreement:
    """Measures of a two by two table."""
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; allowed: above 0 and below 1")
    both, missed, extra, neither = (int(tally[n]) for n in _OUTCOMES[:4])
    counts = np.array([[both, missed], [extra, neither]], dtype=float)
    n = both + missed + extra + neither
    if not n:
        raise InputError(
            [Problem("agreement", None, None, "no event and no cell that can be compared",
                     "at least one", "without events there is no agreement to report")]
        )  # fmt: skip
    observed = measures.proportion(both + neither, n, level)
    rows = {
        "observed_agreement": observed,
        "kappa": measures.kappa(counts, np.eye(2), level),
        "prevalence_adjusted_kappa": Measure(
            2 * observed.estimate - 1, 2 * observed.standard_error, 2 * observed.lower - 1,
            2 * observed.upper - 1,
        ),
        "ac1": measures.ac1(counts, level),
        "positive_agreement": measures.specific_agreement(counts, 0, level),
        "negative_agreement": measures.specific_agreement(counts, 1, level),
        "software_sensitivity": measures.proportion(both, both + missed, level),
        "confirmed_share": measures.proportion(both, both + extra, level),
    }  # fmt: skip
    return Agreement(
        both, missed, extra, neither, measures.frame_of(rows), measures.mcnemar(missed, extra),
        listing, void, n, level, "two by two agreement; kappa by Fleiss, Cohen and Everitt",
        options,
    )  # fmt: skip
