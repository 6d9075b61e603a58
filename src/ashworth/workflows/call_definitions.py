"""Call rules: run their worked cases, show them, list them on the reference page."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ashworth.classification.gates import decide, names_of
from ashworth.classification.relative import MEANING
from ashworth.definitions.call_models import CallRule, Gate
from ashworth.definitions.loader import load_all

Triple = tuple[str, str, str]


def call_answers(rule: CallRule) -> Iterator[Triple]:
    """Yield name, expected and found call of each worked case."""
    for case in rule.cases:
        features = {f: np.array([v]) for f, v in case.given.features.items()}
        yield case.name, case.expect.call, names_of(decide(features, rule)[0], rule)[0]


def call_rows(rule: CallRule) -> Iterator[Triple]:
    """Yield item, value and source of everything that a rule says."""
    yield "channels needed", ", ".join(rule.channels), ""
    population = rule.leukocytes
    yield (
        "leukocytes",
        f"CD45 above {population.cd45_over_noise:g} x noise; at least {population.minimum}",
        "",
    )
    yield "upper limit of leukocytes", f"quantile {population.upper_quantile:g}", ""
    for row in rule.classes:
        yield row.call, f"{row.title}: {_gates(row.gates)}", ""
    yield "otherwise", rule.otherwise, ""


def call_rules_section() -> Iterator[str]:
    """Yield the lines of the reference page."""
    yield "## Call rules\n"
    yield (
        "The first class whose gates all hold is the call. Every feature is relative to the "
        "cartridge's own leukocytes or background; see [from pixels to counts]"
        "(../explanation/one-cell.md).\n"
    )
    for rule in load_all("call_rule"):
        if isinstance(rule, CallRule):
            yield f"`{rule.id}`, version {rule.version}: {rule.title}\n"
            yield "| call | meaning | gates |"
            yield "|---|---|---|"
            for row in rule.classes:
                yield f"| `{row.call}` | {row.title} | {_gates(row.gates)} |"
            yield f"| `{rule.otherwise}` | fits no class | |"
    yield "\n| feature | meaning |"
    yield "|---|---|"
    for feature, meaning in MEANING.items():
        yield f"| `{feature}` | {meaning} |"


def _gates(gates: tuple[Gate, ...]) -> str:
    return "; ".join(
        f"{g.feature} {'>' if g.above is not None else '<='} {g.limit:g}" for g in gates
    )
