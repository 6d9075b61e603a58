"""What a store shows of a day: few rows are read whole, of the others a few columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ashworth.registries.survey import Surveyed
from ashworth.storage.registry_store.folder import RegistryStore, read_part
from ashworth.storage.registry_store.rows import ROWS, surveyed_of

_KEYS = ["version", "source", "registry_id", "number", "member_state", "processed",
         "first_posted_day"]  # fmt: skip
GROUP = 1024
"""Rows that are read together; a landscape needs few of them."""


@dataclass(frozen=True, slots=True)
class StoredSelection:
    """Registrations of the trials that name cells, on a day, and counts of all others.

    Attributes
    ----------
    surveyed : tuple of Surveyed
        The latest version, on the day, of every registration of a trial of which one names cells
        or is asked for by id.
    n_versions : int
        All that is in the store.
    n_trials : int
        Trials of the day, named or not.
    unknown_values : dict of str to int
        Values that could not be read, to the number of trials that hold them.
    n_vanished : int
        Registrations that the latest update of their registry did not hold.
    """

    surveyed: tuple[Surveyed, ...]
    n_versions: int
    n_trials: int
    unknown_values: dict[str, int]
    n_vanished: int


def select_on(
    store: RegistryStore, as_of: date | None = None, ids: Iterable[str] = ()
) -> StoredSelection:
    """Select what a landscape needs.

    Parameters
    ----------
    store : RegistryStore
    as_of : date, optional
        Versions that a registry made later are left out; all count where not given.
    ids : iterable of str
        Trials that are selected whatever they say.
    """
    every = _columns(store, [*_KEYS, "specimen", "trial_ids", "unknown_values"])
    latest = _latest(every, as_of).with_columns(place=pl.int_range(pl.len(), dtype=pl.Int64))
    links = latest.select("place", pl.col("trial_ids").alias("id")).explode("id")
    trial = _trials(links, latest.height)
    named = latest["specimen"].to_numpy() != "none"
    asked = links.filter(pl.col("id").is_in(list(ids)))["place"].to_numpy()
    wanted = np.zeros(int(trial.max()) + 1 if trial.size else 0, dtype=bool)
    wanted[trial[named]] = True
    wanted[trial[asked]] = True
    chosen = latest.filter(pl.Series(wanted[trial], dtype=pl.Boolean))
    rows = _whole(store, chosen, ["version", "surveyed"]).sort("version")
    state = read_part(store, store.state, ["registration", "vanished"])
    gone = state.filter(pl.col("vanished").is_not_null())["registration"].n_unique()
    return StoredSelection(tuple(surveyed_of(rows)), store.n_rows, wanted.size,
                           _unknown(latest, trial), gone)  # fmt: skip


def last_processed(store: RegistryStore) -> str:
    """The last day on which a registry made any version; empty where none tells it."""
    found = [read_part(store, p["rows"], ["processed"])["processed"].max() for p in store.parts]
    return max((str(f) for f in found if f), default="")


def table_of(
    store: RegistryStore,
    as_of: date | None = None,
    *,
    specimen: Sequence[str] = (),
    scope: Sequence[str] = (),
    tier: int | None = None,
    country: Sequence[str] = (),
    status: Sequence[str] = (),
    phase: Sequence[str] = (),
) -> pl.DataFrame:
    """Give the registrations of a day that fulfil every condition, without the raw record.

    Parameters
    ----------
    store : RegistryStore
    as_of : date, optional
        Of every registration the latest version that the registry had made by then.
    specimen, scope, country, status, phase : sequence of str
        One of these; no condition where empty. Countries by ISO code, a site in one of them;
        statuses are classes (open, planned, ...), as of the version's own day.
    tier : int, optional
        This tier of evidence or a better one.

    Returns
    -------
    polars.DataFrame
        Columns of docs/reference/registries-store.md, by registry and number.
    """
    conditions = {"specimen": specimen, "scope": scope, "status_class": status,
                  "highest_phase": phase}  # fmt: skip
    tests = {
        name: pl.col(name).is_in(list(values)) for name, values in conditions.items() if values
    }
    if tier is not None:
        tests["tier"] = pl.col("tier") <= tier
    if country:
        tests["country_codes"] = pl.any_horizontal(
            pl.col("country_codes").list.contains(code) for code in country
        )
    every = _columns(store, [*_KEYS, *tests])
    if tests:
        numbers = every.filter(*tests.values())["number"].unique()
        every = every.filter(pl.col("number").is_in(numbers.implode()))
    chosen = _latest(every, as_of).filter(*tests.values())
    rows = _whole(store, chosen, [n for n in ROWS.names() if n not in ("surveyed", "key")])
    return rows.sort("source", "registry_id", "member_state", "version")


def _columns(store: RegistryStore, names: list[str]) -> pl.DataFrame:
    """Columns of all parts, with the place of each row."""
    frames = [
        read_part(store, part["rows"], names).with_columns(
            part=pl.lit(i, pl.Int32), row=pl.int_range(pl.len(), dtype=pl.Int64)
        )
        for i, part in enumerate(store.parts)
    ]
    return pl.concat(frames)


def _latest(every: pl.DataFrame, as_of: date | None) -> pl.DataFrame:
    """Give the latest version of each registration on a day, as linking does.

    Of a CTIS number it is the highest resubmission, of two versions of a day the later stored.
    """
    known = every
    if as_of is not None:
        told, posted = pl.col("processed"), pl.col("first_posted_day")
        known = known.filter(
            pl.when(told != "")
            .then(told <= str(as_of))
            .otherwise(posted.is_null() | (posted <= as_of))
        )
    repeated = known["number"].is_duplicated()
    if not repeated.any():
        return known
    order = pl.when(pl.col("source") == "ctis").then(pl.col("registry_id")).otherwise(pl.lit(""))
    last = known.filter(repeated).sort(order, "processed", "version").unique(
        ["source", "number", "member_state"], keep="last"
    )  # fmt: skip
    return pl.concat([known.filter(~repeated), last])


def _trials(links: pl.DataFrame, n: int) -> np.ndarray:
    """Number of the trial of every registration: those that share an id are one."""
    if n == 0:
        return np.zeros(0, dtype=np.int64)
    several = links.filter(pl.col("id").is_duplicated())
    node = several["place"].to_numpy()
    name = n + several["id"].rank("dense").to_numpy().astype(np.int64)
    size = int(name.max()) + 1 if name.size else n
    graph = coo_array((np.ones(node.size, dtype=np.int8), (node, name)), shape=(size, size))
    labels = connected_components(graph, directed=False)[1][:n]
    return np.unique(labels, return_inverse=True)[1]


def _whole(store: RegistryStore, chosen: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Columns of chosen rows; only the groups of rows that hold one are read."""
    frames = []
    for (part,), rows in chosen.select("part", "row").group_by("part", maintain_order=True):
        name = store.parts[int(part)]["rows"]
        wanted = np.sort(rows["row"].to_numpy())
        for first, last in _runs(wanted):
            inside = wanted[(wanted >= first) & (wanted < last)]
            frames.append(read_part(store, name, columns, (first, last - first))[inside - first])
    return pl.concat(frames) if frames else pl.DataFrame(schema={n: ROWS[n] for n in columns})


def _runs(rows: np.ndarray) -> list[tuple[int, int]]:
    """Ranges of whole groups that hold the rows; groups side by side are one range."""
    groups = np.unique(rows // GROUP)
    breaks = np.flatnonzero(np.diff(groups) > 1)
    firsts = groups[np.concatenate([[0], breaks + 1])]
    lasts = groups[np.concatenate([breaks, [groups.size - 1]])]
    return [(int(a) * GROUP, (int(b) + 1) * GROUP) for a, b in zip(firsts, lasts, strict=True)]


def _unknown(latest: pl.DataFrame, trial: np.ndarray) -> dict[str, int]:
    """Trials that hold each value that could not be read."""
    holding = latest.select(pl.Series("trial", trial), pl.col("unknown_values").alias("value"))
    told = holding.filter(pl.col("value").list.len() > 0).explode("value").unique()
    return dict(sorted(Counter(told["value"].to_list()).items()))
