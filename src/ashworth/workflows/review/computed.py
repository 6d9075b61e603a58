"""Numbers that the review computes: from protocols, from counting statistics, from the build."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from ashworth.definitions.protocols.flow import Randomise
from ashworth.enumeration import detection_probability, disagreement_probability
from ashworth.registries.landscape import Landscape
from ashworth.trials.protocols.executable import Executable, load_protocol
from ashworth.trials.simulation.dilution import DilutedStrategy, diluted_strategy
from ashworth.version import __version__
from ashworth.workflows.review.record_book import ComputedNumber, slug

Entry = tuple[str, ComputedNumber]


def computed_numbers(
    folders: tuple[Path, ...], protocols: tuple[str, ...]
) -> dict[str, ComputedNumber]:
    """Compute every number that the texts may ask for, by reference."""
    found: dict[str, ComputedNumber] = {}
    for id in protocols:
        trial = load_protocol(id, folders=folders)
        found.update(_of_protocol(trial))
        strategy = diluted_strategy(trial)
        if strategy is not None:
            found.update(_of_strategy(id, strategy))
    found.update(_of_counting())
    found["build:version"] = ComputedNumber(
        __version__, "version of the software", (("software", f"ashworth {__version__}"),)
    )
    return found


def landscape_numbers(found: Landscape) -> dict[str, ComputedNumber]:
    """Counts of the landscape, by reference."""
    facts = (("from", f"{found.n_registrations} registry records"),
             ("as of", found.as_of.isoformat()),
             ("rules", f"version {found.rules_version}; see the landscape command"))  # fmt: skip
    counts = found.counts()["3"]
    trials = found.focus()
    open_ = counts["open_or_planned"]["trials"]
    numbers = {
        "date": (found.as_of.isoformat(), "day of the latest record"),
        "registrations": (f"{found.n_registrations:,}", "registry records read"),
        "trials": (f"{len(trials):,}", "breast trials whose records name cells"),
        "open": (f"{open_:,}", "of them open or planned"),
        "ctc": (f"{counts['specimen'].get('CTC', 0):,}", "of CTC"),
        "dtc": (f"{counts['specimen'].get('DTC', 0):,}", "of DTC"),
    }  # fmt: skip
    return {
        f"landscape:{name}": ComputedNumber(text, title, facts)
        for name, (text, title) in numbers.items()
    }


def _of_protocol(trial: Executable) -> Iterator[Entry]:
    protocol, document = trial.protocol, trial.document
    facts = (("protocol", protocol.title), ("version", str(document.version)),
             ("sha-256 of the protocol", document.digest))  # fmt: skip
    for node in protocol.flow:
        if node.observed is not None:
            note = (("note", node.observed_note),) if node.observed_note else ()
            own = (("origin", "printed by the trial's reports"), *facts, *note)
            title = f"patients at '{node.title}'"
            yield (
                f"observed:{protocol.id} {node.id}",
                ComputedNumber(f"{node.observed:,}", title, own),
            )
    if any(isinstance(node, Randomise) for node in protocol.flow):
        for analysis in protocol.analyses:
            if isinstance(analysis.margin, float):
                yield (
                    f"margin:{protocol.id}",
                    ComputedNumber(f"{analysis.margin:g}", "margin of non-inferiority", facts),
                )
    if isinstance(protocol.planned.randomised, int):
        yield (
            f"planned:{protocol.id}",
            ComputedNumber(f"{protocol.planned.randomised:,}", "patients planned", facts),
        )


def _of_strategy(id: str, strategy: DilutedStrategy) -> Iterator[Entry]:
    facts = (
        ("method", "expected log-rank score over the protocol's assumed cells (Lakatos's sums)"),
        ("assumptions", strategy.illustrative or "those of the protocol"),
        ("patients", f"{strategy.patients}"),
        ("simulated", "no; computed from illustrative hazards"),
    )
    alike = 100 * strategy.concordant
    yield (
        f"alike:{id}",
        ComputedNumber(f"{alike:.0f} %", "patients treated alike in both arms", facts),
    )
    for row in strategy.rows:
        if row.discordant_hazard_ratio in (1.0, 1.5):
            name = f"declared:{id} {slug(f'{row.discordant_hazard_ratio:g}')}"
            yield name, ComputedNumber(
                f"{100 * row.declared:.0f} %",
                f"non-inferiority declared at a discordant hazard ratio of "
                f"{row.discordant_hazard_ratio:g}", facts,
            )  # fmt: skip
    if strategy.at_margin is not None:
        yield (
            f"at-margin:{id}",
            ComputedNumber(
                f"{strategy.at_margin:.2f}",
                "hazard ratio of the discordant patients at which the trial's reaches the margin",
                facts,
            ),
        )


def _of_counting() -> Mapping[str, ComputedNumber]:
    """What chance alone does to a count near its cut-off."""
    mean = 5.0
    per_ml = np.array([mean / 7.5])
    differ = float(disagreement_probability(5, 7.5, concentration=per_ml)[0])
    missed = 1 - float(detection_probability(1 / 7.5, 7.5).item())
    how = (("method", "Poisson counts of two tubes of the same blood"), ("source", "computed here"))
    return {
        "counting:cut-off": ComputedNumber("5 per 7.5 ml", "cut-off", how),
        "counting:differ": ComputedNumber(
            f"{100 * differ:.0f} %", "two tubes on different sides of the cut-off", how
        ),
        "counting:missed": ComputedNumber(
            f"{100 * missed:.0f} %", "no cell found at a true mean of one per tube", how
        ),
    }
