"""The flow as a diagram: boxes in layers, arrows between them, positions without units.

Layers follow the longest way from the start; within a layer the boxes are ordered so that arrows
cross little (the barycentre rule of Sugiyama, Tagawa and Toda 1981, IEEE Trans Syst Man Cybern
11:109-125). An arrow over several layers passes through empty places of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from ashworth.trials.protocols.executable import Executable
from ashworth.trials.protocols.graph import branches
from ashworth.trials.protocols.route_columns import flow_order

if TYPE_CHECKING:
    import polars as pl

_SWEEPS = 12


@dataclass(frozen=True, slots=True)
class FlowDiagram:
    """Boxes and arrows of a flow.

    Attributes
    ----------
    boxes : polars.DataFrame
        node, kind, title, observed, layer (0 at the top), place (from the left, 0 to 1).
    arrows : polars.DataFrame
        source, target, label, places: the places that the arrow passes in the layers between.
    """

    boxes: pl.DataFrame
    arrows: pl.DataFrame


def flow_diagram(trial: Executable) -> FlowDiagram:
    """Lay a protocol's flow out.

    Examples
    --------
    >>> from ashworth.trials import load_protocol
    >>> flow_diagram(load_protocol("stic-ctc")).boxes["layer"].max()
    7
    """
    import polars as pl

    layers = _layers(trial)
    arrows = [(s, t, label) for s, n in trial.nodes.items() for t, label in branches(n)]
    columns, ways = _with_passes(layers, arrows)
    places = _places(columns, ways)
    boxes = [
        {"node": id, "kind": node.do, "title": node.title, "observed": node.observed,
         "layer": layers[id], "place": places[id]}
        for id, node in trial.nodes.items()
    ]  # fmt: skip
    lines = [
        {"source": s, "target": t, "label": label, "places": [places[p] for p in way]}
        for (s, t, label), way in zip(arrows, ways, strict=True)
    ]
    schema = {"source": pl.String, "target": pl.String, "label": pl.String,
              "places": pl.List(pl.Float64)}  # fmt: skip
    return FlowDiagram(
        pl.DataFrame(boxes, schema_overrides={"observed": pl.Int64}),
        pl.DataFrame(lines, schema=schema),
    )


def _layers(trial: Executable) -> dict[str, int]:
    """Longest way from the start, in arrows."""
    found = dict.fromkeys(trial.nodes, 0)
    for id in flow_order(trial):
        for target, _ in branches(trial.nodes[id]):
            found[target] = max(found[target], found[id] + 1)
    return found


def _with_passes(
    layers: Mapping[str, int], arrows: Sequence[tuple[str, str, str]]
) -> tuple[list[list[str]], list[list[str]]]:
    """Nodes and passes by layer; for every arrow the passes on its way."""
    columns: list[list[str]] = [[] for _ in range(max(layers.values()) + 1)]
    for id, layer in layers.items():
        columns[layer].append(id)
    ways = []
    for number, (source, target, _) in enumerate(arrows):
        way = []
        for layer in range(layers[source] + 1, layers[target]):
            name = f"pass {number} {layer}"
            columns[layer].append(name)
            way.append(name)
        ways.append([source, *way, target])
    return columns, ways


def _places(columns: list[list[str]], ways: Sequence[Sequence[str]]) -> dict[str, float]:
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for way in ways:
        for first, second in pairwise(way):
            below.setdefault(first, []).append(second)
            above.setdefault(second, []).append(first)
    place = _spread(columns)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for column in columns if down else columns[::-1]:
            _reorder(column, above if down else below, place)
    return place


def _reorder(
    column: list[str], beside: Mapping[str, Sequence[str]], place: dict[str, float]
) -> None:
    wanted = {
        id: sum(place[b] for b in beside[id]) / len(beside[id]) if beside.get(id) else place[id]
        for id in column
    }
    column.sort(key=lambda id: wanted[id])
    place.update(_spread([column]))


def _spread(columns: Sequence[Sequence[str]]) -> dict[str, float]:
    return {id: (i + 0.5) / len(c) for c in columns for i, id in enumerate(c)}
