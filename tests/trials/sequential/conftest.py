"""Reference values of gsDesign, rpact and an independent recursion, and their designs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ashworth.trials import GroupSequential, group_sequential

_FILE = Path(__file__).parents[3] / "reference" / "trials" / "sequential.json"
_READ = json.loads(_FILE.read_text(encoding="utf-8"))
MADE: dict[str, Any] = {k: v["value"] for k, v in _READ["entries"].items()}
PRECISE: dict[str, Any] = {k: v["value"] for k, v in _READ["high_precision_boundaries"].items()}

_FAMILIES: dict[str, dict[str, Any]] = {
    "LDOF": {"efficacy": "obrien_fleming"},
    "LDPocock": {"efficacy": "pocock"},
    "exactOF": {"efficacy": "exact_obrien_fleming"},
    "exactPocock": {"efficacy": "exact_pocock"},
    "exactWT": {"efficacy": "wang_tsiatis", "shape": 0.25},
}
_SPECIAL: dict[str, dict[str, Any]] = {
    "LDOF_HSDneg2_binding": {"looks": 3, "futility": "hwang_shih_decani", "futility_gamma": -2,
                             "binding": True},
    "LDOF_HSDneg2_nonbinding": {"looks": 3, "futility": "hwang_shih_decani", "futility_gamma": -2},
    "LDOF_twosided_symmetric": {"looks": 3, "sided": 2, "alpha": 0.05},
    "s0500_like": {"looks": 4, "sided": 2, "alpha": 0.05, "power": 0.81},
    "rpact.asOF": {"looks": 3, "power": 0.8},
    "rpact.asP": {"looks": 3, "power": 0.8, "efficacy": "pocock"},
    "rpact.OF": {"looks": 3, "power": 0.8, "efficacy": "exact_obrien_fleming"},
    "rpact.WT": {"looks": 3, "power": 0.8, "efficacy": "wang_tsiatis", "shape": 0.25},
}  # fmt: skip
_NAME = re.compile(r"(?:gs\.)?(rpact\.\w+|[\w-]+?)\.(?:k(\d)|t)(\.t)?(\.4_\.7_1)?")


def design_of(name: str) -> GroupSequential:
    """The design that an entry's name describes."""
    found = _NAME.match(name)
    assert found, name
    family, looks = found[1], found[2]
    if family in _SPECIAL:
        return group_sequential(**_SPECIAL[family])
    kind = _FAMILIES.get(family) or {
        "efficacy": "hwang_shih_decani", "gamma": float(family.removeprefix("HSD")),
    }  # fmt: skip
    alpha = 0.05 if ".a0.05" in name else 0.025
    if ".t.4_.7_1" in name:
        return group_sequential(information_fractions=[0.4, 0.7, 1.0], alpha=alpha, **kind)
    return group_sequential(int(looks), alpha=alpha, **kind)
