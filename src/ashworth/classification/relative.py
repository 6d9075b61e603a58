"""Features of a cell relative to its cartridge's leukocytes and background.

Gain and offset cancel: every intensity is divided by another of the same channel.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ashworth.classification.leukocytes import Leukocytes
from ashworth.definitions.call_models import RelativeFeature

Floats = NDArray[np.float64]

STAINS = ("dapi", "ck", "cd45")

MEANING: dict[RelativeFeature, str] = {
    "nucleus_um2": "area of the nucleus, square micrometres; 0 without one",
    "diameter_um": "diameter of the circle of the cell's area, micrometres",
    "nuclear_share": "area of the nucleus over that of the cell",
    "nucleus_p2a": "squared perimeter of the nuclear stain over 4 pi times its area; a disc has 1",
    "nucleus_on_ck": "share of the nucleus that lies on stained cytokeratin",
    "dapi_over_noise": "nuclear stain over the noise of the smoothed background",
    "dapi_of_leukocytes": "nuclear stain over the leukocytes' median",
    "ck_over_noise": "cytokeratin over the noise of the smoothed background",
    "ck_over_leukocytes": "cytokeratin over the leukocytes' upper quantile",
    "ck_nucleus_over_leukocytes": "cytokeratin over the nucleus, over the same quantile",
    "ck_granularity": "standard deviation over mean of cytokeratin in the cell",
    "speckle": "granularity of cytokeratin times spots of nuclear stain (relative to an even disc)",
    "cd45_over_noise": "CD45 over the noise of the smoothed background",
    "cd45_of_leukocytes": "CD45 over the leukocytes' median",
    "cd45_of_ck": "CD45 over cytokeratin, each relative to the leukocytes",
    "saturated_in_all": "least share of saturated pixels among nuclear stain, cytokeratin and CD45",
    "least_over_most": "dimmest over brightest of these three, in units of noise: 1 is white",
}
"""What each relative feature is."""


def relative_features(cells: pl.DataFrame, leukocytes: Leukocytes) -> dict[RelativeFeature, Floats]:
    """Give the relative features of every cell; NaN where one cannot be told.

    Parameters
    ----------
    cells : polars.DataFrame
        As `ashworth.imaging` measures them; a missing channel's columns are absent.
    leukocytes : Leukocytes
    """
    get = _getter(cells)
    cd45, ck = get("cd45_mean") / leukocytes.cd45, get("ck_mean") / leukocytes.ck_upper
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "nucleus_um2": get("nucleus_um2"),
            "diameter_um": get("diameter_um"),
            "nuclear_share": get("nuclear_share"),
            "nucleus_p2a": get("dapi_P2A"),
            "nucleus_on_ck": get("dapi_Overlay_ck"),
            "dapi_over_noise": get("dapi_mean") / get("dapi_noise"),
            "dapi_of_leukocytes": get("dapi_nucleus_mean") / leukocytes.dapi,
            "ck_over_noise": get("ck_mean") / get("ck_noise"),
            "ck_over_leukocytes": ck,
            "ck_nucleus_over_leukocytes": get("ck_nucleus_mean") / leukocytes.ck_upper,
            "ck_granularity": get("ck_granularity"),
            "speckle": get("ck_granularity") * get("dapi_speckle"),
            "cd45_over_noise": get("cd45_mean") / get("cd45_noise"),
            "cd45_of_leukocytes": cd45,
            "cd45_of_ck": np.maximum(cd45, 0) / np.maximum(ck, 1e-9),
            "saturated_in_all": np.stack([get(f"{p}_saturated_share") for p in STAINS]).min(axis=0),
            "least_over_most": _least_over_most(
                [get(f"{p}_mean") / get(f"{p}_noise") for p in STAINS]
            ),
        }


def _getter(cells: pl.DataFrame) -> Callable[[str], Floats]:
    missing = np.full(cells.height, np.nan)

    def get(column: str) -> Floats:
        if column not in cells.columns:
            return missing
        return cells[column].cast(pl.Float64).fill_null(np.nan).to_numpy()

    return get


def _least_over_most(parts: list[Floats]) -> Floats:
    """Least over greatest of several columns, not below 0."""
    stacked = np.stack(parts)
    return np.maximum(stacked.min(axis=0), 0) / np.maximum(stacked.max(axis=0), 1e-9)
