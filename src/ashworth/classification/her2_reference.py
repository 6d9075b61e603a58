"""What a cartridge itself says about its HER2 channel: leukocytes, control cells, bleed-through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ashworth.classification.her2_scale import median_and_mad
from ashworth.definitions.her2_models import Her2Calibration, Unit

Floats = NDArray[np.float64]
_MOST_POINTS = 400


@dataclass(frozen=True, slots=True)
class LeukocyteReference:
    """Zero and unit of the relative scale on one cartridge.

    Attributes
    ----------
    n : int
        Leukocytes that were used.
    location, unit : float
        In counts; NaN where there is no reference.
    reason : str or None
        Why there is no reference.
    """

    n: int
    location: float
    unit: float
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ControlReference:
    """Control cells of one cartridge against the calibration.

    Attributes
    ----------
    factor : float
        Relative signals are multiplied by it; 1 without usable control cells.
    n_cells : dict of str to int
        Control cells by name.
    used : tuple of str
        Controls that the factor comes from.
    in_range : bool
        Whether the factor is one that the calibration allows.
    """

    factor: float
    n_cells: dict[str, int]
    used: tuple[str, ...]
    in_range: bool


def leukocyte_reference(
    signal: Floats, *, minimum: int, unit: Unit = "leukocyte_mad", noise: float = 0.0
) -> LeukocyteReference:
    """Zero and unit from the HER2 signal of a cartridge's leukocytes.

    Parameters
    ----------
    signal : ndarray of float, shape (n,)
        Counts above local background, saturated cells left out.
    minimum : int
        Fewer leukocytes give no reference.
    unit : {"leukocyte_mad", "leukocyte_median"}
        With the first, no gain and no offset changes a relative signal; with the second, no gain.
    noise : float
        Noise of the channel's smoothed background, counts. Leukocytes whose median does not
        exceed it give no reference: their spread would be that of the noise, and anything bright
        would be strong.

    Examples
    --------
    >>> leukocyte_reference(np.arange(101.0), minimum=50).location
    50.0
    >>> leukocyte_reference(np.ones(5), minimum=50).reason
    'too few leukocytes'
    """
    n = signal.size
    if n < minimum:
        return LeukocyteReference(n, np.nan, np.nan, "too few leukocytes")
    location, spread = median_and_mad(signal)
    size = spread if unit == "leukocyte_mad" else location
    # Rounding leaves a spread of about 1e-16 of the level where the channel is constant.
    if not (spread > 1e-12 * abs(location) and size > 0):
        return LeukocyteReference(n, location, np.nan, "leukocytes without HER2 signal")
    if noise > 0 and location <= noise:
        return LeukocyteReference(n, location, np.nan, "leukocytes without HER2 signal")
    return LeukocyteReference(n, location, size)


def control_reference(
    relative: Mapping[str, Floats], calibration: Her2Calibration, scores: Mapping[str, int]
) -> ControlReference:
    r"""Factor between a cartridge's control cells and those of the calibration.

    Parameters
    ----------
    relative : mapping of str to ndarray
        Relative signals of the control cells by name.
    calibration : Her2Calibration
        Its class medians are what control cells should show.
    scores : mapping of str to int
        Which score a control stands for. Controls of score 0 lie too near zero to give a factor.

    Notes
    -----
    :math:`f = \exp(\operatorname{mean}_c \log(m_c / \tilde r_c))` over the controls of score 1
    and above with enough cells, :math:`m_c` the calibration's median of the class.
    """
    counts = {name: int(values.size) for name, values in relative.items()}
    used = tuple(
        name
        for name in sorted(counts)
        if scores.get(name, 0) >= 1 and counts[name] >= calibration.minimum_control_cells
    )
    if not used:
        return ControlReference(1.0, counts, (), in_range=True)
    found = np.array([np.median(relative[name]) for name in used])
    wanted = np.array([calibration.classes[scores[name]].median for name in used])
    if np.any(found <= 0):
        return ControlReference(np.nan, counts, used, in_range=False)
    factor = float(np.exp(np.mean(np.log(wanted / found))))
    limit = calibration.maximum_rescale
    return ControlReference(factor, counts, used, in_range=1 / limit <= factor <= limit)


def bleed_coefficient(her2: Floats, ck: Floats) -> float:
    """Counts in HER2 per count of cytokeratin, from cells without HER2 (Theil-Sen slope).

    Use it on single-stained or HER2-negative control cells. On a patient's own cells it would
    take any true correlation of HER2 and cytokeratin for bleed-through.

    Parameters
    ----------
    her2, ck : ndarray of float, shape (n,)
        Counts above local background. Above 400 cells, 400 are taken at equal steps of CK.

    Returns
    -------
    float
        Median of the slopes of all pairs of cells; at least 0.

    References
    ----------
    Sen PK. J Am Stat Assoc 1968;63:1379.

    Examples
    --------
    >>> ck = np.linspace(100.0, 3000.0, 50)
    >>> round(bleed_coefficient(15.0 + 0.01 * ck, ck), 6)
    0.01
    """
    order = np.argsort(ck, kind="stable")
    steps = np.unique(np.linspace(0, order.size - 1, min(order.size, _MOST_POINTS)).astype(int))
    x, y = ck[order][steps], her2[order][steps]
    first, second = np.triu_indices(x.size, k=1)
    run = x[second] - x[first]
    apart = run > 0
    if not np.any(apart):
        return 0.0
    return max(float(np.median((y[second] - y[first])[apart] / run[apart])), 0.0)
