"""Interaction and dilution on the scale of the hazard ratio."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from scipy.special import ndtri

from ashworth.trials.faults import Faults
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class InteractionEvents:
    """Events for a treatment-by-marker interaction.

    Attributes
    ----------
    events : float
        Real-valued.
    events_integer : int
    method, version : str
    """

    events: float
    events_integer: int
    method: str = "Peterson and George"
    version: str = __version__


@dataclass(frozen=True, slots=True)
class DiscordantDilution:
    """A trial of two rules in which most patients are treated alike.

    Attributes
    ----------
    overall_hazard_ratio : float
        First order: HR_D to the power of the discordant share of events.
    randomise_all_ratio : float
        Events with everybody randomised over events with only the discordant: 1/f^2.
    screened_ratio : float
        1/f.
    at_margin : float or None
        Discordant hazard ratio at which the overall one reaches the margin: M^(1/f).
    method, version : str
    """

    overall_hazard_ratio: float
    randomise_all_ratio: float
    screened_ratio: float
    at_margin: float | None
    method: str = "first order in the log hazard ratio"
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """One row."""
        import polars as pl

        return pl.DataFrame([asdict(self)])


def interaction_events(
    hazard_ratio_positive: float, hazard_ratio_negative: float, *, positive_share: float,
    alpha: float = 0.05, sided: int = 2, power: float = 0.9,
) -> InteractionEvents:  # fmt: skip
    """Events for an interaction, D = 4 z^2 / (pi (1-pi) (log HR+ - log HR-)^2).

    Parameters
    ----------
    hazard_ratio_positive, hazard_ratio_negative : float
        Treatment's hazard ratios by marker, above 0 and unlike.
    positive_share : float
        Share of the events that fall on marker-positive patients (pi).
    alpha, power : float
    sided : int

    Returns
    -------
    InteractionEvents

    Raises
    ------
    InputError
        All faults together.

    References
    ----------
    Peterson & George 1993, Control Clin Trials 14:511.

    Examples
    --------
    >>> interaction_events(0.5, 1.0, positive_share=0.5).events_integer
    350
    """
    faults = Faults("interaction_events")
    right = faults.number("hazard_ratio_positive", hazard_ratio_positive, above=0)
    right = faults.number("hazard_ratio_negative", hazard_ratio_negative, above=0) and right
    faults.probability("positive_share", positive_share)
    faults.level_and_power(alpha, sided, power)
    if right and hazard_ratio_positive == hazard_ratio_negative:
        faults.add("hazard_ratio_negative", f"{hazard_ratio_negative:g}",
                   "another hazard ratio than in marker-positive patients")  # fmt: skip
    faults.refuse()
    z = float(ndtri(1 - alpha / sided) + ndtri(power))
    gap = math.log(hazard_ratio_positive / hazard_ratio_negative)
    events = 4 * z * z / (positive_share * (1 - positive_share) * gap * gap)
    return InteractionEvents(events, math.ceil(events - 1e-9))


def discordant_dilution(
    discordant_share: float, discordant_hazard_ratio: float, *, margin: float | None = None
) -> DiscordantDilution:
    """Give what a trial of two rules shows of an effect in its discordant patients.

    Parameters
    ----------
    discordant_share : float
        Share of the events that fall on patients whom the rules treat unlike, above 0, at most 1.
    discordant_hazard_ratio : float
        Above 0.
    margin : float, optional
        Non-inferiority margin, above 0.

    Returns
    -------
    DiscordantDilution

    Raises
    ------
    InputError
        All faults together.

    References
    ----------
    Bossuyt, Lijmer & Mol 2000, Lancet 356:1844; Hoering, LeBlanc & Crowley 2008, Clin Cancer
    Res 14:4358.

    Examples
    --------
    >>> found = discordant_dilution(0.25, 1.5, margin=1.25)
    >>> round(found.overall_hazard_ratio, 3), round(found.at_margin, 3)
    (1.107, 2.441)
    """
    faults = Faults("discordant_dilution")
    faults.number("discordant_share", discordant_share, above=0, most=1)
    faults.number("discordant_hazard_ratio", discordant_hazard_ratio, above=0)
    if margin is not None:
        faults.number("margin", margin, above=0)
    faults.refuse()
    f = discordant_share
    return DiscordantDilution(
        discordant_hazard_ratio**f, 1 / f**2, 1 / f, None if margin is None else margin ** (1 / f)
    )
