"""Patients that seven designs around a marker need for the same truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from scipy.special import ndtri

from ashworth.trials.faults import Faults
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

Cells = tuple[tuple[float, float], ...]
ARMS = "normal approximation, equal arms, variance of each arm's mixture"


@dataclass(frozen=True, slots=True)
class MarkerDesign:
    """One design and its size.

    Attributes
    ----------
    design : str
    contrast : float
        Difference of the arms' means (for the interaction: of the two effects).
    randomised : float
        Patients of both arms, real-valued; infinite where the contrast is nought.
    screened : float
        Patients whose marker is measured.
    """

    design: str
    contrast: float
    randomised: float
    screened: float


@dataclass(frozen=True, slots=True)
class MarkerDesigns:
    """Seven designs for one truth.

    Attributes
    ----------
    rows : tuple of MarkerDesign
    method, version : str
    options : dict
    """

    rows: tuple[MarkerDesign, ...]
    options: dict[str, Any] = field(default_factory=dict)
    method: str = ARMS
    version: str = __version__

    def __getitem__(self, design: str) -> MarkerDesign:
        """Row of one design."""
        return next(row for row in self.rows if row.design == design)

    def table(self) -> pl.DataFrame:
        """One row per design."""
        import polars as pl

        return pl.DataFrame([asdict(row) for row in self.rows])


def marker_designs(
    prevalence: float, effect_positive: float, effect_negative: float, *, sd: float = 1.0,
    control_share: float = 0.5, alpha: float = 0.05, sided: int = 2, power: float = 0.9,
) -> MarkerDesigns:  # fmt: skip
    """Size seven designs that compare a new with a standard treatment around a marker.

    With effects d+ and d- in marker-positive and marker-negative patients, prevalence g and
    N = 2 (z_alpha + z_power)^2 (v1 + v2) / delta^2, where v is the variance of an arm's mixture:
    ``enrichment`` delta = d+; ``all_comers`` delta = g d+ + (1-g) d-; ``strategy`` (marker decides
    against standard for all) delta = g d+; ``strategy_randomised_control`` (the control draws the
    new treatment with probability r) delta = g(1-r) d+ - (1-g) r d-; ``reverse_strategy``
    delta = g d+ - (1-g) d-; ``stratified_positive`` (all are randomised within strata, the
    positive stratum has the power) N of the enrichment over g; ``interaction`` N =
    4 z^2 sd^2 / (g(1-g)(d+ - d-)^2). Two rules compared (STIC type): `discordant_dilution`.

    Parameters
    ----------
    prevalence : float
        Share of marker-positive patients, 0 to 1, both excluded.
    effect_positive, effect_negative : float
        Effects in units of the outcome.
    sd : float
        Standard deviation within a cell.
    control_share : float
        Probability of the new treatment in the randomised control.
    alpha, power : float
    sided : int

    Returns
    -------
    MarkerDesigns

    Raises
    ------
    InputError
        All faults of the arguments together.

    References
    ----------
    Simon & Maitournam 2004, Clin Cancer Res 10:6759; Sargent 2005, J Clin Oncol 23:2020;
    Young, Laird & Zhou 2010, Clin Trials 7:557; Eng 2014, Stat Med 33:3100;
    Bossuyt, Lijmer & Mol 2000, Lancet 356:1844.

    Examples
    --------
    >>> found = marker_designs(0.25, 0.5, 0.0)
    >>> round(found["enrichment"].randomised), round(found["strategy"].randomised)
    (168, 2753)
    """
    faults = Faults("marker_designs")
    faults.probability("prevalence", prevalence)
    faults.number("effect_positive", effect_positive)
    faults.number("effect_negative", effect_negative)
    faults.number("sd", sd, above=0)
    faults.number("control_share", control_share, least=0, most=1)
    faults.level_and_power(alpha, sided, power)
    faults.refuse()
    z2 = float(ndtri(1 - alpha / sided) + ndtri(power)) ** 2
    size = _sizer(z2, sd)
    targeted = _enrichment(size, prevalence, effect_positive)
    every = targeted.screened
    rows = [targeted, MarkerDesign("stratified_positive", targeted.contrast, every, every)]
    for name, arms in _arms(prevalence, effect_positive, effect_negative, control_share).items():
        contrast, n = size(*arms)
        rows.append(MarkerDesign(name, contrast, n, n))
    rows.append(_interaction(z2, sd, prevalence, effect_positive - effect_negative))
    options = {
        "prevalence": prevalence, "effect_positive": effect_positive,
        "effect_negative": effect_negative, "sd": sd, "control_share": control_share,
        "alpha": alpha, "sided": sided, "power": power,
    }  # fmt: skip
    return MarkerDesigns(tuple(rows), options)


def _sizer(z2: float, sd: float) -> Callable[[Cells, Cells], tuple[float, float]]:
    """Size of a comparison of two mixtures of (share, mean)."""

    def size(first: Cells, second: Cells) -> tuple[float, float]:
        contrast = _mean(first) - _mean(second)
        spread = 2 * sd * sd + _between(first) + _between(second)
        if abs(contrast) < 1e-12:
            return 0.0, float("inf")
        return contrast, 2 * z2 * spread / contrast**2

    return size


def _mean(cells: Cells) -> float:
    return sum(share * mean for share, mean in cells)


def _between(cells: Cells) -> float:
    middle = _mean(cells)
    return sum(share * (mean - middle) ** 2 for share, mean in cells)


def _enrichment(
    size: Callable[[Cells, Cells], tuple[float, float]], g: float, effect: float
) -> MarkerDesign:
    contrast, n = size(((1.0, effect),), ((1.0, 0.0),))
    return MarkerDesign("enrichment", contrast, n, n / g)


def _arms(g: float, up: float, down: float, r: float) -> dict[str, tuple[Cells, Cells]]:
    """Cells (share, mean) of both arms, by design."""
    standard: Cells = ((1.0, 0.0),)
    guided: Cells = ((g, up), (1 - g, 0.0))
    drawn: Cells = ((g * r, up), (g * (1 - r), 0.0), ((1 - g) * r, down), ((1 - g) * (1 - r), 0.0))
    return {
        "all_comers": (((g, up), (1 - g, down)), standard),
        "strategy": (guided, standard),
        "strategy_randomised_control": (guided, drawn),
        "reverse_strategy": (guided, ((g, 0.0), (1 - g, down))),
    }


def _interaction(z2: float, sd: float, g: float, gap: float) -> MarkerDesign:
    n = 4 * z2 * sd * sd / (g * (1 - g) * gap * gap) if abs(gap) > 1e-12 else float("inf")
    return MarkerDesign("interaction", gap, n, n)
