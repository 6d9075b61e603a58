"""Uniform numbers by replicate, patient and purpose, and what is made of them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, pdtr, pdtrik

from ashworth.trials.random_numbers.philox import key_of, philox_blocks

Floats = NDArray[np.float64]
TWIN_BELOW = 20_000
_SCALE = 1.0 / 4294967296.0


@dataclass(frozen=True, slots=True)
class Draws:
    """Uniform numbers for `n` patients of each of some replicates.

    Attributes
    ----------
    key : tuple of int
        From `key_of`: seed and scenario.
    replicates : ndarray of int64, shape (r,)
    n : int
        Patients of each replicate; rows run over replicates, then patients.
    first : int
        Number of the first patient.
    """

    key: tuple[int, int]
    replicates: NDArray[np.int64]
    n: int
    first: int = 0

    @property
    def rows(self) -> int:
        """Patients in all."""
        return self.n * len(self.replicates)

    def uniforms(self, purpose: str) -> Floats:
        """Four uniform numbers per patient in (0, 1), shape (rows, 4).

        A purpose is a name; another purpose, replicate or patient never moves these numbers.
        """
        number = zlib.crc32(purpose.encode())
        if self.rows < TWIN_BELOW:
            words = self._by_numpy(number)
        else:
            from ashworth.trials.random_numbers.word_kernel import fill_words

            words = np.empty((self.rows, 4), dtype=np.uint32)
            key0, key1 = np.uint32(self.key[0]), np.uint32(self.key[1])
            fill_words(key0, key1, self.replicates, self.n, self.first, np.uint32(number), words)
        return (words.astype(np.float64) + 0.5) * _SCALE

    def _by_numpy(self, number: int) -> NDArray[np.uint32]:
        patients = np.arange(self.first, self.first + self.n)
        blocks = [philox_blocks(int(r), patients, number, self.key) for r in self.replicates]
        return np.concatenate(blocks) if blocks else np.empty((0, 4), dtype=np.uint32)

    def normals(self, purpose: str) -> Floats:
        """Standard normal numbers, by the quantile function."""
        return ndtri(self.uniforms(purpose)[:, 0])


def draws(seed: int, scenario: str, replicates: NDArray[np.int64], n: int, first: int = 0) -> Draws:
    """Make the source of a study's numbers.

    Examples
    --------
    >>> one = draws(1, "base", np.array([7]), 3).uniforms("age")
    >>> both = draws(1, "base", np.array([6, 7]), 3).uniforms("age")
    >>> bool((both[3:] == one).all())
    True
    """
    return Draws(key_of(seed, scenario), np.asarray(replicates, dtype=np.int64), n, first)


def poisson_quantiles(uniform: Floats, mean: Floats) -> Floats:
    """Counts from uniform numbers: the smallest k with ``P(N <= k) >= u``, exact.

    Examples
    --------
    >>> poisson_quantiles(np.array([0.5, 0.9]), np.array([0.0, 3.0]))
    array([0., 5.])
    """
    small = mean < 30
    found = np.zeros(mean.shape)
    found[small] = _by_search(uniform[small], mean[small])
    large = ~small
    if large.any():
        u, m = uniform[large], mean[large]
        guess = np.ceil(pdtrik(u, m))
        below = np.maximum(guess - 1, 0)
        found[large] = np.where(pdtr(below, m) >= u, below, guess)
    return found


def _by_search(uniform: Floats, mean: Floats) -> Floats:
    """Add up probabilities from 0 until they reach the uniform number."""
    count = np.zeros(mean.shape)
    term = np.exp(-mean)
    total = term.copy()
    open_ = np.flatnonzero(total < uniform)
    step = 0
    while open_.size and step < 400:
        step += 1
        term[open_] *= mean[open_] / step
        total[open_] += term[open_]
        count[open_] = step
        open_ = open_[total[open_] < uniform[open_]]
    return count
