"""The flow as lines of text, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ashworth.definitions.protocols.flow import AnyNode
from ashworth.trials.protocols.executable import Executable
from ashworth.trials.protocols.graph import branches, successors
from ashworth.trials.protocols.route_columns import flow_order

_BAR, _FORK, _LAST = "│  ", "├─ ", "└─ "


def flow_outline(trial: Executable) -> tuple[str, ...]:
    """Draw the flow as an indented tree; a node where ways meet again is drawn once, after them.

    Examples
    --------
    >>> from ashworth.trials import load_protocol
    >>> print(flow_outline(load_protocol("stic-ctc"))[0])
    HR+ HER2-, first line, fit for either therapy [screen]
    """
    return tuple(_Outline(trial).lines())


class _Outline:
    """Which nodes are drawn already, and how many ways lead to each."""

    def __init__(self, trial: Executable) -> None:
        self._trial = trial
        self._ways = dict.fromkeys(trial.nodes, 0)
        for node in trial.nodes.values():
            for target in successors(node):
                self._ways[target] += 1
        self._drawn: set[str] = set()

    def lines(self) -> Iterator[str]:
        for id in flow_order(self._trial):
            if id not in self._drawn and (id == self._trial.start or self._ways[id] != 1):
                yield from self._node(id, "")

    def _node(self, id: str, indent: str) -> Iterator[str]:
        node = self._trial.nodes[id]
        self._drawn.add(id)
        yield f"{indent}{_title(node)}"
        arrows = branches(node)
        if len(arrows) == 1:
            yield from self._after(arrows[0][0], indent)
            return
        for i, (target, label) in enumerate(arrows):
            last = i == len(arrows) - 1
            yield f"{indent}{_LAST if last else _FORK}{label}"
            yield from self._after(target, indent + ("   " if last else _BAR))

    def _after(self, target: str, indent: str) -> Iterator[str]:
        if self._ways[target] == 1 and target not in self._drawn:
            yield from self._node(target, indent)
        else:
            yield f"{indent}-> {self._trial.nodes[target].title} [{target}]"


def _title(node: AnyNode) -> str:
    observed = "" if node.observed is None else f" (observed: {node.observed})"
    return f"{node.title} [{node.id}]{observed}"
