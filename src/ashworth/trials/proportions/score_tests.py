"""Normal tests of a difference of two proportions, with and without a margin."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ashworth.errors import InputError
from ashworth.trials.faults import Faults

from .arguments import ALTERNATIVES, check_counts, check_test
from .exact_tests import boschloo_test, fisher_exact_test
from .fisher_tables import Alternative
from .regions import ProportionTestName
from .result import ProportionTest, named_test
from .scores import SCORE_TESTS, normal_p_values, score_statistics


def farrington_manning_test(
    events_control: int,
    n_control: int,
    events_experimental: int,
    n_experimental: int,
    *,
    null_difference: float = 0.0,
    alternative: Alternative = "greater",
    method: Literal["farrington_manning", "miettinen_nurminen"] = "farrington_manning",
) -> ProportionTest:
    r"""Score test of a difference against a margin.

    :math:`Z = (\hat p_E - \hat p_C - \delta_0) / \sqrt{\tilde p_C \tilde q_C / n_C +
    \tilde p_E \tilde q_E / n_E}`, the shares with a tilde most likely under
    :math:`p_E - p_C = \delta_0`.

    Parameters
    ----------
    events_control, n_control, events_experimental, n_experimental : int
        Events and patients.
    null_difference : float
        :math:`\delta_0`, between -1 and 1: minus the margin for non-inferiority where more
        events are better (with ``greater``), the margin where fewer are (with ``less``).
    alternative : {"greater", "less", "two-sided"}
        The difference is above, below, or other than `null_difference`.
    method : {"farrington_manning", "miettinen_nurminen"}
        The second multiplies the variance by N / (N - 1).

    Returns
    -------
    ProportionTest
        `statistic` is Z.

    Raises
    ------
    InputError
        All faults at once, among them a margin on the wrong side of 0: the test would then ask
        for superiority by that margin only if the alternative says so.

    References
    ----------
    Farrington CP, Manning G. Stat Med 1990;9:1447. Miettinen O, Nurminen M. Stat Med 1985;4:213.

    Examples
    --------
    Not more than 10 points more events in the experimental arm:

    >>> found = farrington_manning_test(24, 160, 22, 160, null_difference=0.1,
    ...     alternative="less")
    >>> round(found.statistic, 4), round(found.p_value, 5)
    (-2.7819, 0.0027)
    """
    faults = Faults("farrington_manning_test")
    _check(faults, (events_control, n_control, events_experimental, n_experimental), alternative)
    if faults.one_of("method", method, ("farrington_manning", "miettinen_nurminen")):
        check_test(faults, method, null_difference)
    faults.refuse()
    counts = (int(events_control), int(n_control), int(events_experimental), int(n_experimental))
    return _score_test(method, counts, alternative, null_difference)


def two_proportions_z_test(
    events_control: int,
    n_control: int,
    events_experimental: int,
    n_experimental: int,
    *,
    pooled: bool = True,
    null_difference: float = 0.0,
    alternative: Alternative = "two-sided",
) -> ProportionTest:
    """Normal test with the pooled or the unpooled variance, without continuity correction.

    Parameters
    ----------
    events_control, n_control, events_experimental, n_experimental : int
        Events and patients.
    pooled : bool
        Variance under equal shares (its square is Pearson's chi-square), or each arm's own.
    null_difference : float
        Other than 0 with the unpooled variance only.
    alternative : {"two-sided", "greater", "less"}
        As in `fisher_exact_test`.

    Returns
    -------
    ProportionTest
        `statistic` is Z; 0 where difference and variance are both 0.

    Raises
    ------
    InputError
        All faults at once.

    Examples
    --------
    >>> round(two_proportions_z_test(23, 48, 13, 48).statistic, 4)
    -2.1082
    """
    faults = Faults("two_proportions_z_test")
    _check(faults, (events_control, n_control, events_experimental, n_experimental), alternative)
    method = "z_pooled" if pooled else "z_unpooled"
    check_test(faults, method, null_difference)
    faults.refuse()
    counts = (int(events_control), int(n_control), int(events_experimental), int(n_experimental))
    return _score_test(method, counts, alternative, null_difference)


def two_proportions_p_values(
    events_control: ArrayLike,
    n_control: ArrayLike,
    events_experimental: ArrayLike,
    n_experimental: ArrayLike,
    *,
    test: ProportionTestName = "fisher",
    alternative: Alternative = "two-sided",
    null_difference: float = 0.0,
) -> NDArray[np.float64]:
    """P-values of many tables by one test: what a simulation calls.

    Parameters
    ----------
    events_control, n_control, events_experimental, n_experimental : array_like of int
        Broadcast against each other. Tables that occur more than once are computed once.
    test : {"fisher", "boschloo", "farrington_manning", "miettinen_nurminen", "z_pooled", \
"z_unpooled"}
        The very functions of single tables.
    alternative, null_difference
        As in `farrington_manning_test`.

    Returns
    -------
    ndarray
        Of the broadcast shape.

    Raises
    ------
    InputError
        All faults at once.

    Examples
    --------
    >>> two_proportions_p_values([4, 4], 29, [5, 0], 29, alternative="less").round(4).tolist()
    [0.7649, 0.056]
    """
    faults = Faults("two_proportions_p_values")
    check_test(faults, test, null_difference)
    faults.one_of("alternative", alternative, ALTERNATIVES)
    counts = _tables(faults, (events_control, n_control, events_experimental, n_experimental))
    faults.refuse()
    shape = counts[0].shape
    columns = np.stack([c.ravel() for c in counts], axis=1)
    if test in SCORE_TESTS:
        x, n, y, m = columns.T
        statistic = score_statistics(test, x, n, y, m, null_difference)  # type: ignore[arg-type]
        return normal_p_values(statistic, alternative).reshape(shape)
    tables, place = np.unique(columns, axis=0, return_inverse=True)
    exact = fisher_exact_test if test == "fisher" else boschloo_test
    found = [exact(*map(int, table), alternative=alternative).p_value for table in tables]
    return np.asarray(found, dtype=float)[place.ravel()].reshape(shape)


def _check(faults: Faults, counts: tuple[int, int, int, int], alternative: str) -> None:
    x, n, y, m = counts
    check_counts(faults, {"control": (x, n), "experimental": (y, m)})
    faults.one_of("alternative", alternative, ALTERNATIVES)


def _score_test(
    method: str, counts: tuple[int, int, int, int], alternative: Alternative, null: float
) -> ProportionTest:
    statistic = score_statistics(method, *counts, null)  # type: ignore[arg-type]
    p_value = float(normal_p_values(statistic, alternative))
    return named_test(method, alternative, counts, float(statistic), p_value, null_difference=null)


def _tables(faults: Faults, values: tuple[ArrayLike, ...]) -> list[NDArray[np.int64]]:
    """Four arrays of one shape, whole numbers, 0 <= events <= n, n >= 1."""
    names = ("events_control", "n_control", "events_experimental", "n_experimental")
    try:
        arrays = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in values))
    except (TypeError, ValueError) as error:
        faults.add("events and n", str(error), "numbers of matching shapes", "align the arrays")
        raise InputError(faults.problems, subject=faults.subject) from error
    for name, array in zip(names, arrays, strict=True):
        least = 0 if name.startswith("events") else 1
        bad = ~((array >= least) & (array == np.floor(array)) & np.isfinite(array))
        if bad.any():
            faults.add(name, f"{array[bad][0]:g}", f"whole numbers of at least {least}")
    for arm in (0, 2):
        if (arrays[arm] > arrays[arm + 1]).any():
            faults.add(names[arm], f"more than {names[arm + 1]}", "events of at most n")
    return [np.nan_to_num(a, posinf=0, neginf=0).astype(np.int64) for a in arrays]
