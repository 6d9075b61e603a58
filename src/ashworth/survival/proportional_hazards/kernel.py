"""Cox partial likelihood compiled by numba, for large studies; agrees with `twin`.

Rows lie sorted by cell in contiguous float64 columns, so that every loop runs along memory. The
passes work on blocks of rows that stay in the first-level cache.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ashworth.survival.inputs import Booleans, Floats, Integers
from ashworth.survival.proportional_hazards.design import CoxDesign
from ashworth.survival.proportional_hazards.twin import (
    LARGEST_PREDICTOR,
    SMALLEST_RISK,
    Likelihood,
    lowered_offset,
    widest_predictor,
)

_BLOCK = 256
_FAST = {"reassoc", "contract", "nsz"}


@njit(cache=True, nogil=True)
def counting_sort(key: Integers, n_keys: int) -> tuple[Integers, Integers]:
    """Stable order of small integer keys, and the start of each key's run (n_keys + 1)."""
    start = np.zeros(n_keys + 1, dtype=np.int64)
    for k in key:
        start[k + 1] += 1
    for k in range(n_keys):
        start[k + 1] += start[k]
    place = start.copy()
    order = np.empty(key.size, dtype=np.int64)
    for i in range(key.size):
        k = key[i]
        order[place[k]] = i
        place[k] += 1
    return order, start


@njit(cache=True, nogil=True, fastmath=_FAST)
def standardise(columns: Floats, row_start: Integers, constant: float) -> tuple[Floats, Floats]:
    """Centre columns within strata and scale them, in place; return scales and largest values."""
    p, m = columns.shape
    scale, largest = np.zeros(p), np.zeros(p)
    for j in range(p):
        squares, size = 0.0, 0.0
        for s in range(row_start.size - 1):
            segment = columns[j, row_start[s] : row_start[s + 1]]
            total = 0.0
            for i in range(segment.size):
                size = max(size, abs(segment[i]))
                total += segment[i]
            mean = total / segment.size
            for i in range(segment.size):
                segment[i] -= mean
                squares += segment[i] * segment[i]
        spread = np.sqrt(squares / m)
        scale[j] = spread if spread > constant * size else 0.0
        factor = 1.0 / spread if scale[j] > 0.0 else 0.0
        size = 0.0
        for i in range(m):
            columns[j, i] *= factor
            size = max(size, abs(columns[j, i]))
        largest[j] = size
    return scale, largest


@njit(cache=True, nogil=True)
def event_sums(columns: Floats, weights: Floats, cell_start: Integers, deaths: Integers) -> Floats:
    """Weighted sums of the columns over the events."""
    sums = np.zeros(columns.shape[0])
    for j in range(sums.size):
        for u in range(deaths.size):
            for i in range(cell_start[u], cell_start[u] + deaths[u]):
                sums[j] += weights[i] * columns[j, i]
    return sums


@njit(cache=True, nogil=True, fastmath=_FAST)
def _segment_sum(risk: Floats, column: Floats, first: int, last: int) -> float:
    total = 0.0
    for i in range(first, last):
        total += risk[i] * column[i]
    return total


@njit(cache=True, nogil=True, fastmath=_FAST)
def cell_sums(
    columns: Floats,
    weights: Floats,
    offset: Floats,
    cell_start: Integers,
    deaths: Integers,
    beta: Floats,
) -> tuple[Floats, Floats, Floats]:
    """Risk of every row, and its moments per cell: of all rows that leave there, of the dead."""
    p, m = columns.shape
    n_cells = deaths.size
    risk = offset.copy()
    out = np.zeros((p + 1, n_cells))
    dead = np.zeros((p + 1, n_cells))
    ones = np.ones(_BLOCK)
    first_cell = 0
    for first in range(0, m, _BLOCK):
        last = min(first + _BLOCK, m)
        for j in range(p):
            for i in range(first, last):
                risk[i] += beta[j] * columns[j, i]
        for i in range(first, last):
            risk[i] = weights[i] * max(np.exp(risk[i]), SMALLEST_RISK)
        while cell_start[first_cell + 1] <= first:
            first_cell += 1
        for j in range(p + 1):
            column = ones if j == 0 else columns[j - 1, first:last]
            block = risk[first:last]
            u, a = first_cell, first
            while a < last:
                split = min(max(cell_start[u] + deaths[u], a), last)
                b = min(cell_start[u + 1], last)
                died = _segment_sum(block, column, a - first, split - first)
                dead[j, u] += died
                out[j, u] += died + _segment_sum(block, column, split - first, b - first)
                u, a = u + 1, b
    return risk, out, dead


@njit(cache=True, nogil=True)
def suffix_within(per_cell: Floats, stratum_start: Integers) -> None:
    """Replace each cell's sums by those of it and the later cells of its stratum, in place."""
    for j in range(per_cell.shape[0]):
        for s in range(stratum_start.size - 1):
            total = 0.0
            for u in range(stratum_start[s + 1] - 1, stratum_start[s] - 1, -1):
                total += per_cell[j, u]
                per_cell[j, u] = total


@njit(cache=True, nogil=True)
def subtract_late(
    per_cell: Floats, risk: Floats, columns: Floats, rows: Integers, start: Integers
) -> None:
    """Take the rows that enter at a cell's time off the sums of that cell, in place."""
    for u in range(start.size - 1):
        for i in range(start[u], start[u + 1]):
            r = rows[i]
            per_cell[0, u] -= risk[r]
            for j in range(columns.shape[0]):
                per_cell[j + 1, u] -= risk[r] * columns[j, r]


@njit(cache=True, nogil=True)
def collapse_ties(
    s0: Floats, f0: Floats, deaths: Integers, weights: Floats, cell_start: Integers, efron: bool
) -> Floats:
    """Six sums per cell, shape (6, U): log b, 1/b, f/b, 1/b^2, f/b^2, f^2/b^2 times mean weight."""
    terms = np.zeros((6, deaths.size))
    for u in range(deaths.size):
        d = deaths[u]
        total = 0.0
        for i in range(cell_start[u], cell_start[u] + d):
            total += weights[i]
        for k in range(d if efron else 1):
            part = k / d
            b = s0[u] - part * f0[u]
            inverse = 1.0 / b
            terms[0, u] += np.log(b)
            terms[1, u] += inverse
            terms[2, u] += part * inverse
            terms[3, u] += inverse * inverse
            terms[4, u] += part * inverse * inverse
            terms[5, u] += part * part * inverse * inverse
        for t in range(6):
            terms[t, u] *= total / d if efron else total
    return terms


@njit(cache=True, nogil=True)
def row_hazards(
    risk: Floats,
    terms: Floats,
    cell_start: Integers,
    deaths: Integers,
    stratum_start: Integers,
    entry_cell: Integers,
    late_rows: Integers,
) -> Floats:
    """Expected events of every row, less Efron's share of the tied dead."""
    hazard = np.empty(deaths.size)
    v = np.empty(risk.size)
    for s in range(stratum_start.size - 1):
        total = 0.0
        for u in range(stratum_start[s], stratum_start[s + 1]):
            total += terms[1, u]
            hazard[u] = total
            split = cell_start[u] + deaths[u]
            for i in range(cell_start[u], split):
                v[i] = risk[i] * (total - terms[2, u])
            for i in range(split, cell_start[u + 1]):
                v[i] = risk[i] * total
    for r in late_rows:
        v[r] -= risk[r] * hazard[entry_cell[r]]
    return v


@njit(cache=True, nogil=True)
def prefix_within(per_cell: Floats, stratum_start: Integers) -> None:
    """Replace each cell's values by sums over it and the earlier cells of its stratum, in place."""
    for j in range(per_cell.shape[0]):
        for s in range(stratum_start.size - 1):
            total = 0.0
            for u in range(stratum_start[s], stratum_start[s + 1]):
                total += per_cell[j, u]
                per_cell[j, u] = total


@njit(cache=True, nogil=True, fastmath=_FAST)
def _score_block(
    block: Floats, columns: Floats, weights: Floats, risk: Floats, expected: Floats,
    running: Floats, spared: Floats, means: Floats, exit_cell: Integers, entry_cell: Integers,
    late: Booleans, dead: Integers, first: int, size: int,
) -> None:  # fmt: skip
    """Weighted score residuals of rows ``first:first + size``; `dead` are those with an event."""
    here = exit_cell[first : first + size]
    r, e = risk[first : first + size], expected[first : first + size]
    for j in range(columns.shape[0]):
        column, result, sums = columns[j, first : first + size], block[j], running[j]
        for i in range(size):
            result[i] = r[i] * sums[here[i]] - e[i] * column[i]
        for k in dead:
            i, u = k - first, exit_cell[k]
            result[i] += weights[k] * (column[i] - means[j, u]) - r[i] * spared[j, u]
        if late.size:
            for i in range(size):
                if late[first + i]:
                    result[i] -= r[i] * sums[entry_cell[first + i]]


@njit(cache=True, nogil=True, fastmath=_FAST)
def score_rows(
    columns: Floats, weights: Floats, risk: Floats, expected: Floats, running: Floats,
    spared: Floats, means: Floats, exit_cell: Integers, entry_cell: Integers, late: Booleans,
    event_rows: Integers, cluster: Integers, n_clusters: int,
) -> Floats:  # fmt: skip
    """Weighted score residuals, shape (p, m), or with clusters their sums, (n_clusters, p).

    `running` are the covariate-weighted hazards summed up to each cell of its stratum; `spared` the
    part of them that the dead of the cell do not bear; `expected` the rows' expected events; `late`
    says who entered after the stratum's first cell (empty without late entry); `cluster` is empty
    without clusters.
    """
    p, m = columns.shape
    out = np.zeros((n_clusters, p)) if cluster.size else np.empty((p, m))
    block, passed = np.empty((p, _BLOCK)), 0
    for first in range(0, m, _BLOCK):
        size = min(first + _BLOCK, m) - first
        begin = passed
        while passed < event_rows.size and event_rows[passed] < first + size:
            passed += 1
        _score_block(
            block, columns, weights, risk, expected, running, spared, means, exit_cell,
            entry_cell, late, event_rows[begin:passed], first, size,
        )  # fmt: skip
        if cluster.size:
            for i in range(size):
                sums = out[cluster[first + i]]
                for j in range(p):
                    sums[j] += block[j, i]
        else:
            for j in range(p):
                for i in range(size):
                    out[j, first + i] = block[j, i]
    return out


@njit(cache=True, nogil=True, fastmath=_FAST)
def score_products(
    columns: Floats, weights: Floats, risk: Floats, expected: Floats, running: Floats,
    spared: Floats, means: Floats, exit_cell: Integers, entry_cell: Integers, late: Booleans,
    event_rows: Integers,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Sum of the rows' weighted score residuals, shape (p,), and of their outer products."""
    p, m = columns.shape
    total, products = np.zeros(p), np.zeros((p, p))
    block, passed = np.empty((p, _BLOCK)), 0
    for first in range(0, m, _BLOCK):
        size = min(first + _BLOCK, m) - first
        begin = passed
        while passed < event_rows.size and event_rows[passed] < first + size:
            passed += 1
        _score_block(
            block, columns, weights, risk, expected, running, spared, means, exit_cell,
            entry_cell, late, event_rows[begin:passed], first, size,
        )  # fmt: skip
        for j in range(p):
            for i in range(size):
                total[j] += block[j, i]
            for k in range(j + 1):
                products[j, k] += _segment_sum(block[j], block[k], 0, size)
    for j in range(p):
        for k in range(j):
            products[k, j] = products[j, k]
    return total, products


@njit(cache=True, nogil=True, fastmath=_FAST)
def weighted_gram(columns: Floats, v: Floats) -> Floats:
    """``columns diag(v) columns'``, shape (p, p)."""
    p, m = columns.shape
    gram = np.zeros((p, p))
    scaled = np.empty(_BLOCK)
    for first in range(0, m, _BLOCK):
        size = min(first + _BLOCK, m) - first
        for j in range(p):
            row = columns[j, first : first + size]
            for i in range(size):
                scaled[i] = v[first + i] * row[i]
            for k in range(j + 1):
                gram[j, k] += _segment_sum(scaled, columns[k, first : first + size], 0, size)
    for j in range(p):
        for k in range(j):
            gram[k, j] = gram[j, k]
    return gram


def likelihood(design: CoxDesign, beta: Floats, *, efron: bool) -> Likelihood:
    """Log partial likelihood, score and information at `beta` (of the standardised columns)."""
    return likelihood_at(design, beta, widest_predictor(design, beta), efron=efron)


def likelihood_at(design: CoxDesign, beta: Floats, widest: float, *, efron: bool) -> Likelihood:
    """`likelihood` with a known `widest_predictor`."""
    d, z = design, design.columns
    offset = d.offset if widest < LARGEST_PREDICTOR else lowered_offset(d, beta)
    risk, at_risk, dead = cell_sums(z, d.weights, offset, d.cell_start, d.deaths, beta)
    if d.late_rows.size:
        subtract_late(at_risk, risk, z, d.late_rows, d.late_start)
    suffix_within(at_risk, d.stratum_start)
    terms = collapse_ties(at_risk[0], dead[0], d.deaths, d.weights, d.cell_start, efron)
    rows = d.event_rows
    shift = float(d.weights[rows] @ offset[rows]) if offset.any() else 0.0
    s1, f1 = at_risk[1:], dead[1:]
    value = float(beta @ d.event_sums + shift - terms[0].sum())
    score = d.event_sums - s1 @ terms[1] + f1 @ terms[2]
    v = row_hazards(risk, terms, d.cell_start, d.deaths, d.stratum_start, d.entry_cell, d.late_rows)
    gram = weighted_gram(z, v)
    lean = terms[4] / terms[3]
    rest = np.maximum(terms[5] - lean * terms[4], 0.0)
    means = weighted_gram(s1 - lean * f1, terms[3])
    if rest.any():
        means += weighted_gram(f1, rest)
    return Likelihood(value, score, gram - means, np.diagonal(gram).copy())
