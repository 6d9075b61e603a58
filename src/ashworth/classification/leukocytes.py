"""The leukocytes of a cartridge: the population that every call is relative to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ashworth.classification.her2_scale import median_and_mad
from ashworth.definitions.call_models import LeukocytePopulation

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FAINTEST_SHARE = 0.25
WHITE_SHARE = 0.5
FEWEST_OTHERS = 20
MOST_RAISED = 2.5
FARTHEST = 6.0
_ROUNDS = 8


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
        Median of their cytokeratin; what nuclei without tumour reach (their upper quantile, or
        more where nuclei without CD45 spread wider).
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
    """Find the nucleated CD45-positive cells whose cytokeratin is that of leukocytes.

    Candidates are nucleated, not white (about equally bright in all stains) and brighter in CD45
    than the background's noise. They are also brighter than a quarter of the brightest (98 %
    quantile), so that traces of CD45 or bleed-through on many
    tumour cells make no leukocyte. What cytokeratin leukocytes have is read from the quarter of
    the candidates with the least cytokeratin for their CD45; cells more than `ck_deviations`
    robust standard deviations above are left out, repeatedly. Cells that have more cytokeratin
    than CD45, each in units of noise, are no leukocytes.

    Parameters
    ----------
    cells : polars.DataFrame
        With `nucleus_um2`, `dapi_nucleus_mean`, `ck_mean`, `cd45_mean`, `cd45_noise`, `ck_noise`.
    population : LeukocytePopulation
    """
    nucleus, dapi, ck, cd45, noise, ck_noise = (
        cells[c].cast(pl.Float64).fill_null(np.nan).to_numpy()
        for c in (
            "nucleus_um2", "dapi_nucleus_mean", "ck_mean", "cd45_mean", "cd45_noise", "ck_noise",
        )
    )  # fmt: skip
    member = (nucleus > 0) & (cd45 > population.cd45_over_noise * noise) & ~_white(cells)
    if not member.any():
        return no_leukocytes(cells.height)
    member &= cd45 > FAINTEST_SHARE * np.quantile(cd45[member], 0.98)
    member = _of_usual_cytokeratin(member, ck, cd45, ck_noise, population.ck_deviations)
    n = int(member.sum())
    if n == 0 or np.median(ck[member] / ck_noise[member]) > np.median(cd45[member] / noise[member]):
        return no_leukocytes(cells.height)
    return Leukocytes(
        n=n,
        enough=n >= population.minimum,
        dapi=float(np.median(dapi[member])),
        cd45=float(np.median(cd45[member])),
        ck_median=float(np.median(ck[member])),
        ck_upper=_upper_cytokeratin(member, nucleus, ck, cd45, ck_noise, population),
        member=member,
    )


def _white(cells: pl.DataFrame) -> Flags:
    """Cells about equally bright in all three stains, in units of noise: blobs and debris."""
    parts = [
        (cells[f"{p}_mean"] / cells[f"{p}_noise"]).cast(pl.Float64).fill_null(0.0).to_numpy()
        for p in ("dapi", "ck", "cd45")
    ]
    return np.min(parts, axis=0) > WHITE_SHARE * np.maximum(np.max(parts, axis=0), 1e-9)


def _of_usual_cytokeratin(
    member: Flags, ck: Floats, cd45: Floats, ck_noise: Floats, deviations: float
) -> Flags:
    """Members whose cytokeratin does not lie apart from that of the surest leukocytes."""
    ratio = ck[member] / cd45[member]
    sure = np.zeros_like(member)
    sure[member] = ratio <= np.quantile(ratio, 0.25)
    kept = sure
    for _ in range(_ROUNDS):
        middle, spread = median_and_mad(ck[kept])
        limit = middle + deviations * max(spread, float(ck_noise[0]))
        wider = member & (ck <= limit)
        if np.array_equal(wider, kept):
            break
        kept = wider
    return kept


def _upper_cytokeratin(
    member: Flags, nucleus: Floats, ck: Floats, cd45: Floats, ck_noise: Floats,
    population: LeukocytePopulation,
) -> float:  # fmt: skip
    """Cytokeratin that nuclei without tumour reach.

    The leukocytes' upper quantile; more where the lower half of the nuclei without CD45 and with
    little cytokeratin (up to 6 times the former) already spreads as wide: half of 8 robust
    standard deviations above their median, at most 2.5 times the former. Tumour cells, however
    many, are not among these nuclei.
    """
    upper = float(max(np.quantile(ck[member], population.upper_quantile), ck_noise[0]))
    others = ck[(nucleus > 0) & (cd45 <= FAINTEST_SHARE * np.median(cd45[member]))]
    others = others[others <= FARTHEST * upper]
    if others.size < FEWEST_OTHERS:
        return upper
    low, quarter = np.quantile(others, (0.05, 0.25))
    deviation = (quarter - low) / 0.97036
    reach = 0.5 * (quarter + (0.67449 + population.ck_deviations) * deviation)
    return float(np.clip(reach, upper, MOST_RAISED * upper))


def no_leukocytes(n_cells: int) -> Leukocytes:
    """The empty reference of a cartridge with this many cells."""
    nan = float("nan")
    return Leukocytes(0, False, nan, nan, nan, nan, np.zeros(n_cells, bool))
