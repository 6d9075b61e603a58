"""A registry fetched into a folder, with the words for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ashworth.errors import InputError, Problem
from ashworth.registries.sources import ctgov, ctis
from ashworth.registries.sources.asked import FetchQuery, FetchResult, Progress, silent
from ashworth.registries.sources.client import FASTEST, Client, Clock, Transport, http_transport

SourceName = Literal["ctgov", "ctis"]


@dataclass(frozen=True, slots=True)
class FetchedRegistry:
    """What a fetch did.

    Attributes
    ----------
    result : FetchResult
    waits : tuple of str
        Why the registry was asked again.
    """

    result: FetchResult
    waits: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Document for --json: the manifest without its files, and what it cost."""
        found = self.result
        manifest = {k: v for k, v in found.manifest.items() if k != "files"}
        return {
            **manifest, "files": len(found.manifest["files"]), "requests": found.requests,
            "repeats": found.repeats, "files_from_cache": found.from_cache,
            "files_resumed": found.resumed_files, "waits": list(self.waits),
            "out": str(found.folder),
        }  # fmt: skip

    def lines(self) -> Iterator[str]:
        """Text for a terminal."""
        found, manifest = self.result, self.result.manifest
        query = ", ".join(f"{k} '{v}'" for k, v in manifest["query"].items()) or "everything"
        yield (
            f"{manifest['source']}, {query}: {manifest['received']:,} of "
            f"{manifest['announced']:,} announced records"
        )
        if manifest["data_before"]:
            yield f"state of the registry's data: {manifest['data_before']}"
        if found.from_cache:
            yield f"{found.from_cache:,} files were here already and are still right"
        if found.resumed_files:
            yield f"{found.resumed_files:,} files were kept from a fetch that stopped"
        if manifest.get("empty_pages"):
            yield f"note: {manifest['empty_pages']} empty pages"
        yield from (f"note: {words}" for words in self.waits)
        yield f"{found.requests:,} requests, {found.repeats:,} of them again"
        yield f"records: {found.folder}"


def fetch_registry(
    out: Path,
    *,
    source: SourceName = "ctgov",
    term: str = "",
    condition: str = "",
    everything: bool = False,
    rate: float = 1.0,
    anew: bool = False,
    base: str | None = None,
    progress: Progress = silent,
    transport: Transport = http_transport,
    clock: Clock | None = None,
) -> FetchedRegistry:
    """Fetch the records of a query into a folder.

    Parameters
    ----------
    out : Path
    source : {"ctgov", "ctis"}
    term, condition : str
        Words anywhere in the record, and about the disease; one of them must be given.
    everything : bool
        The whole registry instead.
    rate : float
        Requests per second.
    anew : bool
        Forget what was fetched before.
    base : str, optional
        Another address of the same interface.
    progress, transport, clock
        How progress is shown; how the network and time are reached.

    Raises
    ------
    InputError
        No query, a rate that is none, a place that holds something else.
    FetchError
        The registry was not read to its end.
    """
    problems = list(_faults(term, condition, everything=everything, rate=rate, base=base))
    if problems:
        raise InputError(problems, subject="the fetch")
    waits: list[str] = []
    client = Client(transport, clock or Clock(), rate, said=waits.append)
    query, target = FetchQuery(term.strip(), condition.strip()), out.absolute()
    place = (base or "").rstrip("/")
    if source == "ctgov":
        found = ctgov.fetch_ctgov(query, target, client=client, base=place or ctgov.BASE,
                                  anew=anew, progress=progress)  # fmt: skip
    else:
        found = ctis.fetch_ctis(query, target, client=client, base=place or ctis.BASE,
                                anew=anew, progress=progress)  # fmt: skip
    return FetchedRegistry(found, tuple(waits))


def _faults(
    term: str, condition: str, *, everything: bool, rate: float, base: str | None
) -> Iterator[Problem]:
    asked = bool(term.strip() or condition.strip())
    if asked == everything:
        found = "a query and --everything" if asked else "nothing"
        yield Problem("landscape fetch", None, "--term", found, "words, or --everything",
                      "name --term or --condition, or ask for --everything")  # fmt: skip
    if not 0 < rate <= FASTEST:
        yield Problem("landscape fetch", None, "--rate", str(rate),
                      f"above 0, at most {FASTEST:g} a second", "choose a lower rate")  # fmt: skip
    if base is not None and not base.startswith(("https://", "http://")):
        yield Problem("landscape fetch", None, "--base", f"'{base}'", "an address of the web",
                      "begin it with https://")  # fmt: skip
