"""Reference values of other people's programs and tables."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parents[3] / "reference" / "trials" / "proportions.json"
_READ = json.loads(_FILE.read_text(encoding="utf-8"))
MADE: dict[str, Any] = {k: v["value"] for k, v in _READ["entries"].items()}
PRINTED: dict[str, Any] = _READ["printed"]


def entries(pattern: str) -> list[tuple[Any, ...]]:
    """Value and the numbers in the name of every entry that matches."""
    found = [(MADE[k], re.fullmatch(pattern, k)) for k in MADE]
    return [(value, *map(float, m.groups())) for value, m in found if m]
