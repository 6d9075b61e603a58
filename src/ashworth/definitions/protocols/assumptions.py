"""What a simulation takes as true: kept apart from the design."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from ashworth.definitions.cases import Model
from ashworth.definitions.models import Identifier
from ashworth.definitions.protocols.quantities import Expression, Name, Sourced

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Value = bool | int | float | str


class Row(Model):
    """One row of a joint table: a share and the values that go with it."""

    share: Share
    values: dict[Name, Value]


class Concentration(Model):
    """True cells per ml over patients, and what a tube shows of them.

    The count is Poisson with mean ``concentration * volume_ml * recovery``. The concentration
    is log-normal over those who have cells, zero for `share_without`; a later draw multiplies it
    by a log-normal change.

    Attributes
    ----------
    median_per_ml, log_sd : float
        Median and standard deviation of the natural logarithm among those with cells.
    share_without : float
        Share of patients without cells.
    of : str or None
        Name of an earlier count of the same patient; the concentration is then that one times the
        change, and `median_per_ml` stays away.
    change_median, change_log_sd : float
        Change from the earlier draw.
    """

    median_per_ml: Positive | None = None
    log_sd: Annotated[float, Field(ge=0)] | None = None
    share_without: Share = 0.0
    of: Name | None = None
    change_median: Annotated[float, Field(ge=0)] | None = None
    change_log_sd: Annotated[float, Field(ge=0)] = 0.0
    volume_ml: Positive = 7.5
    recovery: Annotated[float, Field(gt=0, le=1)] = 1.0

    @model_validator(mode="after")
    def _own_or_of_an_earlier(self) -> Concentration:
        own = self.median_per_ml is not None and self.log_sd is not None
        later = self.of is not None and self.change_median is not None
        if own == later:
            raise ValueError("give median_per_ml and log_sd, or of and change_median")
        return self


class Draw(Sourced):
    """How quantities get their values, in the order of the list.

    Exactly one of: `table` (joint shares), `probability` (a boolean), `uniform`/`normal` (a
    number), `concentration` (a count), `value` (an expression of earlier quantities).

    Attributes
    ----------
    set : tuple of str
        The quantities that are set.
    where : str or None
        Only patients for whom this is true get a value here; others keep what they have, or
        nothing.
    missing : float
        Share of the values that are lost at random.
    """

    set: tuple[Name, ...] = Field(min_length=1)
    where: Expression | None = None
    table: tuple[Row, ...] | None = None
    probability: Share | None = None
    uniform: tuple[float, float] | None = None
    normal: tuple[float, Positive] | None = None
    concentration: Concentration | None = None
    value: Expression | None = None
    missing: Share = 0.0

    @model_validator(mode="after")
    def _one_way(self) -> Draw:
        ways = (
            self.table, self.probability, self.uniform, self.normal, self.concentration, self.value
        )  # fmt: skip
        if sum(w is not None for w in ways) != 1:
            raise ValueError(
                "give one of table, probability, uniform, normal, concentration, value"
            )
        if self.table is None and len(self.set) != 1:
            raise ValueError("only a table sets several quantities at once")
        return self

    @model_validator(mode="after")
    def _table_is_whole(self) -> Draw:
        if self.table is not None:
            if abs(sum(r.share for r in self.table) - 1) > 0.0015:
                raise ValueError("the shares of a table sum to 1")
            if any(sorted(r.values) != sorted(self.set) for r in self.table):
                raise ValueError("every row of a table gives all of set")
        return self


class Hazard(Model):
    """Hazard of one group of patients: by median, or per month in pieces.

    Attributes
    ----------
    when : str or None
        Expression over quantities, derived values, ``arm`` and ``treatment``; None: all others.
    median_months, per_month : float or tuple
    from_month : tuple of float
        Where the pieces of `per_month` begin, the first at 0.
    hazard_ratio : float
        Multiplies the hazard.
    hazard_ratio_from_month : float
        Delay of the effect: before, the ratio is 1.
    """

    when: Expression | None = None
    median_months: Positive | None = None
    per_month: tuple[Annotated[float, Field(ge=0)], ...] = ()
    from_month: tuple[Annotated[float, Field(ge=0)], ...] = (0.0,)
    hazard_ratio: Positive = 1.0
    hazard_ratio_from_month: Annotated[float, Field(ge=0)] = 0.0
    note: str | None = None

    @model_validator(mode="after")
    def _median_or_pieces(self) -> Hazard:
        if (self.median_months is None) == (not self.per_month):
            raise ValueError("give median_months or per_month")
        if self.per_month and len(self.per_month) != len(self.from_month):
            raise ValueError("per_month and from_month have the same length")
        if self.from_month[0] != 0 or list(self.from_month) != sorted(set(self.from_month)):
            raise ValueError("from_month begins at 0 and increases")
        return self


class Success(Model):
    """Probability of a binary success in one group of patients."""

    when: Expression | None = None
    probability: Share
    note: str | None = None


class Outcome(Sourced):
    """How an endpoint comes about: the first case that fits a patient."""

    hazards: tuple[Hazard, ...] = ()
    successes: tuple[Success, ...] = ()
    missing: Share = 0.0

    @model_validator(mode="after")
    def _one_kind(self) -> Outcome:
        if bool(self.hazards) == bool(self.successes):
            raise ValueError("give hazards or successes")
        return self


class Course(Sourced):
    """Accrual, follow-up and drop-out.

    Attributes
    ----------
    randomised : int
        Patients who are allocated (or enter, without randomisation) in a simulated trial.
    accrual_months, follow_up_months : float
    drop_out_per_month : float
        Exponential hazard of loss.
    adherence : dict of str to float
        Arm to the share of patients who get what the arm's policy says; the others get what the
        policy of `adherence_else` says.
    adherence_else : str or None
        Arm whose policy those follow who do not adhere.
    """

    randomised: Annotated[int, Field(gt=0)]
    accrual_months: Positive
    follow_up_months: Annotated[float, Field(ge=0)]
    drop_out_per_month: Annotated[float, Field(ge=0)] = 0.0
    adherence: dict[Identifier, Share] = Field(default_factory=dict)
    adherence_else: Identifier | None = None


class Scenario(Sourced):
    """A named change of the assumptions: outcome cases that replace those of the base."""

    id: Identifier
    title: str
    outcomes: dict[Identifier, Outcome] = Field(default_factory=dict)
    course: Course | None = None


class Assumptions(Sourced):
    """The truth of a simulation; it says nothing about the design.

    Attributes
    ----------
    illustrative : str or None
        Which of the numbers nobody published, in words.
    """

    illustrative: str | None = None
    population: tuple[Draw, ...] = ()
    outcomes: dict[Identifier, Outcome] = Field(default_factory=dict)
    course: Course | None = None
    scenarios: tuple[Scenario, ...] = ()
