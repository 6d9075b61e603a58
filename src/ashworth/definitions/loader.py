"""Find and read definitions: those that ship, and a user's own folders beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal, cast, get_args, overload

from pydantic import ConfigDict, RootModel

from ashworth.definitions import consistency
from ashworth.definitions.call_models import CallRule
from ashworth.definitions.evidence_models import Study
from ashworth.definitions.her2_models import Her2Calibration, Her2Rule
from ashworth.definitions.kinds import MODELS, Kind
from ashworth.definitions.models import (
    Assay,
    Definition,
    DynamicsRule,
    Endpoint,
    PositivityRule,
    Reference,
    Subtype,
)
from ashworth.definitions.reading import close_names, read_yaml, validate
from ashworth.errors import DefinitionError, DefinitionFileError, Problem

KINDS: tuple[Kind, ...] = get_args(Kind)
SHIPPED = Path(__file__).parent / "data"


class _References(RootModel[dict[str, Reference]]):
    model_config = ConfigDict(frozen=True)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The shipped definitions and, beside them, a user's own.

    A folder holds ``<kind>/<id>.yaml`` files and, optionally, ``references.yaml``. An id or a
    reference key that ships already is refused: a shipped definition is never overridden.

    Attributes
    ----------
    folders : tuple of Path
        The user's folders, in the order given.

    Examples
    --------
    >>> Catalogue().ids("dynamics_rule")
    ('ctc-clearance', 'ctc-dynamics-1', 'ctc-dynamics-5')
    >>> Catalogue().get("positivity_rule", "ctc-metastatic-5").cutoff().text
    '>= 5'
    """

    folders: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        """Refuse folders that are not there and ids that exist twice."""
        problems = [p for folder in self.folders for p in _folder_problems(folder)]
        problems += [p for kind in KINDS for p in self._clashes(kind)]
        if problems:
            raise DefinitionFileError(problems, subject="the definition folders")

    def _files(self, kind: str) -> Iterator[Path]:
        for root in (SHIPPED, *self.folders):
            yield from sorted((root / kind).glob("*.yaml"))

    def _clashes(self, kind: str) -> Iterator[Problem]:
        seen: dict[str, Path] = {}
        for path in self._files(kind):
            if path.stem in seen:
                yield Problem(
                    _name(path), None, "id", f"'{path.stem}', which exists already",
                    "an id of your own", "choose another id and name the file after it",
                )  # fmt: skip
            seen[path.stem] = path

    def ids(self, kind: Kind) -> tuple[str, ...]:
        """List the ids of a kind in alphabetical order."""
        return tuple(sorted(path.stem for path in self._files(_known_kind(kind))))

    def origin_of(self, kind: Kind, id: str) -> Literal["shipped", "own"]:
        """Tell whether a definition ships with the package."""
        shipped = (SHIPPED / _known_kind(kind) / f"{id}.yaml").exists()
        return "shipped" if shipped else "own"

    @overload
    def get(self, kind: Literal["assay"], id: str, *, on: date | None = ...) -> Assay: ...
    @overload
    def get(
        self, kind: Literal["positivity_rule"], id: str, *, on: date | None = ...
    ) -> PositivityRule: ...
    @overload
    def get(
        self, kind: Literal["dynamics_rule"], id: str, *, on: date | None = ...
    ) -> DynamicsRule: ...
    @overload
    def get(self, kind: Literal["endpoint"], id: str, *, on: date | None = ...) -> Endpoint: ...
    @overload
    def get(self, kind: Literal["subtype"], id: str, *, on: date | None = ...) -> Subtype: ...
    @overload
    def get(self, kind: Literal["call_rule"], id: str, *, on: date | None = ...) -> CallRule: ...
    @overload
    def get(
        self, kind: Literal["her2_calibration"], id: str, *, on: date | None = ...
    ) -> Her2Calibration: ...
    @overload
    def get(self, kind: Literal["her2_rule"], id: str, *, on: date | None = ...) -> Her2Rule: ...
    @overload
    def get(self, kind: Literal["study"], id: str, *, on: date | None = ...) -> Study: ...
    @overload
    def get(self, kind: Kind, id: str, *, on: date | None = ...) -> Definition: ...

    def get(self, kind: Kind, id: str, *, on: date | None = None) -> Definition:
        """Read one definition; `on` keeps only the values in print on that day."""
        ids = self.ids(kind)
        if id not in ids:
            close = close_names(id, ids)
            remedy = f"did you mean {' or '.join(repr(c) for c in close)}?" if close else "see list"
            allowed = ", ".join(ids)
            kind_text = kind.replace("_", " ")
            raise DefinitionError(
                f"{kind_text} '{id}' is unknown; allowed: {allowed}; mend: {remedy}"
            )
        path = next(p for p in self._files(kind) if p.stem == id)
        definition = _read(path, kind)
        problems = list(consistency.unknown_references(definition, self.references(), _name(path)))
        if problems:
            raise DefinitionFileError(problems, subject=_name(path))
        return definition if on is None else _as_of(definition, on)

    def all(self, kind: Kind | None = None) -> tuple[Definition, ...]:
        """Read every definition (of one kind), in order of kind and id, and check them together.

        Raises
        ------
        DefinitionFileError
            With the faults of all files at once.
        """
        problems: list[Problem] = []
        found: list[Definition] = []
        for name in KINDS if kind is None else (_known_kind(kind),):
            for id in self.ids(name):
                try:
                    found.append(self.get(name, id))
                except DefinitionFileError as error:
                    problems += error.problems
        if kind is None and not problems:
            problems += consistency.contradictions(found)
        if problems:
            raise DefinitionFileError(problems, subject="the definitions")
        return tuple(found)

    def references(self) -> Mapping[str, Reference]:
        """Collect the references of all folders by key."""
        merged = dict(_read_references(SHIPPED / "references.yaml"))
        for path in (folder / "references.yaml" for folder in self.folders):
            own = _read_references(path) if path.exists() else {}
            twice = sorted(set(own) & set(merged))
            if twice:
                problem = Problem(
                    _name(path), None, twice[0], f"existing keys {', '.join(twice)}",
                    "keys of your own", "rename the keys",
                )  # fmt: skip
                raise DefinitionFileError([problem], subject=_name(path))
            merged.update(own)
        return merged


def _folder_problems(folder: Path) -> Iterator[Problem]:
    allowed = ", ".join((*KINDS, "references.yaml"))
    if not folder.is_dir():
        remedy = "give an existing folder"
        yield Problem(str(folder), None, None, "no such folder", f"a folder with {allowed}", remedy)
        return
    for entry in sorted(folder.iterdir()):
        if entry.name not in (*KINDS, "references.yaml") and not entry.name.startswith("."):
            remedy = "move it away or correct its name"
            yield Problem(folder.name, None, None, f"'{entry.name}'", allowed, remedy)
    for path in sorted(p for kind in KINDS for p in (folder / kind).glob("*")):
        if path.suffix != ".yaml" and not path.name.startswith("."):
            remedy = "move it away or let its name end in .yaml"
            yield Problem(_name(path), None, None, f"'{path.name}'", "<id>.yaml", remedy)


def _known_kind(kind: str) -> Kind:
    if kind not in KINDS:
        raise DefinitionError(f"kind '{kind}' is unknown; allowed: {', '.join(KINDS)}")
    return cast(Kind, kind)


def _name(path: Path) -> str:
    return path.name if path.name == "references.yaml" else f"{path.parent.name}/{path.name}"


def _read(path: Path, kind: str) -> Definition:
    return _read_version(path, kind, path.stat().st_mtime_ns)


@lru_cache(maxsize=512)
def _read_version(path: Path, kind: str, _modified: int) -> Definition:
    name = _name(path)
    data, node, problems = read_yaml(path, name)
    if problems:
        raise DefinitionFileError(problems, subject=name)
    definition = validate(MODELS[kind], data, node, name)
    if definition.id != path.stem:
        found = f"'{definition.id}' in a file named {path.name}"
        problem = Problem(name, 1, "id", found, f"'{path.stem}'", "make id and file name agree")
        raise DefinitionFileError([problem], subject=name)
    return definition


def _read_references(path: Path) -> Mapping[str, Reference]:
    return _read_references_version(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _read_references_version(path: Path, _modified: int) -> Mapping[str, Reference]:
    data, node, problems = read_yaml(path, path.name)
    if problems:
        raise DefinitionFileError(problems, subject=path.name)
    return validate(_References, data, node, path.name).root


def _as_of(definition: Definition, on: date) -> Definition:
    """Keep the dated values in print on a day (an error if there were none)."""
    if not isinstance(definition, PositivityRule):
        return definition
    definition.cutoff(on)
    values = tuple(v for v in definition.values if v.from_date <= on)
    return definition.model_copy(update={"values": values})


@cache
def _shipped() -> Catalogue:
    return Catalogue()


def _catalogue(folders: Sequence[Path | str]) -> Catalogue:
    return Catalogue(tuple(Path(f) for f in folders)) if folders else _shipped()


@overload
def load(
    kind: Literal["assay"], id: str, *, on: date | None = ..., folders: Sequence[Path | str] = ...
) -> Assay: ...
@overload
def load(
    kind: Literal["positivity_rule"],
    id: str,
    *,
    on: date | None = ...,
    folders: Sequence[Path | str] = ...,
) -> PositivityRule: ...
@overload
def load(
    kind: Literal["dynamics_rule"],
    id: str,
    *,
    on: date | None = ...,
    folders: Sequence[Path | str] = ...,
) -> DynamicsRule: ...
@overload
def load(
    kind: Literal["endpoint"],
    id: str,
    *,
    on: date | None = ...,
    folders: Sequence[Path | str] = ...,
) -> Endpoint: ...
@overload
def load(
    kind: Literal["subtype"], id: str, *, on: date | None = ..., folders: Sequence[Path | str] = ...
) -> Subtype: ...
@overload
def load(
    kind: Literal["call_rule"],
    id: str,
    *,
    on: date | None = ...,
    folders: Sequence[Path | str] = ...,
) -> CallRule: ...
@overload
def load(
    kind: Literal["her2_calibration"],
    id: str,
    *,
    on: date | None = ...,
    folders: Sequence[Path | str] = ...,
) -> Her2Calibration: ...
@overload
def load(
    kind: Literal["her2_rule"],
    id: str,
    *,
    on: date | None = ...,
    folders: Sequence[Path | str] = ...,
) -> Her2Rule: ...
@overload
def load(
    kind: Literal["study"], id: str, *, on: date | None = ..., folders: Sequence[Path | str] = ...
) -> Study: ...


def load(
    kind: Kind, id: str, *, on: date | None = None, folders: Sequence[Path | str] = ()
) -> Definition:
    """Load one definition.

    Parameters
    ----------
    kind : str
        Kind of definition, one of `KINDS`.
    id : str
        Its id, e.g. ``"ctc-early-1"``.
    on : date, optional
        Keep only the values that were in print on that day.
    folders : sequence of paths, optional
        Folders with a user's own definitions, beside the shipped ones.

    Raises
    ------
    DefinitionError
        If the id is unknown (close names are given), or not yet in print on that day.
    DefinitionFileError
        If the file is malformed; all its faults at once.

    Examples
    --------
    >>> load("endpoint", "ibcfs").abbreviation
    'IBCFS'
    >>> load("positivity_rule", "ctc-early-1").denominator.amount
    7.5
    """
    return _catalogue(folders).get(kind, id, on=on)


def load_all(
    kind: Kind | None = None, *, folders: Sequence[Path | str] = ()
) -> tuple[Definition, ...]:
    """Load every definition of a kind (or of all kinds) and check that they fit together.

    Examples
    --------
    >>> [a.id for a in load_all("assay")][:2]
    ['cellsearch-ctc', 'cellsearch-ctc-her2']
    """
    return _catalogue(folders).all(kind)


def references(*, folders: Sequence[Path | str] = ()) -> Mapping[str, Reference]:
    """Give the documents that definitions cite, by key.

    Examples
    --------
    >>> references()["tolaney2021"].doi
    '10.1200/JCO.20.03613'
    """
    return _catalogue(folders).references()
