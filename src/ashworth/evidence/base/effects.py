"""What the evidence base answers: statistics with their study, as the `effects` table."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from ashworth.definitions.evidence_models import Cutoff, Statistic, Study
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

Ratio = Literal["hazard_ratio", "risk_ratio", "odds_ratio", "rate_ratio", "mortality_ratio"]
RATIOS: tuple[str, ...] = get_args(Ratio)


@dataclass(frozen=True, slots=True)
class FoundStatistic:
    """A statistic and the study it belongs to.

    Attributes
    ----------
    study : Study
    statistic : Statistic
    """

    study: Study
    statistic: Statistic

    @property
    def cutoff(self) -> Cutoff | None:
        """Its own cut-off, else the study's."""
        return self.statistic.cutoff or self.study.cutoff

    @property
    def volume_ml(self) -> float | None:
        """Volume of blood: its own, that of its own cut-off, else the study's."""
        own = self.statistic.cutoff
        per_ml = own.per_ml if own and self.study.specimen == "blood" else None
        return self.statistic.volume_ml or per_ml or self.study.volume_ml

    @property
    def standard_error(self) -> float | None:
        """Standard error from the limits at their level: of the logarithm for a ratio."""
        s = self.statistic
        if s.lower is None or s.upper is None or s.level is None:
            return None
        if s.measure in RATIOS:
            return None if s.lower <= 0 else math.log(s.upper / s.lower) / _width(s.level)
        return (s.upper - s.lower) / _width(s.level) if s.measure == "difference" else None


@dataclass(frozen=True, slots=True)
class Effects:
    """Statistics that answer a question to the evidence base.

    Attributes
    ----------
    found : tuple of FoundStatistic
        In order of study and of the study's file.
    unverified_left_out : int
        Statistics that match but are from memory, and so are not among `found`.
    n : int
        Number of statistics; `n_studies` of studies, `n_cohorts` of cohorts.
    options : dict
        The question.

    Examples
    --------
    >>> from ashworth.evidence import find
    >>> answer = find(outcome="os", setting="metastatic", marker="ctc", measure="hazard_ratio")
    >>> answer.summary()
    '2 statistics of 2 studies (2 cohorts); 3 unverified left out'
    """

    found: tuple[FoundStatistic, ...]
    unverified_left_out: int
    options: dict[str, Any]
    n: int = field(init=False)
    n_studies: int = field(init=False)
    n_cohorts: int = field(init=False)
    method: str = "statistics of the evidence base that bear the words of the question"
    version: str = __version__

    def __post_init__(self) -> None:
        """Count what was found."""
        object.__setattr__(self, "n", len(self.found))
        object.__setattr__(self, "n_studies", len({f.study.id for f in self.found}))
        object.__setattr__(self, "n_cohorts", len({f.study.cohort for f in self.found}))

    def __iter__(self) -> Iterator[FoundStatistic]:
        """Go through the statistics."""
        return iter(self.found)

    def __len__(self) -> int:
        """Count the statistics."""
        return self.n

    def summary(self) -> str:
        """Say in one sentence what was found and what was left out."""
        left = self.unverified_left_out
        tail = f"; {left} unverified left out" if left else ""
        if not self.found:
            return f"no verified record{tail}" if left else "no record"
        return f"{self.n} statistics of {self.n_studies} studies ({self.n_cohorts} cohorts){tail}"

    def table(self) -> pl.DataFrame:
        """Give the `effects` table, one row per statistic.

        ``estimate``, ``lower`` and ``upper`` stand as printed. ``standard_error`` is computed from
        the limits at their ``level``; where ``scale`` is "ratio" it is that of the natural
        logarithm. A statistic that prints numbers of its groups only has no estimate: `groups`
        holds them.
        """
        import polars as pl

        return pl.DataFrame([_row(f) for f in self.found], schema=_columns(_COLUMNS))

    def groups(self) -> pl.DataFrame:
        """Give the arms and groups of the statistics, one row per group."""
        import polars as pl

        rows = [
            {"study": f.study.id, "statistic": f.statistic.id, "group": group.label}
            | group.model_dump(exclude={"label"})
            for f in self.found
            for group in f.statistic.groups
        ]
        return pl.DataFrame(rows, schema=_columns(_GROUP_COLUMNS))


_COLUMNS = {
    "study": "String", "statistic": "String", "label": "String", "measure": "String",
    "outcome": "String", "contrast": "String", "marker": "String", "setting": "String",
    "specimen": "String", "population": "String", "model": "String", "document": "String",
    "document_version": "String", "estimate": "Float64", "lower": "Float64", "upper": "Float64",
    "level": "Float64", "standard_error": "Float64", "scale": "String", "p_relation": "String",
    "p_value": "Float64", "events": "Int64", "n": "Int64", "cutoff": "String",
    "volume_ml": "Float64", "timepoint": "String", "adjustment": "String", "origin": "String",
    "cohort": "String", "contains": "String",
}  # fmt: skip
_GROUP_COLUMNS = {
    "study": "String", "statistic": "String", "group": "String", "events": "Int64", "n": "Int64",
    "person_years": "Float64", "value": "Float64", "lower": "Float64", "upper": "Float64",
}  # fmt: skip
_SAME = ("label", "measure", "outcome", "contrast", "marker", "population", "model", "document",
         "document_version", "lower", "upper", "level", "events", "n", "timepoint", "adjustment",
         "origin")  # fmt: skip


def _columns(names: dict[str, str]) -> dict[str, Any]:
    import polars as pl

    return {name: getattr(pl, kind) for name, kind in names.items()}


def _row(f: FoundStatistic) -> dict[str, Any]:
    s = f.statistic
    return {
        "study": f.study.id,
        "statistic": s.id,
        "setting": s.setting or f.study.setting,
        "specimen": f.study.specimen,
        "estimate": s.value,
        "standard_error": f.standard_error,
        "scale": _scale(s),
        "p_relation": s.p.relation if s.p else None,
        "p_value": s.p.value if s.p else None,
        "cutoff": f.cutoff.text if f.cutoff else None,
        "volume_ml": f.volume_ml,
        "cohort": f.study.cohort,
        "contains": ", ".join(f.study.contains),
        **{name: getattr(s, name) for name in _SAME},
    }


def _scale(s: Statistic) -> str:
    return "ratio" if s.measure in RATIOS else s.unit or "number"


def _width(level: float) -> float:
    """Give the width of an interval in standard errors."""
    from scipy.special import ndtri

    return 2 * float(ndtri(0.5 + level / 2))
