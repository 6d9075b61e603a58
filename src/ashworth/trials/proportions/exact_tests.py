"""Exact tests of two proportions: Fisher's and Boschloo's."""

from __future__ import annotations

from ashworth.trials.faults import Faults

from .arguments import ALTERNATIVES, check_arms, check_counts
from .certified import largest_probability
from .fisher_tables import Alternative, fisher_p_values
from .result import ProportionTest, named_test

_SLACK = 1e-9


def fisher_exact_test(
    events_control: int,
    n_control: int,
    events_experimental: int,
    n_experimental: int,
    *,
    alternative: Alternative = "two-sided",
) -> ProportionTest:
    """Fisher's exact test of two arms.

    Parameters
    ----------
    events_control, n_control : int
        Events and patients of the control arm.
    events_experimental, n_experimental : int
        Of the experimental arm.
    alternative : {"two-sided", "greater", "less"}
        ``less``: fewer events in the experimental arm. ``two-sided`` adds all tables with these
        margins that are not more probable than the observed one (R's rule, slack 1e-7).

    Returns
    -------
    ProportionTest
        `statistic` is the sample odds ratio, experimental to control (NaN for 0/0).

    Raises
    ------
    InputError
        All faults at once: counts that are not whole, more events than patients.

    References
    ----------
    Fisher RA. Statistical Methods for Research Workers, 1934.

    Examples
    --------
    Treat CTC: 5 of 29 with trastuzumab and 4 of 29 without still have tumour cells.

    >>> fisher_exact_test(4, 29, 5, 29, alternative="less").p_value
    0.764868...
    """
    _check("fisher_exact_test", events_control, n_control, events_experimental, n_experimental,
           alternative)  # fmt: skip
    x, n, y, m = (int(v) for v in (events_control, n_control, events_experimental, n_experimental))
    p = fisher_p_values(n, m, alternative, slice(x, x + 1), slice(y, y + 1))
    return named_test("fisher", alternative, (x, n, y, m), _odds_ratio(x, n, y, m), float(p[0, 0]))


def boschloo_test(
    events_control: int,
    n_control: int,
    events_experimental: int,
    n_experimental: int,
    *,
    alternative: Alternative = "two-sided",
) -> ProportionTest:
    r"""Boschloo's unconditional exact test: Fisher's p-value as the statistic.

    The p-value is :math:`\sup_p P(F \le F_{obs} \mid p)` over the common share p, found with a
    certified bound. Never above Fisher's p-value; uniformly more powerful.

    Parameters
    ----------
    events_control, n_control, events_experimental, n_experimental : int
        As in `fisher_exact_test`.
    alternative : {"two-sided", "greater", "less"}
        Two-sided orders tables by Fisher's two-sided p-value, as Boschloo did; other programs
        double the smaller one-sided p-value.

    Returns
    -------
    ProportionTest
        `nuisance` is the share at the maximum, `p_value_bound` a proven upper bound.

    Raises
    ------
    InputError
        All faults at once, among them more than 3000 patients in an arm.

    References
    ----------
    Boschloo RD. Stat Neerl 1970;24:1.

    Examples
    --------
    >>> found = boschloo_test(74, 100, 43, 100, alternative="less")
    >>> round(found.p_value, 9), found.p_value_bound - found.p_value < 1e-9
    (3.998e-06, True)
    """
    _check("boschloo_test", events_control, n_control, events_experimental, n_experimental,
           alternative, exact=True)  # fmt: skip
    x, n, y, m = (int(v) for v in (events_control, n_control, events_experimental, n_experimental))
    p_values = fisher_p_values(n, m, alternative)
    found = largest_probability(p_values <= p_values[x, y] * (1.0 + _SLACK))
    return named_test(
        "boschloo", alternative, (x, n, y, m), float(p_values[x, y]), min(1.0, found.probability),
        nuisance=found.p_control, p_value_bound=min(1.0, found.bound),
    )  # fmt: skip


def _check(
    name: str, x: int, n: int, y: int, m: int, alternative: str, *, exact: bool = False
) -> None:
    faults = Faults(name)
    check_counts(faults, {"control": (x, n), "experimental": (y, m)})
    if exact and not faults.problems:
        check_arms(faults, n, m)
    faults.one_of("alternative", alternative, ALTERNATIVES)
    faults.refuse()


def _odds_ratio(x: int, n: int, y: int, m: int) -> float:
    above, below = y * (n - x), x * (m - y)
    if below == 0:
        return float("inf") if above else float("nan")
    return above / below
