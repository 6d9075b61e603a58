"""YAML text to checked data: duplicate keys refused, every fault with its line and key path."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from ashworth.errors import DefinitionFileError, Problem

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
M = TypeVar("M", bound=BaseModel)


class _Loader(_Base):
    """Safe loader whose only truth values are true and false, and whose dates stay text."""


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in rows
        if tag != "tag:yaml.org,2002:timestamp"
        and not (tag == "tag:yaml.org,2002:bool" and first not in "tTfF")
    ]
    for first, rows in _Base.yaml_implicit_resolvers.items()
}


def read_yaml(path: Path, name: str) -> tuple[Any, yaml.Node | None, list[Problem]]:
    """Read a file into plain data, its node tree (for line numbers) and the faults found."""
    try:
        loader = _Loader(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        return None, None, [_unreadable(name, None, error)]
    try:
        node = loader.get_single_node()
        duplicates = list(_duplicate_keys(node, name)) if node is not None else []
        data = loader.construct_document(node) if node is not None and not duplicates else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        return None, None, [_unreadable(name, mark.line + 1 if mark else None, error)]
    except RecursionError:
        return None, None, [_unreadable(name, None, ValueError("an alias inside itself"))]
    finally:
        loader.dispose()
    return data, node, duplicates


def _unreadable(name: str, line: int | None, error: Exception) -> Problem:
    text = " ".join(str(getattr(error, "problem", None) or error).split())
    return Problem(name, line, None, text, "YAML in UTF-8", "correct the text at this line")


def _duplicate_keys(node: yaml.Node, name: str, path: str = "") -> Iterator[Problem]:
    """Yield a problem for every key that its mapping already has."""
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _duplicate_keys(item, name, f"{path}[{index}]")
    elif isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line, text = key.start_mark.line + 1, str(key.value)
            here = f"{path}.{text}" if path else text
            if text in seen:
                found = f"the key '{text}' twice (first in line {seen[text]})"
                yield Problem(name, line, here, found, "each key once", "remove one of the two")
            seen.setdefault(text, line)
            yield from _duplicate_keys(value, name, here)


def validate(model: type[M], data: Any, node: yaml.Node | None, name: str) -> M:
    """Build a model from plain data.

    Raises
    ------
    DefinitionFileError
        With every fault of the file: line, key path, value found, what is allowed.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = [_from_pydantic(e, model, node, name) for e in _told_once(error)]
    raise DefinitionFileError(problems, subject=name)


def _told_once(error: ValidationError) -> list[dict[str, Any]]:
    """Leave out lists that seem too short only because their items are faulty."""
    errors: list[dict[str, Any]] = [dict(e) for e in error.errors()]
    inner = {e["loc"][:i] for e in errors for i in range(len(e["loc"]))}
    return [e for e in errors if not (e["type"] == "too_short" and e["loc"] in inner)]


def _from_pydantic(
    error: dict[str, Any], model: type[BaseModel], node: yaml.Node | None, name: str
) -> Problem:
    place = tuple(error["loc"])
    line = line_of(node, place)
    path = key_path(place)
    if error["type"] == "extra_forbidden":
        return _unknown_key(str(place[-1]), model, line, path, name)
    if error["type"] == "missing":
        remedy = f"add the key '{place[-1]}'"
        return Problem(name, line, path, "no such key", "this key is needed", remedy)
    found = repr(error["input"])
    found = found if len(found) <= 80 else f"{found[:77]}..."
    allowed = str(error["msg"]).removeprefix("Value error, ")
    return Problem(name, line, path or None, found, allowed, "correct the value")


def _unknown_key(
    key: str, model: type[BaseModel], line: int | None, path: str, name: str
) -> Problem:
    known = list(_keys_of(model))
    close = close_names(key, known)
    remedy = f"write '{close[0]}' instead" if close else "remove the key"
    return Problem(name, line, path, f"the key '{key}'", "keys of the JSON Schema", remedy)


def _keys_of(model: type[BaseModel]) -> Iterator[str]:
    """Yield every key that a model and the models in it know."""
    schema = model.model_json_schema()
    for part in (schema, *schema.get("$defs", {}).values()):
        yield from part.get("properties", {})


def line_of(node: yaml.Node | None, place: Sequence[str | int]) -> int | None:
    """Find the line (from 1) of a key path, or of the nearest part of it that exists."""
    return place_of(node, place)[0]


def place_of(
    node: yaml.Node | None, place: Sequence[str | int]
) -> tuple[int | None, int | None, bool]:
    """Find line and column (from 1) of a value, and whether the whole key path exists.

    The line is that of the value's key, the column that of the value where both share a line. In
    a list whose things have ids, an id is a step too.
    """
    if node is None:
        return None, None, False
    line, column, whole = node.start_mark.line + 1, node.start_mark.column + 1, True
    for step in place:
        found = _step_into(node, step)
        if found is None:
            whole = False
            continue
        mark, node = found
        same = node.start_mark.line == mark.line
        line, column = mark.line + 1, (node.start_mark if same else mark).column + 1
    return line, column, whole


def _step_into(node: yaml.Node, step: str | int) -> tuple[Any, yaml.Node] | None:
    """Take one step of a key path: the mark of the key, and the node below it."""
    if isinstance(node, yaml.MappingNode):
        hits = [(k, v) for k, v in node.value if str(k.value) == str(step)]
        return (hits[0][0].start_mark, hits[0][1]) if hits else None
    if isinstance(node, yaml.SequenceNode):
        if isinstance(step, int):
            inside = step < len(node.value)
            return (node.value[step].start_mark, node.value[step]) if inside else None
        hits = [item for item in node.value if _id_of(item) == step]
        return (hits[0].start_mark, hits[0]) if hits else None
    return None


def _id_of(node: yaml.Node) -> str | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((str(v.value) for k, v in pairs if k.value == "id"), None)


def key_path(place: Sequence[str | int]) -> str:
    """Write a key path as a person would: ``cases[0].given.volume_ml``."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def close_names(name: str, names: Sequence[str]) -> list[str]:
    """List up to three known names that look like this one, the closest first."""
    return difflib.get_close_matches(name, sorted(set(names)), n=3, cutoff=0.5)
