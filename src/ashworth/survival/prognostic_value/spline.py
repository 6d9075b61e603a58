"""Restricted cubic splines: smooth terms of a marker that are straight in the tails."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ashworth.errors import EstimationError, NotEstimableWarning
from ashworth.survival.inputs import Faults, Floats, check_number, numbers
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

_TIED = 0.05
_SMALL = 100
_FIFTH = 4


@dataclass(frozen=True, slots=True)
class SplineBasis:
    """Columns of a restricted cubic spline, the value itself first.

    Attributes
    ----------
    columns : ndarray, shape (n, k - 1)
        The value, then k - 2 nonlinear terms.
    knots : ndarray, shape (k,)
        Knots, rising.
    names : tuple of str
        Names of the columns: the value's, then with one prime more each.
    method : str
        Name of the basis.
    n, events : int, None
        Rows; a basis knows no events.
    options : mapping
        How the knots were chosen.
    version : str
        Version of the package.
    """

    columns: Floats
    knots: Floats
    names: tuple[str, ...]
    method: str
    n: int
    events: None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    version: str = __version__

    def evaluate(self, x: Any) -> Floats:
        """Columns of the same basis at other values, shape (m, k - 1)."""
        faults = Faults("SplineBasis.evaluate")
        values = numbers(x, "x", faults)
        _finite(values, faults)
        return spline_columns(values, self.knots)

    def table(self) -> pl.DataFrame:
        """One row per knot: its number and value."""
        import polars as pl

        return pl.DataFrame({"knot": np.arange(1, self.knots.size + 1), "value": self.knots})


def spline_columns(x: Floats, knots: Floats) -> Floats:
    """The value and its k - 2 nonlinear terms at given knots, shape (n, k - 1)."""
    last, before = knots[-1], knots[-2]
    scale = (last - knots[0]) ** 2

    def cube(knot: float) -> Floats:
        return np.maximum(x - knot, 0.0) ** 3

    tail, near = cube(last), cube(before)
    terms = [
        (cube(t) + ((before - t) * tail - (last - t) * near) / (last - before)) / scale
        for t in knots[:-2]
    ]
    return np.stack([x, *terms], axis=1)


def spline_knots(x: Floats, n_knots: int) -> Floats:
    """Harrell's knots, at fixed quantiles; a warning where some coincide."""
    if x.size < 6:
        raise EstimationError(
            f"restricted_cubic_spline: {x.size} rows are too few to place knots; give knots=[...]"
        )
    outer = 0.1 if n_knots == 3 else 0.05 if n_knots <= 6 else 0.025
    first, last, inner = _tied_ends(x)
    left = n_knots - first.size - last.size
    middle = _quantile_knots(inner, left, outer, first.size > 0, last.size > 0)
    knots = np.unique(np.concatenate([first, middle, last]))
    if knots.size < 3:
        raise EstimationError(_coincide(x, n_knots, knots))
    if knots.size < n_knots:
        warnings.warn(_coincide(x, n_knots, knots), NotEstimableWarning, stacklevel=3)
    return knots


def _tied_ends(x: Floats) -> tuple[Floats, Floats, Floats]:
    """Knots next to a smallest or largest value that 5% or more share, and the values between.

    Nothing is changed where a value in between is as common.
    """
    none = x[:0]
    distinct, counts = np.unique(x, return_counts=True)
    share = counts / x.size
    if distinct.size < 3 or share[1:-1].max() >= _TIED:
        return none, none, x
    first, last = none, none
    if share[0] >= _TIED:
        first = distinct[1:2]
        x = x[x > first[0]]
    if share[-1] >= _TIED and x.size:
        below = x[x < x.max()]
        if below.size:
            last = np.array([below.max()])
            x = x[x < last[0]]
    return first, last, x


def _quantile_knots(x: Floats, k: int, outer: float, low_set: bool, high_set: bool) -> Floats:
    """Place k knots at equally spaced quantiles; below 100 rows the fifth value from each end."""
    if x.size == 0:
        return x
    if k == 1:
        return np.array([np.median(x)])
    levels = np.linspace(0.5 if k == 2 else outer, 1.0 - outer, k)
    knots = np.quantile(x, levels)
    if _FIFTH < x.size < _SMALL:
        ordered = np.sort(x)
        if not low_set:
            knots[0] = ordered[_FIFTH]
        if not high_set:
            knots[-1] = ordered[-1 - _FIFTH]
    return knots


def _coincide(x: Floats, wanted: int, found: Floats) -> str:
    above = x[x > x.min()]
    advice = "fewer knots, or knots=[...]"
    if above.size:
        some = np.unique(np.quantile(above, [0.1, 0.5, 0.9])).tolist()
        advice += f", such as the quantiles of the values above the smallest one: {some}"
    return (
        f"restricted_cubic_spline: the quantiles give {found.size} distinct knots instead of "
        f"{wanted} ({found.tolist()}), because values are tied; to choose, ask for {advice}"
    )


def _finite(x: Floats, faults: Faults) -> None:
    remedy = "leave these rows out, and count them, before the call"
    faults.rows(~np.isfinite(x), "x", "missing or infinite values", "finite numbers", remedy)
    faults.stop()


def _given_knots(knots: Any, faults: Faults) -> Floats:
    values = np.asarray(numbers(knots, "knots", faults))
    faults.stop()
    if values.size < 3 or not np.isfinite(values).all() or (np.diff(values) <= 0).any():
        raise EstimationError(
            f"restricted_cubic_spline: knots are {values.tolist()}; allowed: 3 or more finite "
            "numbers, each larger than the one before"
        )
    return values


def restricted_cubic_spline(
    x: Any,
    *,
    knots: Sequence[float] | None = None,
    n_knots: int = 5,
    name: str = "x",
) -> SplineBasis:
    r"""Make the columns of a restricted cubic spline.

    Use it to let the log hazard bend with a marker instead of cutting the marker: the curve is
    cubic between the knots and straight beyond the outer ones.

    Parameters
    ----------
    x : array-like, shape (n,)
        Values without missing ones.
    knots : sequence of float, optional
        3 or more rising knots; from the quantiles of `x` by default.
    n_knots : int
        Number of knots, 3 to 10, where `knots` is absent: quantiles 0.1 to 0.9 for 3 knots, 0.05 to
        0.95 for 4 to 6, 0.025 to 0.975 for more, equally spaced. Below 100 rows the outer knots are
        the fifth value from each end. Where 5% or more of the rows share the smallest (largest)
        value, the next one is the outer knot and the others are placed beyond it.
    name : str
        Name of the columns.

    Returns
    -------
    SplineBasis
        ``.columns`` of shape (n, k - 1), ``.knots``, and ``.evaluate(x)`` for other values.

    Raises
    ------
    InputError
        Missing or infinite values, with their rows.
    EstimationError
        Where fewer than 3 knots are distinct (a count with many zeros); says how to mend it.

    Warns
    -----
    NotEstimableWarning
        Where some of the knots coincide, so that the curve has fewer than asked for.

    Notes
    -----
    With knots :math:`t_1 < \dots < t_k` the terms are x and, for j = 1 to k - 2,

    .. math:: \frac{(x-t_j)_+^3 - (x-t_{k-1})_+^3\frac{t_k-t_j}{t_k-t_{k-1}}
              + (x-t_k)_+^3\frac{t_{k-1}-t_j}{t_k-t_{k-1}}}{(t_k-t_1)^2}

    Equal to ``Hmisc::rcspline.eval(inclx = TRUE, norm = 2)``. Where fewer than 3 knots are distinct
    that function tries other quantiles; here it is an error.

    References
    ----------
    .. [1] Stone CJ, Koo CY (1985). Additive splines in statistics. Proc Stat Comp Sect ASA, 45-48.
    .. [2] Harrell FE (2015). Regression modeling strategies, 2nd ed, 2.4.5. Springer.

    Examples
    --------
    >>> basis = restricted_cubic_spline([0.0, 1.0, 2.0, 3.0, 4.0], knots=[1, 2, 3])
    >>> basis.columns[:, 1].tolist()
    [0.0, 0.0, 0.25, 1.5, 3.0]
    """
    faults = Faults("restricted_cubic_spline")
    values = numbers(x, "x", faults)
    _finite(values, faults)
    if knots is None:
        count = check_number(n_knots, "n_knots", "a whole number from 3 to 10")
        if not 3 <= count <= 10 or count != int(count):
            raise EstimationError(f"n_knots is {n_knots!r}; allowed: a whole number from 3 to 10")
        places = spline_knots(values, int(count))
    else:
        places = _given_knots(knots, faults)
    names = tuple(name + "'" * j for j in range(places.size - 1))
    options = {"knots": "given" if knots is not None else "quantiles", "n_knots": places.size}
    return SplineBasis(
        spline_columns(values, places), places, names, "restricted cubic spline", values.size,
        options=options,
    )  # fmt: skip
