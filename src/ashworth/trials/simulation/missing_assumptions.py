"""What a simulation of a protocol needs and its file does not say."""

from __future__ import annotations

from ashworth.errors import InputError, Problem
from ashworth.trials.protocols.executable import Executable


def refuse_missing(trial: Executable, scenario: str) -> None:
    """Name every assumption that a simulation needs and the file lacks, all at once.

    Needed is a draw of every quantity that criteria, decisions, policies, cases of outcomes and
    the subgroups of analyses read, directly or through derived values.

    Raises
    ------
    InputError
    """
    assumed = trial.protocol.assumptions
    name = trial.document.name
    problems = []
    if assumed is None:
        problems.append(Problem(name, None, "assumptions", "nothing", "assumptions",
                                "add population, outcomes and course"))  # fmt: skip
        raise InputError(problems, subject="the assumptions")
    ids = ["base", *(s.id for s in assumed.scenarios)]
    if scenario not in ids:
        problems.append(Problem(name, None, "scenario", f"'{scenario}'", ", ".join(ids),
                                "name one of them"))  # fmt: skip
    if assumed.course is None:
        problems.append(Problem(name, None, "assumptions.course", "nothing",
                                "patients, accrual and follow-up", "add the course"))  # fmt: skip
    drawn = {q for draw in assumed.population for q in draw.set}
    for quantity in sorted(_needed(trial, scenario) - drawn):
        problems.append(Problem(name, None, "assumptions.population", f"no draw of '{quantity}'",
                                "a draw for every quantity that flow, outcomes and analyses need",
                                f"say how '{quantity}' comes about"))  # fmt: skip
    if problems:
        raise InputError(problems, subject="the assumptions")


def _needed(trial: Executable, scenario: str) -> set[str]:
    """Quantities read by what a scenario runs; other scenarios may read others."""
    names = {
        n
        for place, formula in trial.formulas.items()
        if _is_run(place, scenario)
        for n in formula.names()
    }
    found = {q for n in names for q in trial.quantities_of.get(n, (n,))}
    return found & set(trial.protocol.quantities)


def _is_run(place: tuple[str | int, ...], scenario: str) -> bool:
    if place[0] == "assumptions":
        return place[1] == "outcomes" or place[1:3] == ("scenarios", scenario)
    return place[0] in ("eligibility", "flow", "arms", "analyses")
