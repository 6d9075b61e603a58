"""Conditional and predictive power of a test of two proportions after an interim look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ashworth.trials.faults import Faults
from ashworth.version import __version__

from .arguments import ALTERNATIVES, check_arms, check_counts
from .binomial import beta_binomial, binomial
from .fisher_tables import Alternative
from .regions import TESTS, ProportionTestName, rejection_region

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class InterimPower:
    """Probability that the final test rejects, given what was seen.

    Attributes
    ----------
    method : str
        Test of the final analysis.
    kind : str
        ``conditional`` on shares, or ``predictive`` over their posterior.
    probability : float
        That the final analysis rejects.
    p_control, p_experimental : float
        Shares of the patients still to come; predictive: their expected values.
    alpha, alternative : float, str
        Of the final test.
    events_control, seen_control, n_control : int
        Events and patients so far, and patients at the end.
    events_experimental, seen_experimental, n_experimental : int
        Of the experimental arm.
    version : str
        Version of the package.
    """

    method: str
    kind: str
    probability: float
    p_control: float
    p_experimental: float
    alpha: float
    alternative: str
    events_control: int
    seen_control: int
    n_control: int
    events_experimental: int
    seen_experimental: int
    n_experimental: int
    version: str = __version__

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for."""
        names = ("method", "kind", "alpha", "alternative")
        return {name: getattr(self, name) for name in names}

    def table(self) -> pl.DataFrame:
        """One row."""
        from ashworth.trials.log_rank_sizes.tables import one_row

        return one_row(self)


def fisher_conditional_power(
    events_control: int,
    seen_control: int,
    events_experimental: int,
    seen_experimental: int,
    n_control: int,
    n_experimental: int,
    *,
    alternative: Alternative,
    p_control: float | None = None,
    p_experimental: float | None = None,
    alpha: float = 0.05,
    test: ProportionTestName = "fisher",
) -> InterimPower:
    r"""Exact conditional power: the interim counts stay, the rest is binomial.

    Parameters
    ----------
    events_control, seen_control, events_experimental, seen_experimental : int
        Events and patients with a known endpoint so far.
    n_control, n_experimental : int
        Patients of the final analysis, at least those seen.
    alternative : {"greater", "less", "two-sided"}
        Of the final test; ``less``: fewer events in the experimental arm.
    p_control, p_experimental : float or None
        Shares of the patients to come, from 0 to 1; None: the observed one (current trend).
    alpha : float
        Level of the alternative as it stands.
    test : str
        A test of `two_proportions_power`.

    Returns
    -------
    InterimPower

    Raises
    ------
    InputError
        All faults at once.

    Examples
    --------
    Treat CTC at 29 patients per arm of 87: if the experimental share were half of 4/29.

    >>> found = fisher_conditional_power(4, 29, 5, 29, 87, 87, alternative="less",
    ...     p_control=4 / 29, p_experimental=2 / 29)
    >>> round(found.probability, 2)
    0.05
    """
    seen = (events_control, seen_control, events_experimental, seen_experimental)
    faults = Faults("fisher_conditional_power")
    _check(faults, seen, (n_control, n_experimental), (test, alpha, alternative))
    for name, share in (("p_control", p_control), ("p_experimental", p_experimental)):
        if share is not None:
            faults.number(name, share, least=0, most=1)
    faults.refuse()
    p = events_control / seen_control if p_control is None else float(p_control)
    q = events_experimental / seen_experimental if p_experimental is None else float(p_experimental)
    rest = (n_control - seen_control, n_experimental - seen_experimental)
    masses = binomial(rest[0], p), binomial(rest[1], q)
    final = (int(n_control), int(n_experimental))
    found = _rejects(seen, final, masses, (test, alpha, alternative))
    return _interim("conditional", found, (p, q), seen, final, (test, alpha, alternative))


def fisher_predictive_power(
    events_control: int,
    seen_control: int,
    events_experimental: int,
    seen_experimental: int,
    n_control: int,
    n_experimental: int,
    *,
    alternative: Alternative,
    prior_control: tuple[float, float] = (1.0, 1.0),
    prior_experimental: tuple[float, float] = (1.0, 1.0),
    alpha: float = 0.05,
    test: ProportionTestName = "fisher",
) -> InterimPower:
    """Predictive power: conditional power averaged over beta posteriors (beta-binomial).

    Parameters
    ----------
    events_control, seen_control, events_experimental, seen_experimental, n_control, n_experimental
        As in `fisher_conditional_power`.
    alternative, alpha, test
        As there.
    prior_control, prior_experimental : tuple of float
        Parameters of the beta priors, events and non-events, above 0.

    Returns
    -------
    InterimPower

    Raises
    ------
    InputError
        All faults at once.

    References
    ----------
    Spiegelhalter DJ, Freedman LS, Blackburn PR. Control Clin Trials 1986;7:8.

    Examples
    --------
    >>> found = fisher_predictive_power(4, 29, 5, 29, 87, 87, alternative="less")
    >>> round(found.probability, 3)
    0.038
    """
    seen = (events_control, seen_control, events_experimental, seen_experimental)
    faults = Faults("fisher_predictive_power")
    _check(faults, seen, (n_control, n_experimental), (test, alpha, alternative))
    priors = (prior_control, prior_experimental)
    for name, prior in zip(("prior_control", "prior_experimental"), priors, strict=True):
        _check_prior(faults, name, prior)
    faults.refuse()
    final = (int(n_control), int(n_experimental))
    shapes = [
        (a + x, b + n - x)
        for (a, b), x, n in zip(priors, seen[::2], seen[1::2], strict=True)
    ]  # fmt: skip
    rest = (n_control - seen_control, n_experimental - seen_experimental)
    masses = beta_binomial(rest[0], *shapes[0]), beta_binomial(rest[1], *shapes[1])
    found = _rejects(seen, final, masses, (test, alpha, alternative))
    means = (shapes[0][0] / sum(shapes[0]), shapes[1][0] / sum(shapes[1]))
    return _interim("predictive", found, means, seen, final, (test, alpha, alternative))


def _check(
    faults: Faults, seen: tuple[int, ...], final: tuple[int, int], test: tuple[Any, Any, Any]
) -> None:
    for arm, (events, n), end in zip(
        ("control", "experimental"), (seen[:2], seen[2:]), final, strict=True
    ):
        before = len(faults.problems)
        check_counts(faults, {arm: (events, n)}, patients="seen")
        if faults.whole(f"n_{arm}", end) and len(faults.problems) == before and end < n:
            remedy = "the final analysis holds the patients of the interim look"
            faults.add(f"n_{arm}", end, f"at least the {n} seen", remedy)
    if not faults.problems:
        check_arms(faults, *final)
    faults.one_of("test", test[0], TESTS)
    faults.number("alpha", test[1], above=0, below=1)
    faults.one_of("alternative", test[2], ALTERNATIVES)


def _check_prior(faults: Faults, name: str, prior: Any) -> None:
    if not isinstance(prior, tuple | list) or len(prior) != 2:
        faults.add(name, repr(prior), "two numbers above 0", "give events and non-events")
        return
    for value in prior:
        faults.number(name, value, above=0)


def _rejects(
    seen: tuple[int, ...], final: tuple[int, int], masses: tuple[Floats, Floats],
    test: tuple[ProportionTestName, float, Alternative],
) -> float:  # fmt: skip
    """Probability of the rejection region over what is still to come."""
    rows = slice(int(seen[0]), int(seen[0]) + masses[0].size)
    columns = slice(int(seen[2]), int(seen[2]) + masses[1].size)
    region = rejection_region(test[0], *final, float(test[1]), test[2], 0.0, rows, columns)
    return float(masses[0] @ region @ masses[1])


def _interim(
    kind: str, probability: float, shares: tuple[float, float], seen: tuple[int, ...],
    final: tuple[int, int], test: tuple[str, float, str],
) -> InterimPower:  # fmt: skip
    x, n, y, m = (int(v) for v in seen)
    return InterimPower(
        test[0], kind, min(1.0, probability), *shares, float(test[1]), test[2], x, n, final[0],
        y, m, final[1],
    )  # fmt: skip
