"""Multiple imputation of covariates by chained equations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ashworth.evidence.imputation.columns import (
    Column,
    as_frame,
    demand_missing,
    indicator_columns,
    nelson_aalen,
    read_columns,
    write_columns,
)
from ashworth.evidence.imputation.draws import (
    draw_factor,
    draw_number,
    one_thread,
    require_scikit_learn,
)
from ashworth.survival.inputs import Faults, Floats, check_count, labels, observations
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Imputed:
    """m completed copies of the covariates.

    Attributes
    ----------
    frames : tuple of polars.DataFrame, length m
        The covariates without gaps; values that were there are untouched.
    names, kinds : tuple of str
        Columns, and ``"number"`` or ``"factor"``.
    n_missing : ndarray of int
        Missing values per column.
    chain_means : ndarray, shape (m, iterations, columns with gaps)
        Mean of the imputed values (of a factor: of the places of its levels) after every
        iteration; without a trend and mixed between the chains where they have converged.
    n, events, complete : int
        Patients, events, and patients without a gap.
    method : str
        Name of the procedure.
    options : mapping
        What was chosen.
    version : str
        Version of the package.
    """

    frames: tuple[pl.DataFrame, ...]
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    n_missing: Any
    chain_means: Floats
    n: int
    events: int
    complete: int
    method: str
    options: Mapping[str, Any]
    version: str

    @property
    def m(self) -> int:
        """Number of imputations."""
        return len(self.frames)

    def table(self) -> pl.DataFrame:
        """One row per column: kind, missing values, and how they were imputed."""
        import polars as pl

        how = {"number": "predictive mean matching", "factor": "multinomial regression"}
        return pl.DataFrame(
            {
                "column": list(self.names),
                "kind": list(self.kinds),
                "n": [self.n] * len(self.names),
                "missing": self.n_missing,
                "missing_percent": 100.0 * self.n_missing / self.n,
                "imputed_by": [
                    how[k] if c else "complete"
                    for k, c in zip(self.kinds, self.n_missing, strict=True)
                ],
            }
        )


def _outcome(
    time: Any, event: Any, entry: Any, strata: Any, rows: int, faults: Faults
) -> tuple[Floats, int]:
    """Predictors that every equation has: event, cumulative hazard, strata; and the events."""
    blocks = []
    if strata is not None:
        found, codes = labels(strata, "strata", faults)
        blocks.append(indicator_columns(codes, len(found)))
    shapes = [("covariates", np.empty(rows)), *(("strata", b) for b in blocks)]
    seen = observations(time, event, entry, None, faults, *shapes)
    hazard = nelson_aalen(seen.time, seen.event, seen.entry)
    spread = hazard.std()
    scaled = (hazard - hazard.mean()) / (spread if spread > 0.0 else 1.0)
    matrix = np.column_stack([seen.event.astype(np.float64), scaled, *blocks])
    return matrix, int(seen.event.sum())


def _hazard(fixed: Floats) -> Floats:
    """Column of the cumulative hazard among the predictors that every equation has."""
    return fixed[:, 1:2]


def _chain(
    columns: list[Column], fixed: Floats, iterations: int, donors: int, rng: np.random.Generator
) -> tuple[dict[str, Floats], Floats]:
    """One chain: start from random observed values, then regress each column on all others."""
    current = {c.name: c.values.copy() for c in columns}
    gaps = sorted((c for c in columns if c.missing.any()), key=lambda c: int(c.missing.sum()))
    for c in gaps:
        known = c.values[~c.missing]
        current[c.name][c.missing] = rng.choice(known, int(c.missing.sum()))
    means = np.zeros((iterations, len(gaps)))
    for step in range(iterations):
        for place, c in enumerate(gaps):
            others = [o.design(current[o.name]) for o in columns if o is not c]
            x = np.column_stack([fixed, *others, *(_hazard(fixed) * o for o in others)])
            if c.levels:
                new = draw_factor(x, c.values, c.missing, rng)
            else:
                new = draw_number(x, c.values, c.missing, donors, rng)
            current[c.name][c.missing] = new
            means[step, place] = new.mean()
    return current, means


def impute(
    covariates: Any,
    time: Any,
    event: Any,
    *,
    seed: int,
    m: int = 20,
    iterations: int = 10,
    donors: int = 5,
    entry: Any = None,
    strata: Any = None,
    progress: Progress | None = None,
) -> Imputed:
    """Fill the gaps of covariates m times, by chained equations that know the outcome.

    Use it before a multivariable model when covariates are missing at random given the others and
    the outcome; fit the model to every frame and combine by `rubin`. Needs scikit-learn, the extra
    ``ashworth[imputation]``.

    Parameters
    ----------
    covariates : frame or dict of columns, n rows
        Numbers are imputed by predictive mean matching; text, truth values and numbers with two
        values are factors. None and NaN are gaps.
    time, event, entry : array-like, shape (n,)
        Follow-up, complete; it is never imputed.
    seed : int
        Seed; imputation i is the same whatever `m` is.
    m : int
        Number of imputations; at least the percentage of incomplete patients is a common rule.
    iterations : int
        Rounds through the columns.
    donors : int
        Patients with the closest predicted value, one of whom lends a number.
    strata : array-like, shape (n,), optional
        Labels (centres) that enter every equation as indicators.
    progress : callable, optional
        Called with (label, done, total).

    Returns
    -------
    Imputed
        ``.frames``, ``.table()`` with the missing counts, ``.chain_means``.

    Raises
    ------
    InputError
        All faults of the arguments: a column without any value, a factor with more than 20 levels,
        missing follow-up.
    EstimationError
        Without gaps, or without scikit-learn.

    Notes
    -----
    Every equation has the event indicator, the Nelson-Aalen cumulative hazard at the end of
    follow-up, and its products with the other covariates as predictors (reference 1): imputation
    that ignores the outcome pulls effects towards 0. This is an approximation: a hazard ratio of
    1.8 per standard deviation with 46 % of the values missing was still pulled to 1.7.

    A number's regression draws its coefficients from their posterior (`BayesianRidge`) and lends
    values of donors (reference 2); a factor's (`LogisticRegression`) is fitted to a bootstrap
    sample and its level drawn from the predicted probabilities. Factors are taken without order. An
    interaction that the analysis has and the imputation has not is pulled towards 0.

    References
    ----------
    .. [1] White IR, Royston P (2009). Imputing missing covariate values for the Cox model.
       Stat Med 28:1982-1998.
    .. [2] van Buuren S (2018). Flexible imputation of missing data, 2nd ed. CRC Press.

    Examples
    --------
    >>> grade = ["2", "3", None, "2", "3", "2", None, "3", "2", "3"]
    >>> found = impute({"grade": grade, "age": [51, 62, 48, 70, 55, 59, 66, 45, 52, 61]},
    ...                [5, 8, 12, 3, 9, 14, 7, 2, 11, 6], [1, 1, 0, 1, 1, 0, 1, 1, 0, 1],
    ...                seed=1, m=3)
    >>> found.m, found.complete, found.frames[0]["grade"].null_count()
    (3, 8, 0)
    """
    require_scikit_learn()
    for value, name in ((m, "m"), (iterations, "iterations"), (donors, "donors")):
        check_count(value, name, 2 if name == "m" else 1, 10_000)
    check_count(seed, "seed", 0, 2**63 - 1)
    faults = Faults("impute")
    frame = as_frame(covariates, faults)
    columns = read_columns(frame, faults)
    fixed, events = _outcome(time, event, entry, strata, frame.height, faults)
    demand_missing(columns)
    tell = progress or (lambda *_: None)
    frames, means = [], []
    for i, stream in enumerate(np.random.SeedSequence(seed).spawn(m)):
        tell("imputing", i, m)
        with one_thread():
            filled, trace = _chain(
                columns, fixed, int(iterations), int(donors), np.random.default_rng(stream)
            )
        frames.append(write_columns(frame, columns, filled))
        means.append(trace)
    tell("imputing", m, m)
    gaps = np.stack([c.missing for c in columns])
    options = {
        "m": m, "iterations": iterations, "donors": donors, "seed": seed,
        "entry": entry is not None, "strata": strata is not None,
    }  # fmt: skip
    return Imputed(
        tuple(frames), tuple(c.name for c in columns), tuple(c.kind for c in columns),
        gaps.sum(axis=1), np.array(means), frame.height, events,
        int((~gaps.any(axis=0)).sum()),
        "chained equations with event and Nelson-Aalen hazard", options, __version__,
    )  # fmt: skip
