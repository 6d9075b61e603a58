"""Cox models inside a report: what they warn of or cannot do becomes a note."""

from __future__ import annotations

import warnings
from typing import Any

from ashworth.errors import AshworthWarning, EstimationError
from ashworth.survival import CoxResult, cox


def fit_cox(*arguments: Any, **options: Any) -> tuple[CoxResult | None, tuple[str, ...]]:
    """Fit `ashworth.survival.cox` and collect its warnings.

    Returns
    -------
    fit : CoxResult or None
        None where the model cannot be fitted at all.
    notes : tuple of str
        Warnings of the package, or why there is no fit. Other warnings go on as they are.
    """
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = cox(*arguments, **options)
    except EstimationError as error:
        return None, (str(error),)
    notes = [str(w.message) for w in caught if issubclass(w.category, AshworthWarning)]
    for w in caught:
        if not issubclass(w.category, AshworthWarning):
            warnings.warn_explicit(w.message, w.category, w.filename, w.lineno)
    return result, tuple(notes)
