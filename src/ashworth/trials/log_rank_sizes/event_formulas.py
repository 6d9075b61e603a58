"""Drift of the log-rank statistic per root event, by the formula that is named."""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

from ashworth.trials.faults import Faults

EventMethod = Literal["schoenfeld", "freedman", "hsieh_freedman"]
EVENT_METHODS: tuple[str, ...] = get_args(EventMethod)


def drift_per_root_event(
    hazard_ratio: float, ratio: float, null_hazard_ratio: float, method: str
) -> float:
    r"""Give |E(Z)| / sqrt(D): events are (z_alpha + z_beta)^2 / drift^2.

    With r the allocation ratio (experimental to control), HR the hazard ratio and M its null:
    Schoenfeld (1981) :math:`\sqrt r/(1+r) |\log HR - \log M|`; Freedman (1982)
    :math:`\sqrt r |1-HR|/(1+r HR)`; Hsieh's (1992) reading of it for unequal arms
    :math:`2\sqrt r/(1+r) |1-HR|/(1+HR)`. The last two are the same at r = 1 only.
    """
    if method == "schoenfeld":
        return math.sqrt(ratio) / (1 + ratio) * abs(math.log(hazard_ratio / null_hazard_ratio))
    gap = abs(1 - hazard_ratio)
    if method == "freedman":
        return math.sqrt(ratio) * gap / (1 + ratio * hazard_ratio)
    return 2 * math.sqrt(ratio) / (1 + ratio) * gap / (1 + hazard_ratio)


def ratio_of_drift(drift: float, ratio: float, null_hazard_ratio: float, method: str) -> float:
    """Hazard ratio below the null whose drift per root event is `drift` (at least 0)."""
    if method == "schoenfeld":
        return null_hazard_ratio * math.exp(-drift * (1 + ratio) / math.sqrt(ratio))
    if method == "freedman":
        share = drift / math.sqrt(ratio)
        return max((1 - share) / (1 + ratio * share), 0.0)
    share = drift * (1 + ratio) / (2 * math.sqrt(ratio))
    return max((1 - share) / (1 + share), 0.0)


def declared_ratio(
    limit: float, events: float, ratio: float, null_hazard_ratio: float, hazard_ratio: float
) -> float:
    """Estimate at the edge of significance, on the alternative's side of the null."""
    below = ratio_of_drift(limit / math.sqrt(events), ratio, null_hazard_ratio, "schoenfeld")
    return below if hazard_ratio < null_hazard_ratio else null_hazard_ratio**2 / below


def check_allocation(faults: Faults, ratio: Any, null_hazard_ratio: Any, method: Any) -> None:
    """Demand a ratio and a null in range, and a formula that knows the null."""
    faults.number("ratio", ratio, above=0)
    right = faults.number("null_hazard_ratio", null_hazard_ratio, above=0)
    if not faults.one_of("method", method, EVENT_METHODS) or not right:
        return
    if method != "schoenfeld" and null_hazard_ratio != 1.0:
        found = f"{method} with null_hazard_ratio {null_hazard_ratio:g}"
        remedy = "Freedman's formula is one of superiority; choose schoenfeld"
        faults.add("method", found, "schoenfeld where null_hazard_ratio is not 1", remedy)
