"""One printed statistic as the checks see it: numbers, their digits, and where they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

_SHOWN = 8
RATIOS = ("hazard_ratio", "risk_ratio", "odds_ratio", "rate_ratio", "mortality_ratio")
SHARES = ("proportion", "survival")
TIME_TO_EVENT = frozenset({
    "os", "dfs", "ddfs", "idfs", "pfs", "bcss", "rfs", "rfi", "drfi", "drfs", "efs", "ttp",
    "relapse", "recurrence", "death", "deaths",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Arm:
    """One group of a statistic.

    Attributes
    ----------
    label : str
    events, n : int, optional
    person_years : float, optional
    value, lower, upper : float, optional
        The group's own estimate with its limits; shares in per cent.
    """

    label: str
    events: int | None = None
    n: int | None = None
    person_years: float | None = None
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    digits: int = 0

    @property
    def counted(self) -> bool:
        """Whether numerator and denominator are known."""
        return self.events is not None and bool(self.n)

    def fraction(self) -> str:
        """Write numerator and denominator: 5/29."""
        return f"{self.events}/{self.n}"


@dataclass(frozen=True, slots=True)
class Record:
    """One printed statistic.

    Attributes
    ----------
    study, id, label : str
        Study, the statistic's own id, what it is.
    measure, outcome, contrast, timepoint, population : str
        As in `ashworth.definitions.Statistic`.
    value, lower, upper, level, standard_error : float, optional
        Ratios on the natural scale, shares in per cent; `standard_error` of a ratio is that of
        its logarithm.
    digits : int
        Decimals of value and limits as printed.
    events, n : int, optional
    arms : tuple of Arm
    p, p_relation, p_test, p_digits
        The printed p-value: number, "=", "<" or ">", named test, its decimals.
    document, document_version, origin : str
    """

    study: str
    id: str
    label: str
    measure: str
    outcome: str = ""
    contrast: str = ""
    timepoint: str = ""
    population: str = ""
    model: str = ""
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    level: float | None = None
    standard_error: float | None = None
    digits: int = 0
    unit: str = ""
    events: int | None = None
    n: int | None = None
    arms: tuple[Arm, ...] = ()
    p: float | None = None
    p_relation: str = "="
    p_test: str = "unknown"
    p_digits: int = 0
    document: str = ""
    document_version: str = ""
    origin: str = ""

    @property
    def limits(self) -> tuple[float, float] | None:
        """Both limits, or None."""
        return None if self.lower is None or self.upper is None else (self.lower, self.upper)

    @property
    def source(self) -> str:
        """Document with its version."""
        return " ".join(x for x in (self.document, self.document_version) if x)

    @property
    def printed_p(self) -> str:
        """The p-value as printed: "p < 0.006"."""
        if self.p is None:
            return ""
        number = f"{self.p:.{self.p_digits}f}" if self.p_digits <= _SHOWN else f"{self.p:g}"
        return f"p {self.p_relation} {number}"

    def interval(self) -> str:
        """Estimate with limits: 1.82 (1.47-2.26)."""
        d = self.digits
        body = "" if self.limits is None else f" ({self.lower:.{d}f}-{self.upper:.{d}f})"
        return f"{self.value:.{d}f}{body}" if self.value is not None else body.strip()


@dataclass(frozen=True, slots=True)
class Denominator:
    """A number of patients that a study records beside its statistics."""

    step: str
    n: int
    document: str


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything that one study prints.

    Attributes
    ----------
    study, title : str
    records : tuple of Record
    denominators : tuple of Denominator
        Steps of the patients' flow.
    plan : mapping of str to str
        What is known of the design.
    """

    study: str
    title: str = ""
    records: tuple[Record, ...] = ()
    denominators: tuple[Denominator, ...] = ()
    plan: Mapping[str, str] = field(default_factory=dict)


def decimals(*values: float | None) -> int:
    """Most decimals with which any of the numbers is written; a final 0 cannot be seen."""
    return max((_decimals(v) for v in values if v is not None), default=0)


def _decimals(value: float) -> int:
    return digits_of(repr(float(value)).removesuffix(".0"))


def digits_of(text: str) -> int:
    """Decimals of a number as it is written: 2 for "2.10", 5 for "1e-5", else 0."""
    try:
        exponent = Decimal(text).as_tuple().exponent
    except InvalidOperation:
        return 0
    return max(0, -exponent) if isinstance(exponent, int) else 0


def dossier(study: Any, *, unverified: bool = False) -> Dossier:
    """Take a study definition apart; unverified numbers only on demand."""
    kept = [s for s in study.statistics if unverified or s.origin != "unverified"]
    steps = [f for f in study.funnel if unverified or f.origin != "unverified"]
    return Dossier(
        study.id,
        study.title,
        tuple(_record(study.id, s) for s in kept),
        tuple(Denominator(f.step, f.n, f.document) for f in steps),
        dict(study.sample_size),
    )


def _record(study: str, s: Any) -> Record:
    p = s.p
    return Record(
        study, s.id, s.label, s.measure, s.outcome or "", s.contrast or "", s.timepoint or "",
        s.population, s.model, s.value, s.lower, s.upper, s.level, None,
        decimals(s.value, s.lower, s.upper), s.unit, s.events, s.n,
        _arms(s.groups),
        None if p is None else p.value, "=" if p is None else p.relation,
        "unknown" if p is None else p.test, 0 if p is None else decimals(p.value),
        s.document, s.document_version, s.origin,
    )  # fmt: skip


def _arms(groups: Any) -> tuple[Arm, ...]:
    """Groups stand side by side with the same decimals: 2.0 beside 21.4, though read as 2."""
    digits = decimals(*(x for g in groups for x in (g.value, g.lower, g.upper)))
    return tuple(
        Arm(g.label, g.events, g.n, g.person_years, g.value, g.lower, g.upper, digits)
        for g in groups
    )
