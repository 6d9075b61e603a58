"""Simulated tables of cells with a known HER2 class: for calibrations and for tests.

No pixels: the table is what measuring images would give. Everything it makes is simulated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ashworth.classification.her2_calibrate import calibrate
from ashworth.definitions.her2_models import Her2Calibration

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Her2Ladder:
    """How simulated cells are drawn; densities are in units of a leukocyte's median.

    Attributes
    ----------
    density : tuple of float
        Median density of the classes 0, 1+, 2+, 3+.
    log_spread : float
        Standard deviation of log density within a class.
    leukocyte_variation : float
        Coefficient of variation of the leukocytes' density (lognormal, median 1).
    counts_per_density : float
        Counts of a cell's mean per unit of density.
    pixel_noise, pixels : float
        Standard deviation of one pixel in counts, and pixels in a mask.
    background_error : float
        Standard deviation of the error of the local background, counts.
    ck_median, ck_log_spread, ck_highest : float
        Cytokeratin of tumour cells in counts: lognormal, cut off.
    bleed : float
        Counts in HER2 per count of cytokeratin.
    """

    density: tuple[float, float, float, float] = (1.3, 6.0, 25.0, 100.0)
    log_spread: float = 0.30
    leukocyte_variation: float = 0.4
    counts_per_density: float = 12.0
    pixel_noise: float = 8.0
    pixels: float = 300.0
    background_error: float = 2.0
    ck_median: float = 900.0
    ck_log_spread: float = 0.6
    ck_highest: float = 3000.0
    bleed: float = 0.01


_LADDER = Her2Ladder()
_NAMES = tuple(f"simulated HER2 {name}" for name in ("0", "1+", "2+", "3+"))
CONTROLS = {
    **{name: score for score, name in enumerate(_NAMES)},
    "control_her2_negative": 0,
    "control_her2_strong": 3,
}
"""Names of simulated control cells, here and in phantoms, and the score that each stands for."""


def simulated_cells(
    rng: np.random.Generator,
    *,
    cells_per_class: tuple[int, int, int, int] = (25, 25, 25, 25),
    leukocytes: int = 1000,
    control_cells: bool = False,
    ladder: Her2Ladder = _LADDER,
) -> pl.DataFrame:
    """Draw the simulated `cells` of one cartridge with a HER2 ladder.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    cells_per_class : tuple of int
        Tumour cells of the classes 0, 1+, 2+, 3+.
    leukocytes : int
        Leukocytes beside them.
    control_cells : bool
        Whether the tumour cells are control cells (column `control`) or the patient's.
    ladder : Her2Ladder
        Densities, noise, bleed-through.

    Returns
    -------
    polars.DataFrame
        cell_id, call, control, area_um2, ck_mean, her2_mean, her2_ring_mean, her2_saturated,
        simulated_score (the truth; null for leukocytes).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> cells = simulated_cells(rng, leukocytes=3, cells_per_class=(1, 0, 0, 1))
    >>> cells["simulated_score"].to_list()
    [None, None, None, 0, 3]
    """
    sigma = np.sqrt(np.log1p(ladder.leukocyte_variation**2))
    truth = np.repeat(np.arange(4), cells_per_class)
    white = np.exp(sigma * rng.standard_normal(leukocytes))
    tumour = np.asarray(ladder.density)[truth] * np.exp(
        ladder.log_spread * rng.standard_normal(truth.size)
    )
    density = np.concatenate([white, tumour])
    ck = np.concatenate([np.zeros(leukocytes), _cytokeratin(rng, truth.size, ladder)])
    her2 = ladder.counts_per_density * density + ladder.bleed * ck
    return pl.DataFrame(
        {
            "cell_id": [f"simulated-{i:06d}" for i in range(density.size)],
            "call": ["leukocyte"] * leukocytes + ["ctc"] * truth.size,
            "control": [None] * leukocytes + [_NAMES[t] if control_cells else None for t in truth],
            "area_um2": np.full(density.size, ladder.pixels * 0.64**2),
            "ck_mean": ck + _error(rng, density.size, ladder),
            "her2_mean": her2 + _error(rng, density.size, ladder),
            "her2_ring_mean": 1.6 * her2 + _error(rng, density.size, ladder),
            "her2_saturated": np.zeros(density.size, bool),
            "simulated_score": [None] * leukocytes + truth.tolist(),
        },
        schema_overrides={"control": pl.String, "simulated_score": pl.Int64},
    )


def _cytokeratin(rng: np.random.Generator, n: int, ladder: Her2Ladder) -> Floats:
    drawn = ladder.ck_median * np.exp(ladder.ck_log_spread * rng.standard_normal(n))
    return np.minimum(drawn, ladder.ck_highest)


def _error(rng: np.random.Generator, n: int, ladder: Her2Ladder) -> Floats:
    """Noise of a mean over the mask, and of the local background."""
    spread = np.hypot(ladder.pixel_noise / np.sqrt(ladder.pixels), ladder.background_error)
    return spread * rng.standard_normal(n)


def simulated_calibration(
    *, seed: int = 20261122, cartridges: int = 40, cells_per_class: int = 300
) -> Her2Calibration:
    """Make the calibration ``her2-simulated`` from simulated control cells, as it ships.

    Parameters
    ----------
    seed : int
        Seed of the generator.
    cartridges, cells_per_class : int
        Simulated cartridges with 1000 leukocytes each, and control cells of each class on each.
    """
    rng = np.random.default_rng(seed)
    four = (cells_per_class,) * 4
    tables = [
        simulated_cells(rng, cells_per_class=four, control_cells=True).with_columns(
            pl.lit(f"{i:03d}").alias("cartridge")
        )
        for i in range(cartridges)
    ]
    return calibrate(
        pl.concat(tables),
        CONTROLS,
        id="her2-simulated",
        title="HER2 by immunofluorescence, from simulated control cells",
        bleed_coefficient=_LADDER.bleed,
        allowance=0.0005,
        simulated=True,
        provenance=_provenance(seed, cartridges, cells_per_class),
    )


def _provenance(seed: int, cartridges: int, cells_per_class: int) -> str:
    ladder = _LADDER
    medians = ", ".join(f"{d:g}" for d in ladder.density)
    return (
        f"Simulated control cells, no image and no cell line: "
        f"ashworth.classification.her2_simulated.simulated_calibration, seed {seed}; "
        f"{cartridges} cartridges with 1000 leukocytes and {cells_per_class} cells of each class. "
        f"Median densities {medians} of a leukocyte's, standard deviation of log density "
        f"{ladder.log_spread:g}; leukocytes {ladder.counts_per_density:g} counts, coefficient of "
        f"variation {ladder.leukocyte_variation:g}; {ladder.pixels:g} pixels with noise "
        f"{ladder.pixel_noise:g} counts, error of the local background "
        f"{ladder.background_error:g} counts; cytokeratin up to {ladder.ck_highest:g} counts, "
        f"bleed-through {ladder.bleed:g}. A laboratory must measure its own control cell lines."
    )
