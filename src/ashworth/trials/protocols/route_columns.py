"""The ways of many patients at once: the same flow over columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ashworth.definitions.protocols.flow import AnyNode, Decide, Randomise, Screen, Stop, Treat
from ashworth.trials.language.columns import Codes, Column, Compiled, compile_columns
from ashworth.trials.protocols.executable import Executable
from ashworth.trials.protocols.graph import successors

if TYPE_CHECKING:
    import polars as pl

Mask = NDArray[np.bool_]
UNKNOWN_TREATMENT = -1


@dataclass(frozen=True, slots=True)
class RoutedColumns:
    """Where many patients get.

    Attributes
    ----------
    nodes : tuple of str
        Ids of the nodes; `at` holds positions in it.
    at : ndarray of int16, shape (n,)
        Node where the way ends or halts.
    ended : ndarray of bool, shape (n,)
        Whether it ends there (a stop), or halts (undecided, or awaiting randomisation).
    treatment : ndarray of int32, shape (n,)
        Code of the last treatment given, in `treatments`; -1 where none was, or it is unknown.
    treatments : tuple of str
    visits : dict of str to int
        Patients who came to each node.
    """

    nodes: tuple[str, ...]
    at: NDArray[np.int16]
    ended: Mask
    treatment: NDArray[np.int32]
    treatments: tuple[str, ...]
    visits: dict[str, int]

    def table(self) -> pl.DataFrame:
        """Patients per node, and their share of all."""
        import polars as pl

        n = max(len(self.at), 1)
        return pl.DataFrame(
            {
                "node": list(self.visits),
                "patients": list(self.visits.values()),
                "share": [v / n for v in self.visits.values()],
            }
        )


class ColumnRouter:
    """A protocol compiled to columns: make it once, route as often as needed.

    Parameters
    ----------
    trial : Executable

    Examples
    --------
    >>> import numpy as np
    >>> from ashworth.trials import load_protocol
    >>> router = ColumnRouter(load_protocol("stic-ctc"))
    >>> router.route({}, 3).ended.tolist()
    [False, False, False]
    """

    def __init__(self, trial: Executable) -> None:
        self.trial, self.codes = trial, Codes()
        self._compiled: dict[tuple[str | int, ...], Compiled] = {
            place: compile_columns(formula.typed, self.codes)
            for place, formula in trial.formulas.items()
        }
        self._order = flow_order(trial)

    def derive(self, columns: Mapping[str, Column], n: int) -> dict[str, Column]:
        """Add the derived values."""
        values = dict(columns)
        for name in self.trial.protocol.derived:
            values[name] = self._compiled["derived", name, "value"](values, n)
        return values

    def value(self, *place: str | int) -> Compiled:
        """Give the compiled expression at a place."""
        return self._compiled[place]

    def treatment(self, arm: str, values: Mapping[str, Column], n: int) -> Column:
        """Codes of what an arm's policy gives."""
        return self._compiled["arms", arm, "give"](values, n)

    def eligible(self, values: Mapping[str, Column], n: int, node: Screen | None = None) -> Column:
        """Whether patients meet the criteria of a screening node (of all, without a node)."""
        known, met = np.ones(n, dtype=np.bool_), np.ones(n, dtype=np.bool_)
        failed = np.zeros(n, dtype=np.bool_)
        asked = set(node.criteria) if node is not None else set()
        for side, wanted in (("include", True), ("exclude", False)):
            for criterion in getattr(self.trial.protocol.eligibility, side):
                if criterion.when is None or (asked and criterion.id not in asked):
                    continue
                answer = self._compiled["eligibility", side, criterion.id, "when"](values, n)
                truth = answer.values.astype(np.bool_, copy=False)
                fits = answer.known & (truth if wanted else ~truth)
                failed |= answer.known & ~fits
                met &= fits
                known &= answer.known
        return Column(met, known | failed)

    def route(
        self, columns: Mapping[str, Column], n: int, *, arm: Column | None = None
    ) -> RoutedColumns:
        """Route `n` patients.

        Parameters
        ----------
        columns : mapping of str to Column
            Quantities; one that is missing is unknown for everyone. Categories are coded by
            `codes`.
        n : int
        arm : Column, optional
            The arm that chance gave, coded by `codes`.
        """
        walk = _ColumnWalk(self, self.derive(columns, n), n, arm)
        for node in self._order:
            walk.visit(self.trial.nodes[node])
        return walk.result()

    def visited(self, columns: Mapping[str, Column], n: int) -> dict[str, Mask]:
        """Who comes to each node, before any chance."""
        walk = _ColumnWalk(self, self.derive(columns, n), n, None)
        for node in self._order:
            walk.visit(self.trial.nodes[node])
        return walk.visited()


class _ColumnWalk:
    """Masks of patients per node, filled in topological order."""

    def __init__(
        self, router: ColumnRouter, values: dict[str, Column], n: int, arm: Column | None
    ) -> None:
        self._router, self._values, self._n, self._arm = router, values, n, arm
        self._ids = tuple(router.trial.nodes)
        self._here: dict[str, Mask] = {router.trial.start: np.ones(n, dtype=np.bool_)}
        self._at = np.full(n, -1, dtype=np.int16)
        self._ended = np.zeros(n, dtype=np.bool_)
        self._treatment = np.full(n, UNKNOWN_TREATMENT, dtype=np.int32)
        self._steps: dict[type, Callable] = {
            Screen: self._screen, Decide: self._decide, Randomise: self._randomise,
            Treat: self._treat, Stop: self._stop,
        }  # fmt: skip

    def visit(self, node: AnyNode) -> None:
        here = self._here.get(node.id)
        if here is None or not here.any():
            return
        step = self._steps.get(type(node))
        left = here if step is None else step(node, here)
        if step is None:
            self._send(node.next, here)  # type: ignore[union-attr]
            return
        if left is not None:
            self._at[left] = self._ids.index(node.id)

    def _send(self, target: str, who: Mask) -> None:
        self._here[target] = who | self._here[target] if target in self._here else who

    def _screen(self, node: Screen, here: Mask) -> Mask:
        answer = self._router.eligible(self._values, self._n, node)
        self._send(node.next, here & answer.known & answer.values)
        self._send(node.otherwise, here & answer.known & ~answer.values)
        return here & ~answer.known

    def _decide(self, node: Decide, here: Mask) -> Mask:
        open_, stuck = here, np.zeros(self._n, dtype=np.bool_)
        for i, case in enumerate(node.cases):
            answer = self._router.value("flow", node.id, "cases", i, "when")(self._values, self._n)
            truth = answer.values.astype(np.bool_, copy=False)
            stuck |= open_ & ~answer.known
            self._send(case.next, open_ & answer.known & truth)
            open_ = open_ & answer.known & ~truth
        if node.otherwise is None:
            return stuck | open_
        self._send(node.otherwise, open_)
        return stuck

    def _randomise(self, node: Randomise, here: Mask) -> Mask:
        if self._arm is None:
            return here
        waiting = here
        for arm, target in node.arms.items():
            mine = here & self._arm.known & (self._arm.values == self._router.codes.of(arm))
            self._send(target, mine)
            waiting = waiting & ~mine
        return waiting

    def _treat(self, node: Treat, here: Mask) -> None:
        given = self._router.treatment(node.arm, self._values, self._n)
        codes = np.where(given.known, given.values, UNKNOWN_TREATMENT)
        self._treatment = np.where(here, codes, self._treatment).astype(np.int32, copy=False)
        self._send(node.next, here)

    def _stop(self, node: Stop, here: Mask) -> Mask:
        self._ended |= here
        return here

    def visited(self) -> dict[str, Mask]:
        nobody = np.zeros(self._n, dtype=np.bool_)
        return {node: self._here.get(node, nobody) for node in self._ids}

    def result(self) -> RoutedColumns:
        visits = {
            node: int(np.count_nonzero(self._here[node])) if node in self._here else 0
            for node in self._ids
        }
        return RoutedColumns(
            self._ids, self._at, self._ended, self._treatment, self._router.codes.texts(), visits
        )


def flow_order(trial: Executable) -> tuple[str, ...]:
    """Sort the nodes so that every node comes after those that lead to it."""
    before: dict[str, set[str]] = {id: set() for id in trial.nodes}
    for id, node in trial.nodes.items():
        for target in successors(node):
            before[target].add(id)
    return tuple(TopologicalSorter(before).static_order())
