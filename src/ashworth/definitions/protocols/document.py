"""Read a protocol's file in one of its versions, with the place of every key."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from ashworth.definitions.dates import first_day
from ashworth.definitions.loader import SHIPPED, Catalogue
from ashworth.definitions.protocols.model import Protocol
from ashworth.definitions.reading import close_names, place_of, read_yaml, validate
from ashworth.errors import DefinitionError, DefinitionFileError, Problem


@dataclass(frozen=True, slots=True)
class ProtocolDocument:
    """One version of a protocol, and where its parts stand in the file.

    Attributes
    ----------
    protocol : Protocol
        The version, amendments applied.
    version : int
        1, or the number of the last amendment that was applied.
    digest : str
        SHA-256 of the canonical JSON of this version.
    name : str
        Name of the file.
    """

    protocol: Protocol
    version: int
    digest: str
    name: str
    node: yaml.Node | None

    def place(self, keys: Sequence[str | int]) -> tuple[int | None, int | None]:
        """Give line and column (from 1) of a value, or of the nearest part that exists."""
        for amendment in reversed(self.protocol.amendments[: self.version - 1]):
            inside = ("amendments", amendment.number - 2, "changes", *keys)
            line, column, whole = place_of(self.node, inside)
            if whole:
                return line, column
        line, column, _ = place_of(self.node, tuple(keys))
        return line, column


def canonical_json(protocol: Protocol) -> str:
    """Write a protocol as canonical JSON: keys sorted, no spaces, defaults left out.

    Worked cases and notes are part of the document, not of the protocol, and stay out.
    """
    data = protocol.model_dump(
        mode="json", by_alias=True, exclude_defaults=True, exclude={"cases", "amendments", "notes"}
    )
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(protocol: Protocol) -> str:
    """SHA-256 (hex) of the canonical JSON."""
    return hashlib.sha256(canonical_json(protocol).encode()).hexdigest()


def read_protocol(
    protocol: str | Path,
    *,
    version: int | None = None,
    on: date | None = None,
    folders: Sequence[Path | str] = (),
) -> ProtocolDocument:
    """Read a protocol by its id, or from a file, in one of its versions.

    Parameters
    ----------
    protocol : str or path
        Id of a protocol, or path of a YAML file.
    version : int, optional
        Number of the version; the newest by default.
    on : date, optional
        The version that held on that day.
    folders : sequence of paths, optional
        Folders with a user's own definitions.

    Raises
    ------
    DefinitionError
        Unknown id, unknown version, or a day whose version the sources do not tell.
    DefinitionFileError
        With every fault of the file.
    """
    path = _find(protocol, folders)
    data, node, problems = read_yaml(path, path.name)
    if problems:
        raise DefinitionFileError(problems, subject=path.name)
    whole = validate(Protocol, data, node, path.name)
    _refuse_unknown_references(whole, path.name, folders)
    number = _version_number(whole, version, on)
    return document_of(whole, number, name=path.name, node=node)


def document_of(
    whole: Protocol, version: int = 1, *, name: str = "protocol", node: yaml.Node | None = None
) -> ProtocolDocument:
    """Make the document of one version of a protocol that is read already."""
    chosen = whole if version == 1 else _amended(whole, version, node, name)
    return ProtocolDocument(chosen, version, digest(chosen), name, node)


def _find(protocol: str | Path, folders: Sequence[Path | str]) -> Path:
    if isinstance(protocol, Path) or str(protocol).endswith((".yaml", ".yml")):
        path = Path(protocol)
        if not path.is_file():
            raise DefinitionError(
                f"no protocol file '{path}'; mend: give an existing file or an id"
            )
        return path
    catalogue = Catalogue(tuple(Path(f) for f in folders))
    ids = catalogue.ids("protocol")
    if protocol not in ids:
        close = close_names(protocol, ids)
        hint = f"did you mean {' or '.join(close)}?" if close else "see the list"
        raise DefinitionError(
            f"protocol '{protocol}' is unknown; allowed: {', '.join(ids)}, or a .yaml file; "
            f"mend: {hint}"
        )
    places = (Path(root) / "protocol" / f"{protocol}.yaml" for root in (SHIPPED, *folders))
    return next(p for p in places if p.exists())


def _refuse_unknown_references(whole: Protocol, name: str, folders: Sequence[Path | str]) -> None:
    known = Catalogue(tuple(Path(f) for f in folders)).references()
    missing = sorted(whole.cited() - set(known))
    problems = [
        Problem(name, 1, "references", f"'{key}'", "a key of references.yaml",
                f"did you mean {' or '.join(close_names(key, list(known)))}?"
                if close_names(key, list(known)) else "add it to references.yaml of your folder")
        for key in missing
    ]  # fmt: skip
    if problems:
        raise DefinitionFileError(problems, subject=name)


def _version_number(whole: Protocol, version: int | None, on: date | None) -> int:
    newest = 1 + len(whole.amendments)
    if version is not None and not 1 <= version <= newest:
        raise DefinitionError(
            f"{whole.id} has no version {version}; allowed: 1 to {newest}; "
            "mend: give one of them, or none for the newest"
        )
    if version is not None or on is None:
        return version or newest
    return version_on(whole, on)


def version_on(whole: Protocol, on: date) -> int:
    """Give the number of the version that held on a day.

    Raises
    ------
    DefinitionError
        If the day lies before the first version, or an amendment's date is not known.
    """
    if whole.begins != "unknown" and on < first_day(whole.begins):
        raise DefinitionError(f"{whole.id} begins {whole.begins}; {on} lies before")
    number = 1
    for amendment in whole.amendments:
        if amendment.from_text == "unknown":
            raise DefinitionError(
                f"{whole.id}: no source tells from when version {amendment.number} "
                f"({amendment.title}) holds; mend: name the version instead of a day"
            )
        if first_day(amendment.from_text) <= on:
            number = amendment.number
    return number


def _amended(whole: Protocol, number: int, node: yaml.Node | None, name: str) -> Protocol:
    merged: Any = whole.model_dump(mode="json", by_alias=True, exclude_unset=True)
    for amendment in whole.amendments[: number - 1]:
        merged = _merge(merged, amendment.changes)
    return validate(Protocol, merged, node, name)


def _merge(old: Any, new: Any) -> Any:
    """Merge mappings; lists of things with ids by id; null removes; the rest is replaced."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        kept = {k: v for k, v in old.items() if k not in new}
        changed = {k: _merge(old.get(k), v) for k, v in new.items() if v is not None}
        return {k: kept.get(k, changed.get(k)) for k in (*old, *new) if k in kept or k in changed}
    if _has_ids(old) and _has_ids(new):
        by_id = {item["id"]: item for item in new}
        seen = {item["id"] for item in old}
        gone = {item["id"] for item in new if item.get("remove") is True}
        updated = [_merge(i, by_id.get(i["id"], {})) for i in old if i["id"] not in gone]
        return updated + [item for item in new if item["id"] not in seen]
    return copy.deepcopy(new)


def _has_ids(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(isinstance(item, Mapping) and "id" in item for item in value)
    )
