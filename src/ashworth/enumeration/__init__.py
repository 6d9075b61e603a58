"""Counts to statuses: volume, limits, detection probability, repeatability, dynamics.

The room does not know who counted: a rule, a model, a person or another laboratory's table.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ashworth.enumeration.change import ChangeTest as ChangeTest
    from ashworth.enumeration.change import change_test as change_test
    from ashworth.enumeration.counting import CallCounts as CallCounts
    from ashworth.enumeration.counting import count_calls as count_calls
    from ashworth.enumeration.detection import (
        detection_probability as detection_probability,
    )
    from ashworth.enumeration.detection import (
        smallest_cutoff as smallest_cutoff,
    )
    from ashworth.enumeration.detection import (
        volume_for_detection as volume_for_detection,
    )
    from ashworth.enumeration.detection_limits import DetectionLimit as DetectionLimit
    from ashworth.enumeration.detection_limits import (
        FewMeasurementsWarning as FewMeasurementsWarning,
    )
    from ashworth.enumeration.detection_limits import limit_of_blank as limit_of_blank
    from ashworth.enumeration.detection_limits import limit_of_detection as limit_of_detection
    from ashworth.enumeration.exact_limits import CountLimits as CountLimits
    from ashworth.enumeration.exact_limits import count_limits as count_limits
    from ashworth.enumeration.fitting import (
        FittedPopulation as FittedPopulation,
    )
    from ashworth.enumeration.fitting import (
        fit_population as fit_population,
    )
    from ashworth.enumeration.hit_rate import DetectionCurve as DetectionCurve
    from ashworth.enumeration.hit_rate import detection_curve as detection_curve
    from ashworth.enumeration.imaging_lead import CountBeforeImaging as CountBeforeImaging
    from ashworth.enumeration.imaging_lead import count_before_imaging as count_before_imaging
    from ashworth.enumeration.intervals import (
        Interval as Interval,
    )
    from ashworth.enumeration.intervals import (
        poisson_interval as poisson_interval,
    )
    from ashworth.enumeration.intervals import (
        proportion_interval as proportion_interval,
    )
    from ashworth.enumeration.kinetics import CountKinetics as CountKinetics
    from ashworth.enumeration.kinetics import count_kinetics as count_kinetics
    from ashworth.enumeration.pairs import Dynamics as Dynamics
    from ashworth.enumeration.pairs import dynamics as dynamics
    from ashworth.enumeration.populations import (
        Measurement as Measurement,
    )
    from ashworth.enumeration.populations import (
        NegativeBinomial as NegativeBinomial,
    )
    from ashworth.enumeration.populations import (
        PoissonLognormal as PoissonLognormal,
    )
    from ashworth.enumeration.prevalence import Positivity as Positivity
    from ashworth.enumeration.prevalence import positivity as positivity
    from ashworth.enumeration.recovery import RecoveryLine as RecoveryLine
    from ashworth.enumeration.recovery import recovery_line as recovery_line
    from ashworth.enumeration.regression import (
        CountRegression as CountRegression,
    )
    from ashworth.enumeration.regression import (
        count_regression as count_regression,
    )
    from ashworth.enumeration.repeatability import (
        agreement_probability as agreement_probability,
    )
    from ashworth.enumeration.repeatability import (
        concentration_probability as concentration_probability,
    )
    from ashworth.enumeration.repeatability import (
        disagreement_probability as disagreement_probability,
    )
    from ashworth.enumeration.repeatability import (
        expected_positivity as expected_positivity,
    )
    from ashworth.enumeration.response import ResponseByCategory as ResponseByCategory
    from ashworth.enumeration.response import ResponseByDynamics as ResponseByDynamics
    from ashworth.enumeration.response import response_by_category as response_by_category
    from ashworth.enumeration.response import response_by_dynamics as response_by_dynamics
    from ashworth.enumeration.response_regression import ResponseModel as ResponseModel
    from ashworth.enumeration.response_regression import response_model as response_model
    from ashworth.enumeration.status import Statuses as Statuses
    from ashworth.enumeration.status import statuses as statuses
    from ashworth.enumeration.tubes import TubeTotals as TubeTotals
    from ashworth.enumeration.tubes import combine_tubes as combine_tubes

_PUBLIC = {
    "CountBeforeImaging": "imaging_lead",
    "CountKinetics": "kinetics",
    "ResponseByCategory": "response",
    "ResponseByDynamics": "response",
    "ResponseModel": "response_regression",
    "count_before_imaging": "imaging_lead",
    "count_kinetics": "kinetics",
    "response_by_category": "response",
    "response_by_dynamics": "response",
    "response_model": "response_regression",
    "CallCounts": "counting",
    "ChangeTest": "change",
    "CountLimits": "exact_limits",
    "CountRegression": "regression",
    "DetectionCurve": "hit_rate",
    "DetectionLimit": "detection_limits",
    "Dynamics": "pairs",
    "FewMeasurementsWarning": "detection_limits",
    "FittedPopulation": "fitting",
    "Interval": "intervals",
    "Measurement": "populations",
    "NegativeBinomial": "populations",
    "PoissonLognormal": "populations",
    "Positivity": "prevalence",
    "RecoveryLine": "recovery",
    "Statuses": "status",
    "TubeTotals": "tubes",
    "agreement_probability": "repeatability",
    "change_test": "change",
    "combine_tubes": "tubes",
    "concentration_probability": "repeatability",
    "count_calls": "counting",
    "count_limits": "exact_limits",
    "count_regression": "regression",
    "detection_curve": "hit_rate",
    "detection_probability": "detection",
    "disagreement_probability": "repeatability",
    "dynamics": "pairs",
    "expected_positivity": "repeatability",
    "fit_population": "fitting",
    "limit_of_blank": "detection_limits",
    "limit_of_detection": "detection_limits",
    "poisson_interval": "intervals",
    "positivity": "prevalence",
    "proportion_interval": "intervals",
    "recovery_line": "recovery",
    "smallest_cutoff": "detection",
    "statuses": "status",
    "volume_for_detection": "detection",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'ashworth.enumeration' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"ashworth.enumeration.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return list(__all__)
