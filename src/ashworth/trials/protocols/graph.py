"""The flow as a graph: where nodes lead."""

from __future__ import annotations

from ashworth.definitions.protocols.flow import AnyNode, Decide, Randomise, Screen, Stop


def branches(node: AnyNode) -> tuple[tuple[str, str], ...]:
    """List the targets of a node with the words on the arrow."""
    if isinstance(node, Screen):
        return ((node.next, "eligible"), (node.otherwise, "not eligible"))
    if isinstance(node, Decide):
        cases = tuple((case.next, case.label or case.when) for case in node.cases)
        if node.otherwise is None:
            return cases
        return (*cases, (node.otherwise, node.otherwise_label or "otherwise"))
    if isinstance(node, Randomise):
        return tuple((target, arm) for arm, target in node.arms.items())
    if isinstance(node, Stop):
        return ()
    return ((node.next, ""),)


def successors(node: AnyNode) -> tuple[str, ...]:
    """List the ids a node leads to, each once."""
    return tuple(dict.fromkeys(target for target, _ in branches(node)))
