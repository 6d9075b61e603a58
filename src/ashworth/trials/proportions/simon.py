"""Simon's two-stage designs: optimal, minimax, admissible."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ashworth.errors import EstimationError
from ashworth.trials.faults import Faults
from ashworth.version import __version__

from .simon_search import Search, TwoStages

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class SimonDesign:
    """One two-stage design with its exact operating characteristics.

    Attributes
    ----------
    kind : str
        ``optimal``, ``minimax`` or ``admissible``; ``optimal and minimax`` where they coincide.
    r1, n1 : int
        Stop for futility with r1 or fewer responses among the first n1.
    r, n : int
        Reject p0 with more than r responses among all n.
    type_1_error, power : float
        Exact probabilities to reject under p0 and p1.
    expected_p0, expected_p1 : float
        Expected patients.
    stop_p0, stop_p1 : float
        Probability of early termination.
    weight_from, weight_to : float
        Weights q for which the design minimises q n + (1 - q) expected_p0.
    """

    kind: str
    r1: int
    n1: int
    r: int
    n: int
    type_1_error: float
    power: float
    expected_p0: float
    expected_p1: float
    stop_p0: float
    stop_p1: float
    weight_from: float
    weight_to: float


@dataclass(frozen=True, slots=True)
class SimonDesigns:
    """Two-stage designs of one question.

    Attributes
    ----------
    method : str
        ``simon_two_stage``.
    p0, p1, alpha, beta : float
        Uninteresting and wanted response, and the errors allowed.
    optimal : SimonDesign
        Smallest expected size under p0, of all designs of any size.
    minimax : SimonDesign
        Smallest n; among those the smallest expected size.
    admissible : tuple of SimonDesign
        From minimax to optimal, both included: best for some weight of n against expected size.
    searched_to : int
        Largest n that was tried; beyond it no design has a smaller expected size (proven).
    version : str
        Version of the package.
    """

    method: str
    p0: float
    p1: float
    alpha: float
    beta: float
    optimal: SimonDesign
    minimax: SimonDesign
    admissible: tuple[SimonDesign, ...]
    searched_to: int
    version: str = __version__

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for."""
        return {"p0": self.p0, "p1": self.p1, "alpha": self.alpha, "beta": self.beta}

    def table(self) -> pl.DataFrame:
        """One row per admissible design, from minimax to optimal."""
        from dataclasses import asdict

        import polars as pl

        return pl.DataFrame([asdict(design) for design in self.admissible])


def simon_two_stage(
    p0: float, p1: float, *, alpha: float = 0.05, beta: float = 0.2, n_most: int = 300
) -> SimonDesigns:
    """Search all two-stage designs of one arm with a stop for futility.

    Parameters
    ----------
    p0, p1 : float
        Response that is of no interest, and response that is wanted; p0 < p1.
    alpha, beta : float
        One-sided type I error, and type II error, with alpha < 1 - beta.
    n_most : int
        Patients at which the search gives up.

    Returns
    -------
    SimonDesigns

    Raises
    ------
    InputError
        All faults at once.
    EstimationError
        The search needs more than `n_most` patients.

    References
    ----------
    Simon R. Control Clin Trials 1989;10:1. Jung SH et al. Stat Med 2004;23:561 (admissible).

    Examples
    --------
    >>> found = simon_two_stage(0.1, 0.3)
    >>> for d in (found.optimal, found.minimax):
    ...     print(d.kind, f"{d.r1}/{d.n1} {d.r}/{d.n}", round(d.expected_p0, 2))
    optimal 1/10 5/29 15.01
    minimax 1/15 5/25 19.51
    """
    faults = Faults("simon_two_stage")
    check_one_arm(faults, p0, p1, alpha, beta)
    faults.whole("n_most", n_most, least=2)
    faults.refuse()
    search = Search(float(p0), float(p1), float(alpha), float(beta))
    best, last = _all_sizes(search, int(n_most))
    hull = _lower_hull([(d.n, d.expected(search.shares[0]), d) for d in best])
    designs = tuple(_described(hull, i, search.shares) for i in range(len(hull)))
    return SimonDesigns(
        "simon_two_stage", float(p0), float(p1), float(alpha), float(beta), designs[-1],
        designs[0], designs, last,
    )  # fmt: skip


def check_one_arm(faults: Faults, p0: Any, p1: Any, alpha: Any, beta: Any) -> None:
    """Demand p0 < p1 and errors that leave power above the level."""
    right = faults.probability("p0", p0)
    if faults.probability("p1", p1) and right and p1 <= p0:
        remedy = "the wanted response lies above the uninteresting one"
        faults.add("p1", f"{p1:g} with p0 {p0:g}", f"above {p0:g}", remedy)
    right = faults.number("alpha", alpha, above=0, below=0.5)
    if faults.probability("beta", beta) and right and 1.0 - beta <= alpha:
        faults.add("beta", f"{beta:g}", f"a power (1 - beta) above the level {alpha:g}")


def _all_sizes(search: Search, n_most: int) -> tuple[list[TwoStages], int]:
    """Best design of each n, each better in expected size than all smaller n, and the last n."""
    best: list[TwoStages] = []
    smallest = float("inf")
    for n in range(2, n_most + 1):
        if best and search.least_expected(n) >= smallest:
            return best, n - 1
        design = search.best_of(n)
        if design is not None and design.expected(search.shares[0]) < smallest - 1e-12:
            smallest = design.expected(search.shares[0])
            best.append(design)
    raise EstimationError(
        f"the search of two-stage designs is not done at {n_most} patients; raise n_most, or "
        "choose p1 farther from p0"
    )


_Point = tuple[int, float, TwoStages]


def _lower_hull(points: list[_Point]) -> list[_Point]:
    """Corners of the lower convex hull of n and expected size, which falls along the list."""
    hull: list[_Point] = []
    for point in points:
        while len(hull) > 1 and _slope(hull[-2], hull[-1]) >= _slope(hull[-1], point):
            hull.pop()
        hull.append(point)
    return hull


def _slope(a: _Point, b: _Point) -> float:
    return (b[1] - a[1]) / (b[0] - a[0])


def _described(hull: list[_Point], i: int, shares: tuple[float, float]) -> SimonDesign:
    """Characteristics of a corner, and the weights between its two edges."""
    edges = [-_slope(a, b) / (1.0 - _slope(a, b)) for a, b in pairwise(hull)]
    kinds = [("optimal", i == len(hull) - 1), ("minimax", i == 0)]
    kind = " and ".join(name for name, here in kinds if here) or "admissible"
    design, (p0, p1) = hull[i][2], shares
    return SimonDesign(
        kind, design.r1, design.n1, design.r, design.n, design.rejects(p0), design.rejects(p1),
        design.expected(p0), design.expected(p1), design.stops(p0), design.stops(p1),
        edges[i] if i < len(edges) else 0.0, edges[i - 1] if i else 1.0,
    )  # fmt: skip
