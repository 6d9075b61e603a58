"""What can be seen of a protocol before any patient: `ashworth trial check`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np

from ashworth.definitions.protocols.flow import Decide, Randomise, Treat
from ashworth.trials.protocols.executable import Executable, Place
from ashworth.trials.protocols.graph import successors
from ashworth.trials.protocols.known_when import early_uses, wrong_stages
from ashworth.trials.protocols.population import draw_population
from ashworth.trials.protocols.representatives import representative_patients
from ashworth.trials.protocols.route_columns import ColumnRouter, flow_order
from ashworth.trials.random_numbers.uniforms import draws
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check saw.

    Attributes
    ----------
    level : {"error", "warning", "note"}
        An error keeps the trial from being what it says; a note is worth knowing.
    check : str
    line, column : int or None
    place, message : str
    """

    level: Level
    check: str
    line: int | None
    column: int | None
    place: str
    message: str


@dataclass(frozen=True, slots=True)
class ProtocolChecks:
    """What the checks of a protocol saw.

    Attributes
    ----------
    protocol, protocol_version, digest : str, int, str
    findings : tuple of Finding
        Errors first.
    paths : int
        Number of ways through the flow.
    """

    protocol: str
    protocol_version: int
    digest: str
    findings: tuple[Finding, ...]
    paths: int
    method: str = "static checks over the flow and over representative patients"
    version: str = __version__

    @property
    def holds(self) -> bool:
        """Whether there is no error."""
        return all(f.level != "error" for f in self.findings)

    def table(self) -> pl.DataFrame:
        """One row per finding."""
        import polars as pl

        keys = ("level", "check", "line", "column", "place", "message")
        rows = [{k: getattr(f, k) for k in keys} for f in self.findings]
        whole = {"line": pl.Int64, "column": pl.Int64}
        return pl.DataFrame(rows, schema={k: whole.get(k, pl.String) for k in keys})


def check_protocol(trial: Executable) -> ProtocolChecks:
    """Check a protocol that can be loaded.

    Every node is reached, decisions are exhaustive and their cases do not overlap, nothing is
    used before it is known, arms can differ; where the assumptions describe patients, the share
    of patients whom two arms treat alike.

    Examples
    --------
    >>> from ashworth.trials import load_protocol
    >>> check_protocol(load_protocol("stic-ctc")).holds
    True
    """
    checks = (_unreached, _undecided, _too_early, _alike)
    found = [f for check in checks for f in check(trial)]
    order = {"error": 0, "warning": 1, "note": 2}
    document = trial.document
    return ProtocolChecks(
        trial.protocol.id, document.version, document.digest,
        tuple(sorted(found, key=lambda f: order[f.level])), _paths(trial),
    )  # fmt: skip


def _finding(trial: Executable, level: Level, check: str, place: Place, message: str) -> Finding:
    line, column = trial.document.place(place)
    return Finding(level, check, line, column, ".".join(map(str, place)), message)


def _paths(trial: Executable) -> int:
    ways: dict[str, int] = {}
    for id in reversed(flow_order(trial)):
        after = successors(trial.nodes[id])
        ways[id] = sum(ways[t] for t in after) if after else 1
    return ways[trial.start]


def _unreached(trial: Executable) -> Iterator[Finding]:
    reached = {trial.start}
    for id in flow_order(trial):
        if id in reached:
            reached |= set(successors(trial.nodes[id]))
    for id in trial.nodes:
        if id not in reached:
            yield _finding(
                trial, "error", "reachable", ("flow", id), f"no way leads to node '{id}'"
            )
    treated = {n.arm for n in trial.protocol.flow if isinstance(n, Treat) and n.id in reached}
    for arm in trial.protocol.arms:
        if arm not in treated:
            message = f"no reachable node gives the policy of arm '{arm}'"
            yield _finding(trial, "error", "reachable", ("arms", arm), message)


def _undecided(trial: Executable) -> Iterator[Finding]:
    for node in trial.protocol.flow:
        if isinstance(node, Decide):
            yield from _decision(trial, node)


def _decision(trial: Executable, node: Decide) -> Iterator[Finding]:
    router = ColumnRouter(trial)
    formulas = [trial.formula("flow", node.id, "cases", i, "when") for i in range(len(node.cases))]
    names = [n for f in formulas for n in f.names()]
    behind = list(dict.fromkeys(q for n in names for q in trial.quantities_of.get(n, (n,))))
    columns, n, complete = representative_patients(trial, behind, router.codes)
    values = router.derive(columns, n)
    answers = [router.value(*f.place)(values, n) for f in formulas]
    true = np.array([a.known & a.values.astype(np.bool_) for a in answers])
    how = f"{'all' if complete else 'drawn'} {n} representative patients"
    told = np.array([a.known for a in answers]).all(axis=0)
    open_ = told & ~true.any(axis=0)
    if node.otherwise is None and open_.any():
        message = f"no case is true for {int(open_.sum())} of {how}"
        yield _finding(trial, "error", "exhaustive", ("flow", node.id, "cases"), message)
    before = np.zeros(n, dtype=np.bool_)
    for i, mine in enumerate(true):
        place: Place = ("flow", node.id, "cases", i)
        if not (mine & ~before).any():
            message = f"this case is never the first true one among {how}"
            yield _finding(trial, "error", "reachable", place, message)
        elif (mine & before).any():
            message = "this case overlaps an earlier one; the earlier one decides"
            yield _finding(trial, "note", "overlap", place, message)
        before |= mine


def _too_early(trial: Executable) -> Iterator[Finding]:
    for use in early_uses(trial):
        words = f"'{use.quantity}' is used for {use.used_for} before it is known"
        if use.immortal:
            words = (
                f"immortal time: '{use.quantity}' is known only after the randomisation and is "
                f"used for {use.used_for}"
            )
        yield _finding(trial, "error", "known in time", use.place, words)
    for place, node in wrong_stages(trial):
        message = f"measured only at node '{node}', after the randomisation"
        yield _finding(trial, "error", "known in time", place, message)


def _alike(trial: Executable) -> Iterator[Finding]:
    for node in trial.protocol.flow:
        if isinstance(node, Randomise):
            for first, second in combinations(node.arms, 2):
                yield from _pair(trial, node, first, second)


def _pair(trial: Executable, node: Randomise, first: str, second: str) -> Iterator[Finding]:
    router = ColumnRouter(trial)
    names = [n for arm in (first, second) for n in trial.formula("arms", arm, "give").names()]
    behind = list(dict.fromkeys(q for n in names for q in trial.quantities_of.get(n, (n,))))
    columns, n, _ = representative_patients(trial, behind, router.codes)
    values = router.derive(columns, n)
    a, b = (router.treatment(arm, values, n) for arm in (first, second))
    same = a.known & b.known & (a.values == b.values)
    place: Place = ("flow", node.id, "arms")
    words = f"arms '{first}' and '{second}'"
    if same.all():
        message = f"{words} always give the same treatment: they cannot differ"
        yield _finding(trial, "error", "arms differ", place, message)
    elif same.any():
        yield _finding(
            trial, "note", "arms differ", place, _alike_words(trial, words, first, second)
        )


def _alike_words(trial: Executable, words: str, first: str, second: str) -> str:
    share = concordant_share(trial, first, second)
    if share is None:
        return f"{words} treat some patients alike; the assumptions do not tell how many"
    return (
        f"{words} are expected to treat {100 * share:.1f} % of the randomised patients alike "
        "(simulated from the protocol's assumptions): the effect is diluted by them"
    )


def concordant_share(
    trial: Executable, first: str, second: str, *, n: int = 100_000, seed: int = 1869
) -> float | None:
    """Share of randomised patients whom two arms' policies treat alike, by simulation.

    Returns
    -------
    float or None
        None where the protocol's assumptions describe no patients.
    """
    if trial.protocol.assumptions is None or not trial.protocol.assumptions.population:
        return None
    router = ColumnRouter(trial)
    columns = draw_population(router, draws(seed, "concordance", np.zeros(1, dtype=np.int64), n))
    routed = router.route(columns, n)
    nodes = [i for i, id in enumerate(routed.nodes) if isinstance(trial.nodes[id], Randomise)]
    randomised = np.isin(routed.at, nodes)
    if not randomised.any():
        return None
    values = router.derive(columns, n)
    a, b = (router.treatment(arm, values, n) for arm in (first, second))
    same = a.known & b.known & (a.values == b.values)
    return float(same[randomised].mean())
