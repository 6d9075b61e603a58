"""From registry files to the landscape: tables, figures and the review's own figure beside."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ashworth.errors import InputError, Problem
from ashworth.registries.classification.rules import cell_rules
from ashworth.registries.landscape import (
    FOCUS_TIER,
    Landscape,
    LandscapeChange,
    compare_dates,
    landscape_on,
)
from ashworth.registries.normalisation.countries import country_names
from ashworth.registries.overrides import Override, read_overrides
from ashworth.registries.readers.files import OnFault
from ashworth.registries.survey import Survey, survey
from ashworth.storage import results_folder, write_run_log
from ashworth.storage.registry_store import RegistryStore, is_store, open_store, select_on
from ashworth.storage.registry_store.query import last_processed
from ashworth.version import __version__
from ashworth.workflows.executors import open_executor
from ashworth.workflows.registries.figures import landscape_figures

Progress = Callable[[str, int, int], None]


@cache
def printed_figure() -> Mapping[str, Any]:
    """The source review's own figure, as data."""
    path = Path(__file__).parent / "printed.yaml"
    found: Mapping[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


@dataclass(frozen=True, slots=True)
class MadeLandscape:
    """A landscape with the words for a terminal.

    Attributes
    ----------
    landscape : Landscape
    read : Survey
        What was read, and what not.
    change : LandscapeChange or None
        Against an earlier date, where one was asked for.
    out : Path or None
    store : Path or None
        Where the records come from a store: only trials that name cells are then listed.
    n_vanished : int
        Registrations of the store that the latest update of their registry did not hold.
    """

    landscape: Landscape
    read: Survey
    change: LandscapeChange | None
    out: Path | None
    store: Path | None = None
    n_vanished: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Document for --json."""
        made = self.landscape
        return {
            "as_of": made.as_of.isoformat(),
            "registrations": made.n_registrations,
            "trials_looked_at": made.n_trials,
            "later_than_as_of": made.n_later,
            "unused_overrides": list(made.unused_overrides),
            "formats": dict(self.read.formats),
            "rules_version": made.rules_version,
            "trials_listed": "all" if self.store is None else "those that name cells",
            "trials": [t.to_dict() for t in made.trials],
            "counts": made.counts(),
            "unknown_values": dict(made.unknown_values),
            "announced_but_not_received": {k: list(v) for k, v in self.read.announced.items()},
            "left_out": [str(p) for p in self.read.faults],
            "printed_figure": dict(printed_figure()),
            "change": None if self.change is None else self.change.table().to_dicts(),
            "software_version": __version__,
            "out": None if self.out is None else str(self.out),
        }

    def lines(self) -> Iterator[str]:
        """Text for a terminal."""
        made = self.landscape
        yield (
            f"Landscape on {made.as_of}: {made.n_registrations:,} registrations, "
            f"{made.n_trials:,} trials, {len(made.named)} name tumour cells"
        )
        if self.store is None:
            counts = sorted(self.read.formats.items())
            yield f"formats: {', '.join(f'{k} {v:,}' for k, v in counts)}"
        else:
            yield f"from the store {self.store}"
        yield from _tier_lines(made)
        yield from _count_lines(made)
        yield from _beside(made)
        yield from _doubts(self)
        if self.change is not None:
            yield from _change_lines(self.change)
        if self.out is not None:
            yield f"tables and figures: {self.out}"
        yield "Research use only; not a medical device."


def make_landscape(
    paths: Sequence[Path],
    *,
    store: Path | None = None,
    as_of: date | None = None,
    since: date | None = None,
    overrides: Path | None = None,
    on_fault: OnFault = "refuse",
    workers: int = 1,
    out: Path | None = None,
) -> MadeLandscape:
    """Read registry files and make the landscape of a date.

    Parameters
    ----------
    paths : sequence of Path
        Files, folders, zip and gz archives of any format that is read; or one registry store.
    store : Path, optional
        A registry store in place of files.
    as_of : date, optional
        The date; the latest version among the records by default.
    since : date, optional
        An earlier date to compare with.
    overrides : Path, optional
        Table of verdicts by hand.
    on_fault : {"refuse", "skip"}
    workers : int
        Processes that read.
    out : Path, optional
        Folder of tables and figures.

    Raises
    ------
    InputError
        Files that cannot be read, no files, dates in the wrong order.
    """
    if workers < 1:
        raise InputError([Problem("landscape", None, "--workers", str(workers), "1 or more",
                                  "name how many processes")])  # fmt: skip
    started = datetime.now(UTC)
    place = _place_of_store(paths, store)
    chosen = () if overrides is None else read_overrides(overrides)
    if place is not None:
        found = _from_store(open_store(place), as_of, since, chosen)
    else:
        found = _from_files(paths, as_of, since, chosen, on_fault, workers)
    target = None if out is None else out.absolute()
    found = replace(found, out=target)
    if target is not None:
        _write(found, target, paths if place is None else [place], started)
    return found


def _place_of_store(paths: Sequence[Path], store: Path | None) -> Path | None:
    """Give the store that is asked for; None for files."""
    stores = [p for p in paths if is_store(p)] + ([] if store is None else [store])
    others = len(paths) + (store is not None) - len(stores)
    if (stores and others) or len(stores) > 1:
        raise InputError([Problem("landscape", None, "FILES", "a store and something else",
                                  "files, or one store", "bring the files into the store with "
                                  "'ashworth landscape store'")])  # fmt: skip
    if not stores and not paths:
        raise InputError([Problem("landscape", None, "FILES", "nothing",
                                  "registry files, or a store",
                                  "name files, folders or archives")])  # fmt: skip
    return stores[0] if stores else None


def _from_files(
    paths: Sequence[Path], as_of: date | None, since: date | None, chosen: tuple[Override, ...],
    on_fault: OnFault, workers: int,
) -> MadeLandscape:  # fmt: skip
    if workers > 1:
        with open_executor(workers, None) as pool:
            read = survey(paths, on_fault=on_fault, executor=pool)
    else:
        read = survey(paths, on_fault=on_fault)
    day = as_of or _latest(read)
    _check_order(since, day)
    made = landscape_on(read.surveyed, as_of=day, overrides=chosen)
    change = None
    if since is not None:
        before = landscape_on(read.surveyed, as_of=since, overrides=chosen)
        change = compare_dates(before, made)
    return MadeLandscape(made, read, change, None)


def _from_store(
    store: RegistryStore, as_of: date | None, since: date | None, chosen: tuple[Override, ...]
) -> MadeLandscape:
    last = last_processed(store)
    day = as_of or (date.fromisoformat(last[:10]) if last else datetime.now(UTC).date())
    _check_order(since, day)
    made, n_vanished = _stored_landscape(store, day, chosen)
    change = None
    if since is not None:
        change = compare_dates(_stored_landscape(store, since, chosen)[0], made)
    return MadeLandscape(made, Survey(), change, None, store.folder, n_vanished)


def _stored_landscape(
    store: RegistryStore, day: date, chosen: tuple[Override, ...]
) -> tuple[Landscape, int]:
    """Make the landscape of a day from a store, and count the vanished."""
    found = select_on(store, day, [o.registry_id for o in chosen])
    made = landscape_on(found.surveyed, as_of=day, overrides=chosen)
    made = replace(
        made, n_registrations=found.n_versions, n_trials=found.n_trials,
        rules_version=store.rules_version, unknown_values=found.unknown_values,
    )  # fmt: skip
    return made, found.n_vanished


def _check_order(since: date | None, day: date) -> None:
    if since is not None and since >= day:
        raise InputError([Problem("landscape", None, "--since", str(since), f"a day before {day}",
                                  "exchange the dates")])  # fmt: skip


def _latest(read: Survey) -> date:
    """The last day on which a registry made any of the records."""
    days = [s.record.processed for s in read.surveyed if s.record.processed]
    return date.fromisoformat(max(days)[:10]) if days else datetime.now(UTC).date()


def _tier_lines(made: Landscape) -> Iterator[str]:
    yield "breast trials by how strong the evidence must be:"
    for tier, words in (("1", "title, condition, intervention, arm"),
                        ("2", "or primary outcome, eligibility"),
                        ("3", "or keyword, further outcome (the focus)"),
                        ("4", "or summary, description (a mention)")):  # fmt: skip
        counts = made.counts()[tier]
        total = sum(counts["specimen"].values())
        parts = ", ".join(f"{k} {v}" for k, v in counts["specimen"].items())
        yield f"  {total:>6}  {words}" + (f": {parts}" if parts else "")


def _said(code: str, names: Mapping[str, str]) -> str:
    return names.get(code, code).replace("_", " ")


def _count_lines(made: Landscape) -> Iterator[str]:
    counts = made.counts()[str(FOCUS_TIER)]
    countries = country_names()
    for key in ("status", "phase", "country", "role"):
        names = countries if key == "country" else {"NA": "no phase"}
        total = sum(counts["specimen"].values())
        parts = ", ".join(f"{_said(k, names)} {v}" for k, v in counts[key].items())
        yield f"{key} (of {total}): {parts or 'none'}"


def _beside(made: Landscape) -> Iterator[str]:
    printed = printed_figure()
    here = made.counts()[str(FOCUS_TIER)]["open_or_planned"]["trials"]
    yield (
        f"the source review printed {printed['trials']} open or planned trials "
        f"({printed['specimen']['CTC']} CTC, {printed['specimen']['DTC']} DTC); among these "
        f"registrations {here} are"
    )
    yield f"not to be compared: {'; '.join(printed['cannot_be_compared'])}"


def _doubts(made: MadeLandscape) -> Iterator[str]:
    if made.landscape.n_later:
        yield (
            f"note: {made.landscape.n_later:,} registrations are of versions after "
            f"{made.landscape.as_of} and were left out; an earlier snapshot or a history dates them"
        )
    current = cell_rules().version
    if made.landscape.rules_version != current:
        yield (f"note: the store was judged by rules version {made.landscape.rules_version}, this "
               f"program has {current}: bring the store up to date")  # fmt: skip
    if made.n_vanished:
        yield (f"note: {made.n_vanished:,} registrations were not in the latest update of their "
               "registry; they are counted as they were last seen")  # fmt: skip
    if made.landscape.unused_overrides:
        yield f"note: overrides without a trial: {', '.join(made.landscape.unused_overrides)}"
    for name, (announced, received) in made.read.announced.items():
        yield f"note: {name} announces {announced:,} studies and holds {received:,}"
    for value, n in made.landscape.unknown_values.items():
        yield f"note: {n} x unknown {value}"
    if made.read.faults:
        yield f"left out: {len(made.read.faults)} files"
        yield from (f"  {p}" for p in made.read.faults[:20])


def _change_lines(change: LandscapeChange) -> Iterator[str]:
    yield f"from {change.first} to {change.second}:"
    for kind in ("new", "started", "closed", "vanished"):
        ids = getattr(change, kind)
        yield f"  {kind}: {len(ids)}" + (f" ({', '.join(ids[:8])}{' ...' if len(ids) > 8 else ''})"
                                         if ids else "")  # fmt: skip


def _write(found: MadeLandscape, target: Path, paths: Sequence[Path], started: datetime) -> None:
    with results_folder(target) as folder:
        made = found.landscape
        if made.named:
            made.table().write_csv(folder / "trials.csv", line_terminator="\n")
            for figure in landscape_figures(made):
                (folder / f"{figure.name}.svg").write_text(figure.svg(), encoding="utf-8")
                (folder / f"{figure.name}.vl.json").write_text(figure.json(), encoding="utf-8")
        if found.change is not None:
            found.change.table().write_csv(folder / "change.csv", line_terminator="\n")
        document = {**found.to_dict(), "out": None}
        text = json.dumps(document, indent=1, ensure_ascii=False)
        (folder / "landscape.json").write_text(text + "\n", encoding="utf-8")
        options = {"as_of": made.as_of.isoformat(), "paths": [p.name for p in paths]}
        write_run_log(folder, command="landscape", started_at=started, inputs=[], base=folder,
                      options=options)  # fmt: skip
