"""Phases of all registries in one writing."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ORDER = ("EARLY_PHASE1", "PHASE1", "PHASE2", "PHASE3", "PHASE4")
RULES = Path(__file__).parents[1] / "data" / "phase_rules.yaml"
_NUMERALS = {"I": 1, "II": 2, "III": 3, "IV": 4, "1": 1, "2": 2, "3": 3, "4": 4}
_PHASE = re.compile(r"\bphase\s+([ivx\d]+(?:\s*/\s*[ivx\d]+)*)", re.IGNORECASE)


@cache
def phase_rules() -> dict[str, Any]:
    """The table of values that do not say their phase in words."""
    found: dict[str, Any] = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return found


@cache
def phase_codes(text: str) -> tuple[str, ...] | None:
    """Give the phases that a registry's value means; None where it is not known.

    An empty tuple: the registry says that none is told. ``NA``: that none applies.

    Examples
    --------
    >>> phase_codes("Phase II/III"), phase_codes("Therapeutic use (Phase IV)")
    (('PHASE2', 'PHASE3'), ('PHASE4',))
    >>> phase_codes("Not Applicable"), phase_codes("Not Specified"), phase_codes("Phase IX")
    (('NA',), (), None)
    """
    folded = " ".join(text.split())
    known = phase_rules()["values"].get(folded.casefold())
    if known is not None:
        return tuple(known)
    numerals = [n.strip().upper() for m in _PHASE.finditer(folded) for n in m[1].split("/")]
    if not numerals or any(n not in _NUMERALS for n in numerals):
        return None
    return tuple(f"PHASE{n}" for n in sorted({_NUMERALS[n] for n in numerals}))
