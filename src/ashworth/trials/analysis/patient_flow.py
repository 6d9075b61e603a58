"""Where the patients of a trial went: the funnel of screening, and who departed from the flow."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ashworth.trials.analysis.subjects import Subjects
from ashworth.trials.protocols.executable import Executable
from ashworth.trials.protocols.route import Route

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class PatientFlow:
    """Counts over the flow.

    Attributes
    ----------
    visits : dict of str to int
        Patients who came to each node, by their version.
    halted : dict of (str, str) to int
        Patients who halted undecided, by node and first reason.
    not_eligible : dict of str to int
        Reasons for which patients were not eligible.
    departures : tuple of (str, str)
        Patients whose arm contradicts the flow, and how.
    """

    n: int
    titles: dict[str, str]
    visits: dict[str, int]
    halted: dict[tuple[str, str], int]
    not_eligible: dict[str, int]
    departures: tuple[tuple[str, str], ...]

    def table(self) -> pl.DataFrame:
        """Node, title, patients."""
        import polars as pl

        return pl.DataFrame(
            {
                "node": list(self.visits),
                "title": [self.titles[node] for node in self.visits],
                "patients": list(self.visits.values()),
            }
        )


def patient_flow(subjects: Subjects, trial: Executable) -> PatientFlow:
    """Route every patient and count.

    Parameters
    ----------
    subjects : Subjects
    trial : Executable
        The version whose nodes give the order of the table.
    """
    routes = subjects.routes()
    visits = dict.fromkeys(trial.nodes, 0)
    titles = {id: node.title for id, node in trial.nodes.items()}
    halted: Counter[tuple[str, str]] = Counter()
    refused: Counter[str] = Counter()
    for own, route in zip(subjects.trials, routes, strict=True):
        for visit in route.visits:
            visits[visit.node] = visits.get(visit.node, 0) + 1
            titles.setdefault(visit.node, own.nodes[visit.node].title)
        if route.verdict == "undecided":
            halted[route.at, (route.visits[-1].reasons or ("no reason",))[0]] += 1
        refused.update(_not_eligible(route))
    return PatientFlow(
        subjects.n, titles, visits, dict(sorted(halted.items())), dict(sorted(refused.items())),
        tuple(_departures(subjects, routes)),
    )  # fmt: skip


def _not_eligible(route: Route) -> list[str]:
    """Ids of the criteria that kept a patient out."""
    words = [r for visit in route.visits for r in visit.reasons]
    return [w.split("'")[1] for w in words if w.startswith(("criterion '", "exclusion '"))
            and (" is not met:" in w or " is present:" in w)]  # fmt: skip


def _departures(subjects: Subjects, routes: tuple[Route, ...]) -> list[tuple[str, str]]:
    """Patients with an arm who never came to the randomisation, or come to it without an arm."""
    found = []
    rows = zip(subjects.ids, subjects.trials, subjects.arms, routes, strict=True)
    for id, trial, arm, route in rows:
        chance = trial.protocol.randomisation
        if chance is None or arm is None:
            continue
        came = any(trial.nodes[v.node].do == "randomise" for v in route.visits)
        if not came:
            found.append((id, f"allocated to {arm}, but the flow ends at '{route.at}'"))
    return found
