"""Patients from a published Kaplan-Meier curve."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from ashworth.errors import AshworthWarning, EstimationError
from ashworth.evidence.reconstruction.arms import Arm, Scale, read_arms
from ashworth.evidence.reconstruction.intervals import ArmPatients, Method, reverse
from ashworth.evidence.reconstruction.result import ReconstructedArm, Reconstruction
from ashworth.evidence.reconstruction.steps import from_steps
from ashworth.survival.inputs import check_number, check_option
from ashworth.version import __version__

METHODS = ("auto", "steps", "guyot", "modified")


class RepairedCurveWarning(AshworthWarning):
    """Clicked survival was changed so that it never rises."""


def reconstruct(
    time: Any,
    survival: Any,
    arm: Any = None,
    *,
    risk_time: Any = None,
    at_risk: Any = None,
    risk_arm: Any = None,
    n: int | Mapping[Any, int] | None = None,
    total_events: int | Mapping[Any, int] | None = None,
    method: Literal["auto", "steps", "guyot", "modified"] = "auto",
    scale: Scale = "proportion",
    largest_repair: float = 0.02,
) -> Reconstruction:
    r"""Turn a published Kaplan-Meier curve back into patients.

    Use it for a trial that printed a curve with numbers at risk but no patient data: to pool it
    with other patients, to read survival at another time, to test another hypothesis. The result
    is an approximation: it has no covariates, and says nothing that the curve does not say.

    Parameters
    ----------
    time, survival : array-like, shape (m,)
        Points of the curve (clicks, corners of the line, or the steps themselves), in order of
        time within each arm. Points at one time are one step; its foot counts.
    arm : array-like, shape (m,), optional
        Label of each point's arm; one arm by default.
    risk_time, at_risk : array-like, shape (r,), optional
        Risk table: times from 0, and patients at risk just before each.
    risk_arm : array-like, shape (r,), optional
        Label of each number's arm, with `arm`.
    n : int or mapping, optional
        Patients at time 0 (by arm where there are several); needed without a risk table.
    total_events : int or mapping, optional
        Events in the whole follow-up (by arm), where printed.
    method : {"auto", "steps", "guyot", "modified"}
        "steps" reads d/n off the height of every step and needs exact values (about six digits);
        "guyot" and "modified" follow clicks; "auto" takes "steps" for each arm whose steps are
        all whole numbers of patients within the rounding of the values, else "guyot".
    scale : {"proportion", "percent"}
        Unit of `survival`.
    largest_repair : float
        Survival that rises is replaced by the nearest values that do not (least squares) where
        that changes no point by more than this proportion; beyond it is an error.

    Returns
    -------
    Reconstruction
        Patients of every arm and the diagnostics: curve error, residuals of the risk table and
        of the total of events, repairs.

    Raises
    ------
    InputError
        All faults at once: times that fall, survival outside 0 to 1 or in per cent unsaid, a
        risk table that rises or lacks an arm, a total of events that the curve cannot hold.
    EstimationError
        With ``method="steps"`` where the points are not exact steps.

    Warns
    -----
    RepairedCurveWarning
        Where survival had to be changed; `table` says how many points and by how much.

    Notes
    -----
    Between two times of the risk table with n and m at risk, c patients are censored at even
    distances and at each point k

    .. math:: d_k = \mathrm{round}\{n_k (1 - S_k / \hat S_{k-1})\}, \quad
              n_{k+1} = n_k - d_k - c_k,

    with the estimate :math:`\hat S` of the patients so far; c is moved until m patients are left.
    After the last time of the table patients are censored at the earlier rate, or fewer where
    nobody would be left for the last steps; with
    `total_events` "guyot" moves that number until the events agree, and "modified" keeps
    enough patients uncensored for the remaining events. Without a risk table nobody is censored
    before the end unless `total_events` says so.

    References
    ----------
    Guyot P, Ades AE, Ouwens MJNM, Welton NJ. Enhanced secondary analysis of survival data. BMC
    Med Res Methodol 2012;12:9. Liu N, Zhou Y, Lee JJ. IPDfromKM: reconstruct individual patient
    data from published Kaplan-Meier survival curves. BMC Med Res Methodol 2021;21:111.

    Examples
    --------
    >>> made = reconstruct([2, 5, 9], [0.9, 0.7, 0.7], risk_time=[0, 6], at_risk=[10, 7])
    >>> made.n, made.events, made.arms[0].patient_time[:3].tolist()
    (10, 3, [2.0, 5.0, 5.0])
    """
    check_option(method, "method", METHODS)
    check_option(scale, "scale", ("proportion", "percent"))
    check_number(largest_repair, "largest_repair", "a proportion from 0 to 1, such as 0.02")
    arms = read_arms(
        time, survival, arm, risk_time, at_risk, risk_arm, n, total_events, scale, largest_repair
    )
    made = tuple(_reconstruct(a, method) for a in arms)
    _warn(made)
    options = {"method": method, "scale": scale, "largest_repair": largest_repair,
               "risk_table": risk_time is not None}  # fmt: skip
    name = "Reconstruction of patients from Kaplan-Meier curves"
    sizes, events = sum(a.n for a in made), sum(a.events for a in made)
    return Reconstruction(made, sizes, events, name, options, __version__)


def _reconstruct(arm: Arm, method: str) -> ReconstructedArm:
    found = from_steps(arm.curve) if method in ("auto", "steps") else None
    if found is not None:
        return _describe(arm, found, "steps")
    if method == "steps":
        raise EstimationError(
            f"the points of arm {arm.label} are not the exact steps of {arm.curve.at_risk[0]} "
            'patients within the rounding of the values; pass method="guyot"'
        )
    used: Method = "modified" if method == "modified" else "guyot"
    return _describe(arm, reverse(arm.curve, used), used)


def _describe(arm: Arm, found: ArmPatients, method: str) -> ReconstructedArm:
    curve, clicks = arm.curve, arm.clicks
    died = np.repeat(curve.time, found.events)
    time = np.concatenate([died, found.censored, np.full(found.remaining, curve.time[-1])])
    event = np.zeros(time.size, dtype=np.int64)
    event[: died.size] = 1
    order = np.lexsort((1 - event, time))
    places = np.searchsorted(curve.time, clicks.time)
    return ReconstructedArm(
        arm.label,
        int(time.size),
        int(event.sum()),
        int(time.size - event.sum()),
        method,
        time[order],
        event[order],
        clicks.time,
        clicks.given,
        clicks.survival,
        found.survival[places],
        clicks.n_given,
        clicks.n_repaired,
        clicks.n_merged,
        clicks.largest_repair,
        arm.risk_time,
        curve.at_risk,
        found.at_risk[curve.starts],
        arm.n_unused,
        curve.total_events,
    )


def _warn(arms: tuple[ReconstructedArm, ...]) -> None:
    changed = [a for a in arms if a.n_repaired]
    if changed:
        words = "; ".join(
            f"{a.arm}: {a.n_repaired} of {a.n_points} points by up to {a.largest_repair:.4f}"
            for a in changed
        )
        text = f"survival was changed so that it never rises: {words}"
        warnings.warn(text, RepairedCurveWarning, stacklevel=3)
