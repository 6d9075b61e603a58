"""Conditions on columns, as data."""

from __future__ import annotations

from pydantic import model_validator

from ashworth.definitions.cases import Model, Scalar


class Condition(Model):
    """A condition on columns, as data: one test of a column, or all, any or not of others."""

    column: str | None = None
    one_of: tuple[Scalar, ...] | None = None
    at_least: float | None = None
    at_most: float | None = None
    all_of: tuple[Condition, ...] | None = None
    any_of: tuple[Condition, ...] | None = None
    none_of: tuple[Condition, ...] | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Condition:
        tests = [t is not None for t in (self.one_of, self.at_least, self.at_most)]
        joins = [j is not None for j in (self.all_of, self.any_of, self.none_of)]
        leaf = self.column is not None and any(tests) and not any(joins)
        branch = self.column is None and not any(tests) and sum(joins) == 1
        if not (leaf or branch):
            raise ValueError(
                "give column with one_of, at_least or at_most, or one of all_of, any_of, none_of"
            )
        return self

    def columns(self) -> tuple[str, ...]:
        """List the columns that the condition reads, in order of appearance."""
        if self.column is not None:
            return (self.column,)
        parts = self.all_of or self.any_of or self.none_of or ()
        return tuple(dict.fromkeys(c for part in parts for c in part.columns()))
