"""Tests of a 2 by k table: trend (asymptotic and exact), Pearson, Fisher."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, gammaln, ndtr

Floats = NDArray[np.float64]
MOST_TABLES = 5_000_000
MOST_CELLS = 50_000_000
_SAME = 1e-7


class ChiSquare(NamedTuple):
    """A chi-square test: statistic, degrees of freedom, p-value."""

    statistic: float
    df: int
    p_value: float


class Trend(NamedTuple):
    """Cochran-Armitage test: standard normal statistic, two-sided p, exact two-sided p.

    The exact p is NaN where the scores are not whole numbers or the table is too large.
    """

    z: float
    p_value: float
    exact_p_value: float


def pearson(with_response: Floats, n: Floats) -> ChiSquare:
    """Pearson's test without continuity correction, on the categories with patients."""
    x, n = with_response[n > 0], n[n > 0]
    share = x.sum() / n.sum()
    df = x.size - 1
    if df < 1 or share in (0.0, 1.0):
        return ChiSquare(float("nan"), 0, float("nan"))
    statistic = float(((x - n * share) ** 2 / (n * share * (1.0 - share))).sum())
    return ChiSquare(statistic, df, float(chdtrc(df, statistic)))


def cochran_armitage(with_response: Floats, n: Floats, scores: Floats) -> Trend:
    r"""Test of a trend of the proportion over scores.

    .. math:: Z = \frac{\sum_i x_i (s_i - \bar s)}{\sqrt{p (1 - p) \sum_i n_i (s_i - \bar s)^2}}

    as in R's ``prop.trend.test`` (its chi-square is Z squared). The exact p is the probability,
    all margins given, of a sum of scores at least as far from its mean.
    """
    total = n.sum()
    share = with_response.sum() / total
    away = scores - (n @ scores) / total
    spread = share * (1.0 - share) * float(n @ away**2)
    if spread <= 0.0:
        return Trend(float("nan"), float("nan"), float("nan"))
    z = float(with_response @ away / np.sqrt(spread))
    return Trend(z, 2.0 * float(ndtr(-abs(z))), _exact_trend(with_response, n, scores))


def _exact_trend(x: Floats, n: Floats, scores: Floats) -> float:
    """Distribution of the sum of scores given the margins, by convolution over categories."""
    whole = scores - scores.min()
    responders = int(x.sum())
    if (whole != np.floor(whole)).any():
        return float("nan")
    top = int(whole.max()) * responders
    order = np.argsort(n)
    work = (responders + 1) * (top + 1) * float(np.minimum(n[order[:-1]], responders).sum() + 1)
    if work > MOST_CELLS * 20 or (responders + 1) * (top + 1) > MOST_CELLS:
        return float("nan")
    share = responders / n.sum()
    table = np.zeros((responders + 1, top + 1))
    table[0, 0] = 1.0
    for i in order[:-1]:
        table = _add(table, _binomial(int(n[i]), share, responders), int(whole[i]))
    last, step = int(order[-1]), int(whole[order[-1]])
    mass = np.zeros(top + 1)
    for k, weight in enumerate(_binomial(int(n[last]), share, responders)):
        mass[k * step :] += weight * table[responders - k, : top + 1 - k * step]
    sums = np.arange(top + 1) - responders * float(n @ whole) / n.sum()
    seen = abs(float(x @ whole) - responders * float(n @ whole) / n.sum())
    return float(min(1.0, mass[np.abs(sums) >= seen - _SAME * max(1.0, seen)].sum() / mass.sum()))


def _add(table: Floats, weights: Floats, step: int) -> Floats:
    """Convolve with one category: k responders add k to the rows and k times the score."""
    out = np.zeros_like(table)
    rows, width = table.shape
    for k, weight in enumerate(weights):
        if weight > 0.0 and k * step < width:
            out[k:, k * step :] += weight * table[: rows - k, : width - k * step]
    return out


def _binomial(n: int, share: float, most: int) -> Floats:
    """Binomial probabilities of 0 .. min(n, most); the tilt `share` cancels given the margins."""
    k = np.arange(min(n, most) + 1.0)
    log = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
    return np.exp(log + k * np.log(share) + (n - k) * np.log1p(-share))


def fisher(with_response: Floats, n: Floats) -> float:
    """Fisher's exact test of a 2 by k table: all tables that are not more probable.

    Tables are enumerated over the k - 2 smallest categories; the two largest are summed from
    sorted probabilities. NaN where that exceeds five million.
    """
    order = np.argsort(n[n > 0], kind="stable")
    x, n = with_response[n > 0][order], n[n > 0][order]
    responders = int(x.sum())
    if n.size < 2 or responders in (0, int(n.sum())):
        return float("nan")
    small = [np.arange(min(int(m), responders) + 1) for m in n[:-2]]
    if np.prod([float(s.size) for s in small]) > MOST_TABLES:
        return float("nan")
    share = responders / n.sum()
    weights = [_binomial(int(m), share, responders) for m in n]
    used, mass = _enumerate(small, weights, responders)
    seen = float(np.prod([w[int(k)] for w, k in zip(weights, x, strict=True)]))
    total = below = 0.0
    for k in np.unique(used):
        pair = np.sort(_pairs(weights[-2], weights[-1], responders - int(k)))
        running = np.concatenate([[0.0], np.cumsum(pair)])
        here = mass[(used == k) & (mass > 0.0)]
        place = np.searchsorted(pair, seen / here * (1.0 + _SAME), side="right")
        below += float(here @ running[place])
        total += float(here.sum() * running[-1])
    return min(1.0, below / total)


def _enumerate(
    small: list[NDArray[np.int64]], weights: list[Floats], responders: int
) -> tuple[NDArray[np.int64], Floats]:
    """Responders used and probability of every choice in the small categories."""
    used, mass = np.zeros(1, dtype=np.int64), np.ones(1)
    for values, weight in zip(small, weights, strict=False):
        used = np.add.outer(used, values).ravel()
        mass = np.multiply.outer(mass, weight[values]).ravel()
        keep = used <= responders
        used, mass = used[keep], mass[keep]
    return used, mass


def _pairs(first: Floats, second: Floats, left: int) -> Floats:
    """Probabilities of all splits of `left` responders over two categories."""
    low, high = max(0, left - (second.size - 1)), min(left, first.size - 1)
    if low > high:
        return np.zeros(0)
    k = np.arange(low, high + 1)
    return first[k] * second[left - k]
