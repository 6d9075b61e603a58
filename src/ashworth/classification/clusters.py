"""Clusters of tumour cells: those of one cytokeratin body, also across a seam between frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

SEAM_GAP_UM = 2.0


def clusters(cells: pl.DataFrame, call: Sequence[str]) -> pl.Series:
    """Name the cluster of every tumour cell that has a neighbour in it; null for all others.

    Tumour cells of one frame belong together where they share a body of cytokeratin. Two that lie
    on a seam, in different frames, belong together where the gap between them is at most 2
    micrometres. A cluster is named after its first cell's frame and body.

    Parameters
    ----------
    cells : polars.DataFrame
        With `frame`, `body_id`; for seams also `border`, `x_um`, `y_um`, `diameter_um`.
    call : sequence of str

    Examples
    --------
    >>> cells = pl.DataFrame({"frame": [1, 1, 1], "body_id": [4, 4, 7]})
    >>> clusters(cells, ["ctc", "ctc", "ctc"]).to_list()
    ['0001-c4', '0001-c4', None]
    """
    nothing = pl.Series("cluster_id", [None] * cells.height, dtype=pl.String)
    if not {"frame", "body_id"} <= set(cells.columns):
        return nothing
    tumour = cells.with_row_index("at").filter(pl.Series([c == "ctc" for c in call]))
    if tumour.height < 2:
        return nothing
    pairs = [*_of_one_body(tumour), *_across_seams(tumour)]
    if not pairs:
        return nothing
    first, second = np.array(pairs).T
    n = tumour.height
    graph = coo_array((np.ones(first.size), (first, second)), shape=(n, n))
    _, group = connected_components(graph, directed=False)
    size, lead = np.bincount(group), np.unique(group, return_index=True)[1]
    frame, body, at = (tumour[c].to_list() for c in ("frame", "body_id", "at"))
    names: list[str | None] = [None] * cells.height
    for k in range(n):
        if size[group[k]] > 1:
            head = int(lead[group[k]])
            names[at[k]] = f"{frame[head]:04d}-c{body[head]}"
    return pl.Series("cluster_id", names, dtype=pl.String)


def _of_one_body(tumour: pl.DataFrame) -> list[tuple[int, int]]:
    """Chain the cells of every body."""
    last: dict[tuple[int, int], int] = {}
    pairs = []
    for k, key in enumerate(tumour.select("frame", "body_id").iter_rows()):
        if key[1] > 0:
            if key in last:
                pairs.append((last[key], k))
            last[key] = k
    return pairs


def _across_seams(tumour: pl.DataFrame) -> list[tuple[int, int]]:
    """Pairs of cells on a seam, of different frames, that nearly touch."""
    needed = {"border", "x_um", "y_um", "diameter_um"}
    if not needed <= set(tumour.columns):
        return []
    seam = tumour.with_row_index("k").filter("border")
    if seam.height < 2:
        return []
    places = seam.select("x_um", "y_um").to_numpy()
    radius, frame, k = (seam[c].to_numpy() for c in ("diameter_um", "frame", "k"))
    near = KDTree(places).query_pairs(float(radius.max()) + SEAM_GAP_UM)
    return [
        (int(k[i]), int(k[j]))
        for i, j in sorted(near)
        if frame[i] != frame[j]
        and np.hypot(*(places[i] - places[j])) <= (radius[i] + radius[j]) / 2 + SEAM_GAP_UM
    ]
