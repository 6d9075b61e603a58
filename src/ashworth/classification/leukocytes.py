"""The leukocytes of a cartridge: the population that every call is relative to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ashworth.classification.her2_scale import median_and_mad
from ashworth.definitions.call_models import LeukocytePopulation

_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Leukocytes:
    """A cartridge's own reference.

    Attributes
    ----------
    n : int
        Leukocytes found.
    enough : bool
        Whether there are as many as the rule asks for.
    dapi, cd45 : float
        Median over leukocytes of the nuclear stain (mean over the nucleus) and of CD45, counts
        above the local background.
    ck_median, ck_upper : float
        Median and upper quantile of their cytokeratin.
    member : ndarray of bool, shape (cells,)
        Which rows they are.
    """

    n: int
    enough: bool
    dapi: float
    cd45: float
    ck_median: float
    ck_upper: float
    member: NDArray[np.bool_]

    def table(self) -> pl.DataFrame:
        """One row."""
        return pl.DataFrame(
            {
                "leukocytes": [self.n],
                "dapi_median": [self.dapi],
                "cd45_median": [self.cd45],
                "ck_median": [self.ck_median],
                "ck_upper": [self.ck_upper],
            }
        )


def find_leukocytes(cells: pl.DataFrame, population: LeukocytePopulation) -> Leukocytes:
    """Find the nucleated CD45-positive cells whose cytokeratin is that of the bulk.

    Cells with cytokeratin apart from the rest (doublets of a tumour cell and a leukocyte) are
    left out: repeatedly, those more than `ck_deviations` robust standard deviations above the
    median.

    Parameters
    ----------
    cells : polars.DataFrame
        With `nucleus_um2`, `dapi_nucleus_mean`, `ck_mean`, `cd45_mean`, `cd45_noise`, `ck_noise`.
    population : LeukocytePopulation
    """
    nucleus, dapi, ck, cd45, noise, ck_noise = (
        cells[c].to_numpy().astype(float)
        for c in (
            "nucleus_um2", "dapi_nucleus_mean", "ck_mean", "cd45_mean", "cd45_noise", "ck_noise",
        )
    )  # fmt: skip
    member = (nucleus > 0) & (cd45 > population.cd45_over_noise * noise)
    for _ in range(_ROUNDS):
        if not member.any():
            break
        middle, spread = median_and_mad(ck[member])
        limit = middle + population.ck_deviations * max(spread, float(ck_noise[0]))
        kept = member & (ck <= limit)
        if kept.sum() == member.sum():
            break
        member = kept
    n = int(member.sum())
    if n == 0:
        return no_leukocytes(cells.height)
    return Leukocytes(
        n=n,
        enough=n >= population.minimum,
        dapi=float(np.median(dapi[member])),
        cd45=float(np.median(cd45[member])),
        ck_median=float(np.median(ck[member])),
        ck_upper=float(max(np.quantile(ck[member], population.upper_quantile), ck_noise[0])),
        member=member,
    )


def no_leukocytes(n_cells: int) -> Leukocytes:
    """The empty reference of a cartridge with this many cells."""
    nan = float("nan")
    return Leukocytes(0, False, nan, nan, nan, nan, np.zeros(n_cells, bool))
