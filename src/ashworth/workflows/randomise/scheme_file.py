"""A scheme as a YAML file, and the protocol that a log belongs to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ashworth.errors import InputError, Problem
from ashworth.trials.protocols.executable import load_protocol
from ashworth.trials.randomisation.scheme import AllocationScheme, allocation_scheme

KNOWN = (
    "method", "arms", "ratio", "factors", "strata", "block_sizes", "p", "p_table", "limit",
    "urn_sets", "measure", "weights",
)  # fmt: skip


def read_scheme(path: Path) -> AllocationScheme:
    """Read the scheme of a trial from YAML: method, arms and the method's options.

    Raises
    ------
    InputError
        No such file, not YAML, an option that no scheme has, or a scheme that does not hold.
    """
    asked = _mapping(path)
    faults = [
        Problem(path.name, None, str(name), str(asked[name]), f"one of {', '.join(KNOWN)}",
                "correct the name or leave it out")
        for name in asked if name not in KNOWN
    ]  # fmt: skip
    faults += [
        Problem(path.name, None, name, "nothing", "a value", f"add {name}:")
        for name in ("method", "arms") if name not in asked
    ]  # fmt: skip
    if faults:
        raise InputError(faults)
    method, arms = asked.pop("method"), asked.pop("arms")
    return allocation_scheme(method, arms, **asked)


def _mapping(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        words = f"{path}: {error.strerror or error}"
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        words = f"{path}: {' '.join(str(error).split())}"
    else:
        if isinstance(found, dict):
            return found
        words = f"{path}: {type(found).__name__}"
    allowed = "a YAML file with method:, arms: and options"
    raise InputError([Problem("command", None, "scheme", words, allowed, "mend the file")])


def protocol_identity(
    protocol: str, *, version: int | None = None, folders: tuple[Path, ...] = ()
) -> dict[str, str]:
    """Give id, version and hash of the protocol, as the log keeps them."""
    loaded = load_protocol(protocol, version=version, folders=folders)
    found = loaded.protocol
    return {"id": found.id, "version": str(found.version), "hash": loaded.document.digest}


def named_values(given: list[str], option: str) -> list[tuple[str, str]]:
    """Split ``name=value`` pairs of a repeated option.

    Examples
    --------
    >>> named_values(["site=north"], "factor")
    [('site', 'north')]
    """
    faults = [
        Problem("command", None, option, text, "name=value", "write it with one =")
        for text in given if not all(text.partition("=")[::2])
    ]  # fmt: skip
    names = [text.partition("=")[0] for text in given]
    if option == "factor":
        faults += [
            Problem("command", None, option, name, "each factor once", "name it once")
            for name in sorted({n for n in names if names.count(n) > 1})
        ]  # fmt: skip
    if faults:
        raise InputError(faults)
    return [(name, value) for name, _, value in (text.partition("=") for text in given)]
