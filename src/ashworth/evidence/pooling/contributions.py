"""Which studies make the heterogeneity, and which move the pooled effect: Baujat's two axes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ashworth.evidence.pooling.columns import need
from ashworth.evidence.pooling.result import Pooled
from ashworth.evidence.pooling.sensitivity import leave_one_out
from ashworth.survival.inputs import Floats
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Contributions:
    """Each study's part in the heterogeneity and in the pooled effect.

    Attributes
    ----------
    studies : tuple
    contribution : ndarray, shape (k,)
        Squared Pearson residual.
    influence : ndarray, shape (k,)
        Squared change of the pooled effect without the study, over its variance without it.
    n : int
        Studies; `events` is None.
    method, options, version
    """

    studies: tuple[Any, ...]
    contribution: Floats
    influence: Floats
    n: int
    events: int | None
    method: str
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row per study."""
        import polars as pl

        return pl.DataFrame(
            {"label": [str(s) for s in self.studies], "contribution": self.contribution,
             "influence": self.influence}
        )  # fmt: skip


def contributions(pooled: Pooled) -> Contributions:
    r"""Say how much each study adds to the heterogeneity, and how far it moves the pooled effect.

    When to use it: I2 is large, and you ask which study makes it so; `baujat_figure` draws it.

    Parameters
    ----------
    pooled : Pooled
        What `pool` returned; its options hold.

    Returns
    -------
    Contributions

    Raises
    ------
    EstimationError
        Fewer than three studies.

    Notes
    -----
    With the model without study i marked (i),

    .. math:: x_i = \frac{(y_i - \hat\mu)^2}{v_i + \hat\tau^2},\quad
              z_i = \frac{(\hat\mu - \hat\mu_{(i)})^2}{Var\,\hat\mu_{(i)}}

    The variance is that of the interval chosen (HKSJ or plain). In the fixed-effect model the
    :math:`x_i` add up to Q.

    References
    ----------
    .. [1] Baujat B, Mahé C, Pignon JP, Hill C (2002). A graphical method for exploring
       heterogeneity in meta-analyses: application to a meta-analysis of 65 trials.
       Stat Med 21:2641-2652.

    Examples
    --------
    >>> from ashworth.evidence import pool
    >>> found = pool([0.45, 0.72, 0.10, 0.55], [0.20, 0.25, 0.22, 0.15], tau2_method="FE",
    ...     ci_method="normal")
    >>> parts = contributions(found)
    >>> bool(abs(parts.contribution.sum() - found.q) < 1e-12)
    True
    """
    need("contributions", pooled.n, 3, "leaving one out")
    without = leave_one_out(pooled)
    residual = (pooled.estimates - pooled.estimate) ** 2
    return Contributions(
        pooled.studies, residual / (pooled.standard_errors**2 + pooled.tau2),
        (pooled.estimate - without.estimates) ** 2 / without.standard_errors**2,
        pooled.n, None, "contribution to heterogeneity and influence", pooled.options, __version__,
    )  # fmt: skip
