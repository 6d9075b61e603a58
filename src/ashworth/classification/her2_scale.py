"""The relative scale of HER2: classes on it, thresholds between them, probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ashworth.definitions.her2_models import Her2Calibration

Floats = NDArray[np.float64]
NORMAL_MAD = 1.482602218505602
"""Standard deviation of a normal distribution over its median absolute deviation."""


def median_and_mad(values: Floats) -> tuple[float, float]:
    """Median, and 1.4826 times the median absolute deviation from it.

    Examples
    --------
    >>> median_and_mad(np.array([1.0, 2.0, 3.0, 4.0, 900.0]))
    (3.0, 1.482602218505602)
    """
    centre = float(np.median(values))
    return centre, NORMAL_MAD * float(np.median(np.abs(values - centre)))


def thresholds_between(medians: ArrayLike, spreads: ArrayLike) -> Floats:
    r"""Thresholds at an equal number of spreads from both classes.

    Parameters
    ----------
    medians, spreads : array_like of float, shape (k,)
        Median relative signal of each class, rising, and its spread on the arsinh scale.

    Returns
    -------
    ndarray of float, shape (k - 1,)
        On the relative scale.

    Notes
    -----
    With :math:`m_i = \operatorname{arsinh}` of the medians and spreads :math:`s_i`, the cut
    between i and i + 1 is :math:`\sinh((m_i s_{i+1} + m_{i+1} s_i) / (s_i + s_{i+1}))`. Of all
    cuts it makes the larger of the two error rates of neighbouring normal classes smallest. The
    arsinh is a logarithm for strong signals and linear about zero, where background subtraction
    gives negative values.

    Examples
    --------
    >>> thresholds_between([0.7, 11.5], [0.75, 0.36]).round(1).tolist()
    [5.1]
    """
    centres, widths = np.arcsinh(np.asarray(medians, float)), np.asarray(spreads, float)
    cuts = (centres[:-1] * widths[1:] + centres[1:] * widths[:-1]) / (widths[:-1] + widths[1:])
    return np.sinh(cuts)


def scores_of(relative: ArrayLike, calibration: Her2Calibration) -> NDArray[np.int64]:
    """Score of relative signals: the number of thresholds that are reached.

    Examples
    --------
    >>> from ashworth.definitions import load
    >>> scores_of([0.0, 15.0, 60.0, 300.0], load("her2_calibration", "her2-simulated")).tolist()
    [0, 1, 2, 3]
    """
    cuts = np.asarray(calibration.thresholds)
    return np.searchsorted(cuts, np.asarray(relative, float), side="right").astype(np.int64)


def class_probabilities(relative: ArrayLike, calibration: Her2Calibration) -> Floats:
    r"""Probability of each class given the relative signal, every class equally likely before.

    Parameters
    ----------
    relative : array_like of float, shape (n,)
        Relative signals; no NaN.
    calibration : Her2Calibration
        Its class medians and spreads.

    Returns
    -------
    ndarray of float, shape (n, 4)
        Rows add to 1.

    Notes
    -----
    Normal densities of arsinh(relative) with the calibration's medians and spreads, over their
    sum. Signals beyond the outermost medians are taken as these medians: a wide outer class
    would otherwise win far out in the tail of a narrow one.

    Examples
    --------
    >>> from ashworth.definitions import load
    >>> calibration = load("her2_calibration", "her2-simulated")
    >>> class_probabilities([0.0, 1000.0], calibration).round(3).argmax(axis=1).tolist()
    [0, 3]
    """
    centres = np.arcsinh([c.median for c in calibration.classes])
    widths = np.array([c.spread for c in calibration.classes])
    place = np.clip(np.arcsinh(np.asarray(relative, float)), centres[0], centres[-1])
    logs = -0.5 * ((place[:, None] - centres) / widths) ** 2 - np.log(widths)
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)
