"""Response to therapy by count category and by dynamics class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ashworth.enumeration.arguments import (
    Faults,
    confidence,
    counts,
    flags,
    one_of,
    same_length,
    texts,
)
from ashworth.enumeration.contingency import (
    ChiSquare,
    Trend,
    cochran_armitage,
    fisher,
    pearson,
)
from ashworth.enumeration.intervals import ProportionInterval, proportion_interval
from ashworth.version import __version__

Floats = NDArray[np.float64]
Texts = NDArray[np.object_]
_INTERVALS = ("wilson", "clopper-pearson")


@dataclass(frozen=True, slots=True)
class ResponseByCategory:
    """Share of responders in ordered categories.

    Attributes
    ----------
    categories : tuple of str
        In order.
    n, n_responders : ndarray of int, shape (k,)
    proportion, lower, upper : ndarray, shape (k,)
        NaN in a category without patients.
    scores : ndarray, shape (k,)
        Of the test for trend.
    trend : Trend
        ``z``, ``p_value``, ``exact_p_value``: Cochran-Armitage; negative where the share falls.
    pearson : ChiSquare
        ``statistic``, ``df``, ``p_value``: any difference, without continuity correction.
    fisher_p_value : float
        Any difference, exact; NaN where the table is too large.
    level : float
    method : str
    options : mapping
    version : str
    """

    categories: tuple[str, ...]
    n: NDArray[np.int64]
    n_responders: NDArray[np.int64]
    proportion: Floats
    lower: Floats
    upper: Floats
    scores: Floats
    trend: Trend
    pearson: ChiSquare
    fisher_p_value: float
    level: float
    method: str
    options: Mapping[str, Any]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """One row per category: patients, responders, share with limits."""
        return pl.DataFrame(
            {
                "category": self.categories,
                "n": self.n,
                "n_responders": self.n_responders,
                "proportion": self.proportion,
                "lower": self.lower,
                "upper": self.upper,
            }
        )

    def test_table(self) -> pl.DataFrame:
        """One row per test: trend, exact trend, Pearson, Fisher."""
        rows = [
            ("trend (Cochran-Armitage)", self.trend.z**2, 1, self.trend.p_value),
            ("trend, exact", float("nan"), None, self.trend.exact_p_value),
            ("any difference (Pearson)", *self.pearson),
            ("any difference (Fisher, exact)", float("nan"), None, self.fisher_p_value),
        ]
        schema = {
            "test": pl.String, "statistic": pl.Float64, "df": pl.Int64, "p_value": pl.Float64
        }  # fmt: skip
        return pl.DataFrame(rows, schema=schema, orient="row")


def response_by_category(
    category: Any,
    response: Any,
    *,
    bounds: Sequence[int] = (0, 1, 2, 3, 5),
    order: Sequence[str] | None = None,
    scores: Sequence[float] | None = None,
    interval: ProportionInterval = "wilson",
    level: float = 0.95,
) -> ResponseByCategory:
    """Share of responders by count, with a test for trend.

    Use it for pathological complete response by cells before neoadjuvant therapy (IMENEO: 0, 1,
    2, 3-4, 5 and more).

    Parameters
    ----------
    category : array-like, shape (n,)
        Counts, cut at `bounds`; or labels, with `order`.
    response : array-like of bool or 0/1, shape (n,)
        1 response.
    bounds : sequence of int
        Lowest count of each category, ascending, the first 0. Counts must belong to one amount.
    order : sequence of str, optional
        Labels in order; a category without patients stays in the table.
    scores : sequence of float, optional
        Of the test for trend; 0, 1, 2, ... by default.
    interval : {'wilson', 'clopper-pearson'}
        Limits of the proportions.
    level : float
        Their level.

    Returns
    -------
    ResponseByCategory

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.

    Notes
    -----
    Trend: R's ``prop.trend.test`` and DescTools' ``CochranArmitageTest``. Its exact p takes all
    tables with the same margins whose sum of scores lies at least as far from the mean. Fisher's
    p takes all that are not more probable, as R's ``fisher.test``. If all or none responded there
    is no test (NaN).

    References
    ----------
    Armitage P. Biometrics 1955;11:375. Bidard FC et al. J Natl Cancer Inst 2018;110:560.

    Examples
    --------
    >>> found = response_by_category([0, 0, 0, 0, 1, 1, 2, 3, 4, 9], [1, 1, 1, 0, 1, 0, 0, 0, 0, 0])
    >>> found.categories, found.n_responders.tolist()
    (('0', '1', '2', '3-4', '>=5'), [3, 1, 0, 0, 0])
    >>> round(found.trend.p_value, 4), round(found.trend.exact_p_value, 4)
    (0.0376, 0.0571)
    """
    one_of(interval, "interval", _INTERVALS)
    confidence(level)
    faults = Faults("response_by_category")
    y = flags(response, "response", faults)
    names, place = (
        _cut(category, bounds, faults) if order is None else _labelled(category, order, faults)
    )
    points = np.arange(len(names), dtype=float) if scores is None else np.asarray(scores, float)
    if points.shape != (len(names),) or not np.isfinite(points).all():
        allowed = f"{len(names)} finite numbers"
        faults.note("scores", f"{points.size} values", allowed, "give one score per category")
    same_length({"response": y, "category": place}, faults)
    faults.stop()
    n = np.bincount(place, minlength=len(names)).astype(float)
    x = np.bincount(place, weights=y, minlength=len(names)).astype(np.float64)
    limits = proportion_interval(x, n, method=interval, level=level)
    return ResponseByCategory(
        names, n.astype(np.int64), x.astype(np.int64), limits.estimate, limits.lower, limits.upper,
        points, cochran_armitage(x, n, points), pearson(x, n), fisher(x, n), level,
        f"proportions with {interval} limits; Cochran-Armitage test for trend",
        {"interval": interval, "bounds": None if order is not None else tuple(bounds)},
    )  # fmt: skip


def category_names(bounds: Sequence[int]) -> tuple[str, ...]:
    """Names of count categories: ``0``, ``3-4``, ``>=5``."""
    ends = [*bounds[1:], None]
    return tuple(
        f">={a}" if b is None else f"{a}" if b == a + 1 else f"{a}-{b - 1}"
        for a, b in zip(bounds, ends, strict=True)
    )


def _cut(
    values: Any, bounds: Sequence[int], faults: Faults
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    rising = list(bounds) == sorted(set(bounds)) and len(bounds) >= 2 and bounds[0] == 0
    if not rising:
        allowed = "two or more ascending whole numbers, the first 0"
        faults.note("bounds", f"{tuple(bounds)}", allowed, "such as (0, 1, 2, 3, 5)")
        faults.stop()
    number = counts(values, "category", faults)
    place = np.searchsorted(np.asarray(bounds, float), number, side="right") - 1
    return category_names(bounds), np.maximum(place, 0)


def _labelled(
    values: Any, order: Sequence[str], faults: Faults
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    names = tuple(str(o) for o in order)
    if len(names) < 2 or len(set(names)) < len(names):
        remedy = "list the categories from low to high"
        faults.note("order", f"{names}", "two or more different labels", remedy)
        faults.stop()
    label = texts(values, "category", faults)
    place = np.array([names.index(v) if v in names else -1 for v in label], dtype=np.int64)
    allowed = f"one of {', '.join(names)}"
    faults.rows(place < 0, "category", "labels that `order` does not name", allowed, "add them")
    return names, np.maximum(place, 0)


@dataclass(frozen=True, slots=True)
class ResponseByDynamics:
    """Responses by class of the count's change.

    Attributes
    ----------
    rows : polars.DataFrame
        response, dynamics_class, n, n_with, n_missing, proportion, lower, upper.
    tests : polars.DataFrame
        response, n, n_with, fisher_p_value, pearson_statistic, df, pearson_p_value.
    n : int
        Patients with a class.
    level : float
    method : str
    options : mapping
    version : str
    """

    rows: pl.DataFrame
    tests: pl.DataFrame
    n: int
    level: float
    method: str
    options: Mapping[str, Any]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """Return the rows: one per response and class."""
        return self.rows


def response_by_dynamics(
    dynamics_class: Any,
    responses: Any,
    *,
    order: Sequence[str] | None = None,
    interval: ProportionInterval = "wilson",
    level: float = 0.95,
) -> ResponseByDynamics:
    """Share of patients with response and with clinical benefit, by class of dynamics.

    Parameters
    ----------
    dynamics_class : array-like of str, shape (n,)
        Class of each patient; those without a class are left out before, and counted.
    responses : dict or frame of columns
        Named columns of 0 and 1, such as objective response and clinical benefit; missing where
        the patient was not evaluable, which is counted apart.
    order : sequence of str, optional
        Classes in order; sorted by default.
    interval, level
        Limits of the proportions.

    Returns
    -------
    ResponseByDynamics

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.

    Notes
    -----
    Patients whose second count is known are those who lived to be drawn again. A response that was
    assessed before the second draw is not foretold by it: use `count_before_imaging`.

    References
    ----------
    Martin M et al. Oncologist 2013;18:917.

    Examples
    --------
    >>> found = response_by_dynamics(["decrease", "decrease", "persistently high"],
    ...     {"objective response": [1, 0, 0], "clinical benefit": [1, 1, None]})
    >>> found.table().select("dynamics_class", "n", "n_with", "n_missing").rows()[2:]
    [('decrease', 2, 2, 0), ('persistently high', 0, 0, 1)]
    """
    one_of(interval, "interval", _INTERVALS)
    confidence(level)
    faults = Faults("response_by_dynamics")
    label = texts(dynamics_class, "dynamics_class", faults)
    names = tuple(order) if order is not None else tuple(sorted(set(label.tolist())))
    unknown = np.array([v not in names for v in label], dtype=bool)
    allowed = f"one of {', '.join(names)}"
    faults.rows(unknown, "dynamics_class", "classes that `order` does not name", allowed, "add")
    columns = {k: flags(v, k, faults, gaps=True) for k, v in _named(responses, faults).items()}
    same_length({"dynamics_class": label, **columns}, faults)
    faults.stop()
    rows, tests = [], []
    for name, y in columns.items():
        part, test = _by_class(name, label, y, names, interval, level)
        rows.append(part)
        tests.append(test)
    return ResponseByDynamics(
        pl.concat(rows), pl.DataFrame(tests), label.size, level,
        f"proportions with {interval} limits; Fisher's exact test", {"interval": interval},
    )  # fmt: skip


def _named(responses: Any, faults: Faults) -> dict[str, Any]:
    if isinstance(responses, dict) and responses:
        return {str(k): v for k, v in responses.items()}
    if hasattr(responses, "columns") and hasattr(responses, "to_numpy"):
        return {str(c): responses[c] for c in responses.columns}
    remedy = "pass {'clinical benefit': [1, 0, ...]}"
    faults.note("responses", type(responses).__name__, "a dict or frame of columns", remedy)
    faults.stop()
    return {}


def _by_class(
    name: str, label: Texts, y: Floats, names: Sequence[str], interval: ProportionInterval,
    level: float,
) -> tuple[pl.DataFrame, dict[str, Any]]:  # fmt: skip
    known = ~np.isnan(y)
    here = np.array([label == c for c in names])
    n, x = (here & known).sum(axis=1), (here & (y == 1.0)).sum(axis=1)
    limits = proportion_interval(x, n, method=interval, level=level)
    rows = pl.DataFrame(
        {
            "response": [name] * len(names), "dynamics_class": list(names), "n": n, "n_with": x,
            "n_missing": (here & ~known).sum(axis=1), "proportion": limits.estimate,
            "lower": limits.lower, "upper": limits.upper,
        }
    )  # fmt: skip
    chi = pearson(x.astype(float), n.astype(float))
    test = {
        "response": name, "n": int(n.sum()), "n_with": int(x.sum()),
        "fisher_p_value": fisher(x.astype(float), n.astype(float)),
        "pearson_statistic": chi.statistic, "df": chi.df, "pearson_p_value": chi.p_value,
    }  # fmt: skip
    return rows, test
