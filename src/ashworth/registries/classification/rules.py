"""The rules of classification, read from their file and compiled."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import yaml

from ashworth.errors import DefinitionError

_BRACKET = re.compile(r"[(\[]\s*")
_LONGEST_DEFINITION = 400
SHIPPED = Path(__file__).parents[1] / "data" / "cell_rules.yaml"


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that name cells.

    Attributes
    ----------
    id, specimen : str
    keys : tuple of str
        Folded substrings; every match holds one of them.
    also : tuple of str
        Folded substrings that all stand in a field with a match.
    pattern : re.Pattern
    needs : re.Pattern or None
        Must stand in the same field.
    breast_only : bool
    not_in : frozenset of str
        Fields in which the phrase is no evidence.
    """

    id: str
    specimen: str
    keys: tuple[str, ...]
    also: tuple[str, ...]
    pattern: re.Pattern[str]
    needs: re.Pattern[str] | None
    breast_only: bool
    not_in: frozenset[str]

    def may_stand_in(self, folded: str) -> bool:
        """Whether a text (lower case) holds the substrings that every match holds."""
        return any(key in folded for key in self.keys) and all(k in folded for k in self.also)


@dataclass(frozen=True, slots=True)
class Token:
    """An abbreviation that means cells only beside certain words."""

    id: str
    specimen: str
    key: str
    pattern: re.Pattern[str]
    window: int
    plural: str
    speaks_for: re.Pattern[str]
    speaks_against: re.Pattern[str]
    defined: re.Pattern[str]
    defined_by: re.Pattern[str]
    other_meaning: re.Pattern[str]
    followed: re.Pattern[str]

    def means_something_else(self, text: str) -> bool:
        """Whether a text (lower case) says that the letters stand for something else."""
        if self.other_meaning.search(text):
            return True
        spelled = self._spelled(text)
        return bool(spelled) and not any(self.defined_by.search(words) for words in spelled)

    def _spelled(self, text: str) -> list[str]:
        """Words before the letters in brackets; only the text around a bracket is searched."""
        found = []
        for bracket in _BRACKET.finditer(text):
            if text.startswith(self.key.lower(), bracket.end()):
                around = text[max(0, bracket.start() - _LONGEST_DEFINITION) : bracket.end() + 9]
                found += [m[1] for m in self.defined.finditer(around)]
        return found


@dataclass(frozen=True, slots=True)
class Role:
    """What the cells are for; a match holds one of the keys."""

    id: str
    role: str
    tiers: frozenset[int]
    pattern: re.Pattern[str]
    keys: tuple[str, ...]

    def stands_in(self, folded: str) -> bool:
        """Whether a text (lower case) names the role."""
        return any(k in folded for k in self.keys) and self.pattern.search(folded) is not None


@dataclass(frozen=True)
class CellRules:
    """All rules of one version."""

    version: int
    tiers: dict[str, int]
    breast: re.Pattern[str]
    scope_fields: tuple[str, ...]
    scope_keys: tuple[str, ...]
    phrases: tuple[Phrase, ...]
    tokens: tuple[Token, ...]
    mesh: frozenset[str]
    roles: tuple[Role, ...]
    role_keys: tuple[str, ...]

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Substrings of which any phrase holds one."""
        return tuple(dict.fromkeys(key for phrase in self.phrases for key in phrase.keys))


@lru_cache(maxsize=8)
def cell_rules(path: Path = SHIPPED) -> CellRules:
    """Read and compile the rules.

    Raises
    ------
    DefinitionError
        If the file lacks a part or a pattern is no regular expression.

    Examples
    --------
    >>> cell_rules().version
    2
    """
    try:
        raw: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        return CellRules(
            raw["version"], dict(raw["fields"]), _pattern(raw["scope"]["breast"]),
            tuple(raw["scope"]["fields"]), tuple(raw["scope"]["keys"]),
            tuple(map(_phrase, raw["phrases"])),
            tuple(map(_token, raw["tokens"])),
            frozenset(raw["mesh"]["terms"]), tuple(map(_role, raw["roles"])),
            tuple(raw["role_keys"]),
        )  # fmt: skip
    except (OSError, yaml.YAMLError, KeyError, TypeError, re.error) as error:
        raise DefinitionError(f"{path.name}: {type(error).__name__}: {error}") from None


def _pattern(text: str) -> re.Pattern[str]:
    """Compile for lower-case text; a plain space matches spaces and hyphens."""
    spaced = re.sub(r"(?<!\\)(?<!\[) (?![?*+{])", "[ -]+", text).replace(" ?", "[ -]?")
    return re.compile(spaced)


def _phrase(raw: dict[str, Any]) -> Phrase:
    needs = _pattern(raw["needs"]) if "needs" in raw else None
    keys = tuple(key.lower() for key in raw["keys"])
    also = tuple(key.lower() for key in raw.get("also", ()))
    return Phrase(raw["id"], raw["specimen"], keys, also, _pattern(raw["pattern"]), needs,
                  raw.get("scope") == "breast", frozenset(raw.get("not_in", ())))  # fmt: skip


def _token(raw: dict[str, Any]) -> Token:
    return Token(raw["id"], raw["specimen"], raw["key"], re.compile(raw["pattern"]), raw["window"],
                 raw["plural"], _pattern(raw["for"]), _pattern(raw["against"]),
                 re.compile(raw["defined"]), re.compile(raw["defined_by"]),
                 _pattern(raw["other_meaning"]), _pattern(raw["followed"]))  # fmt: skip


def _role(raw: dict[str, Any]) -> Role:
    return Role(raw["id"], raw["role"], frozenset(raw["tiers"]), _pattern(raw["pattern"]),
                tuple(raw.get("keys", ("",))))  # fmt: skip
