"""Run replicates of a design: the same bits on any number of threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ashworth.trials.faults import Faults
from ashworth.trials.random_numbers.philox import key_of
from ashworth.trials.simulation.design import SurvivalDesign
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]
COLUMNS = (
    "statistic", "score_variance", "events_control", "events_experimental", "entered_control",
    "entered_experimental", "day", "log_hazard_ratio", "information",
)  # fmt: skip
CHUNK = 100
Engine = Literal["days", "exact", "exact_whole_days"]
_NUMBERS = "Philox 4x32-10 by replicate, patient and purpose; log-rank score"
METHODS = {
    "days": f"simulated; whole days; {_NUMBERS}",
    "exact": f"simulated; continuous time; {_NUMBERS} over sorted times",
    "exact_whole_days": f"simulated; whole days; {_NUMBERS} over sorted times",
}


@dataclass(frozen=True, slots=True)
class SimulatedLooks:
    """What every replicate shows at every look.

    Attributes
    ----------
    values : ndarray, shape (replicates, looks, 9)
        Columns as in `COLUMNS`. The statistic is negative when the experimental arm has fewer
        events than the null hypothesis expects.
    first : int
        Number of the first replicate.
    """

    values: Floats
    first: int
    seed: int
    scenario: str
    design: SurvivalDesign
    method: str
    version: str = __version__

    def column(self, name: str) -> Floats:
        """One column, shape (replicates, looks)."""
        return self.values[..., COLUMNS.index(name)]

    @property
    def events(self) -> Floats:
        """Events of both arms, shape (replicates, looks)."""
        return self.column("events_control") + self.column("events_experimental")

    def table(self) -> pl.DataFrame:
        """One row per replicate and look."""
        import polars as pl

        replicates, looks = self.values.shape[:2]
        keys = {
            "replicate": np.repeat(np.arange(self.first, self.first + replicates), looks),
            "look": np.tile(np.arange(1, looks + 1), replicates),
        }
        rows = self.values.reshape(-1, len(COLUMNS))
        return pl.DataFrame(keys | {name: rows[:, i] for i, name in enumerate(COLUMNS)})


def simulate_survival(
    design: SurvivalDesign,
    *,
    replicates: int,
    seed: int,
    scenario: str = "base",
    first: int = 0,
    estimate: bool = True,
    engine: Engine = "days",
    groups: NDArray[np.int16] | None = None,
    arms: NDArray[np.uint8] | None = None,
) -> SimulatedLooks:
    """Simulate a two-arm trial many times.

    Parameters
    ----------
    design : SurvivalDesign
    replicates : int
        Number of trials.
    seed : int
        Study seed, 0 or more.
    scenario : str
        Name of the scenario; another name, other numbers.
    first : int
        Number of the first replicate: replicate 17 alone equals replicate 17 of a thousand.
    estimate : bool
        Whether to estimate the hazard ratio (Cox, Breslow's ties) as well.
    engine : {"days", "exact", "exact_whole_days"}
        Histograms of whole days, compiled; or the same uniform numbers in continuous time, over
        sorted times, some hundred times slower: a check. The third rounds to days and then
        sorts: it gives the numbers of the first by another way.
    groups, arms : ndarray, shape (replicates, n), optional
        Hazard group and arm of every patient; by default group = arm, in balanced blocks.

    Raises
    ------
    InputError
        All faults at once.

    Examples
    --------
    >>> from ashworth.trials import survival_design
    >>> design = survival_design(n=60, hazard_ratio=0.5, control_median_months=6,
    ...     accrual_months=12, follow_up_months=6)
    >>> many = simulate_survival(design, replicates=20, seed=1)
    >>> alone = simulate_survival(design, replicates=1, seed=1, first=17)
    >>> bool((alone.values[0] == many.values[17]).all())
    True
    """
    check_run(replicates, seed, first)
    faults = Faults("simulation")
    faults.one_of("engine", engine, tuple(METHODS))
    faults.refuse()
    arms = design.arms()[None] if arms is None else np.ascontiguousarray(arms, dtype=np.uint8)
    groups = arms.astype(np.int16) if groups is None else np.ascontiguousarray(groups, np.int16)
    out = np.full((replicates, len(design.looks), len(COLUMNS)), np.nan)
    if engine == "days":
        _by_days(design, seed, scenario, first, arms, groups, estimate=estimate, out=out)
    else:
        from ashworth.trials.simulation.exact_times import exact_looks

        exact_looks(design, seed, scenario, first, arms, groups, estimate=estimate,
                    whole_days=engine == "exact_whole_days", out=out)  # fmt: skip
    return SimulatedLooks(out, first, seed, scenario, design, METHODS[engine])


def _by_days(
    design: SurvivalDesign, seed: int, scenario: str, first: int, arms: NDArray[np.uint8],
    groups: NDArray[np.int16], *, estimate: bool, out: Floats,
) -> None:  # fmt: skip
    from ashworth.trials.simulation.day_kernels import simulate_block

    key0, key1 = key_of(seed, scenario)
    hazards = design.hazards
    simulate_block(
        np.uint32(key0), np.uint32(key1), first, groups, arms, hazards.cumulative, hazards.starts,
        hazards.waits, np.asarray(design.accrual_edges), np.asarray(design.accrual_share),
        design.drop_out, np.asarray(design.looks, dtype=np.int64), design.latest,
        design.null_hazard_ratio, estimate, CHUNK, out,
    )  # fmt: skip


def check_run(replicates: Any, seed: Any, first: Any = 0) -> None:
    """Refuse a number of replicates or a seed that is none."""
    faults = Faults("simulation")
    faults.whole("replicates", replicates, least=1)
    faults.whole("seed", seed, least=0)
    faults.whole("first", first, least=0)
    faults.refuse()
