"""What the package raises and warns.

Every message says what was found, where, what is allowed and how to mend it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in the input: where it is, what was found, what is allowed, how to mend it.

    Attributes
    ----------
    table : str
        Table or file, e.g. ``"counts"`` or ``"study.toml"``.
    row : int or None
        Line of the file (the header is line 1), or None when the fault is not in one row.
    column : str or None
        Column, or dotted key of a settings file.
    found : str
        The offending value as it stands in the input.
    allowed : str
        What is allowed there.
    remedy : str
        How to mend it.
    """

    table: str
    row: int | None
    column: str | None
    found: str
    allowed: str
    remedy: str

    def __str__(self) -> str:
        """One line: place, value, what is allowed, remedy."""
        place = self.table
        if self.row is not None:
            place += f", row {self.row}"
        if self.column is not None:
            place += f", column '{self.column}'"
        return f"{place}: found {self.found}; allowed: {self.allowed}; mend: {self.remedy}"


class AshworthError(Exception):
    """Base class of all errors that the package raises on purpose."""


class InputError(AshworthError):
    """Bad input: carries every `Problem` that was found, not only the first.

    Attributes
    ----------
    problems : tuple of Problem
        All faults, in the order of table, row and column. The message shows the first 50 of
        each table and column and counts the rest.
    subject : str
        What the problems are in.
    """

    def __init__(self, problems: Sequence[Problem], *, subject: str = "the input") -> None:
        self.problems, self.subject = tuple(problems), subject
        count = len(self.problems)
        head = f"{count} problem{'' if count == 1 else 's'} in {subject}:"
        super().__init__("\n".join([head, *(f"- {line}" for line in _grouped(self.problems))]))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by problems and subject, so that it crosses processes."""
        return partial(type(self), subject=self.subject), (self.problems,)


_SHOWN = 50


def _grouped(problems: Sequence[Problem]) -> list[str]:
    """One line per problem; beyond the first 50 of a table and column a line that counts."""
    seen: dict[tuple[str, str | None], int] = {}
    lines = []
    for problem in problems:
        place = (problem.table, problem.column)
        seen[place] = seen.get(place, 0) + 1
        if seen[place] <= _SHOWN:
            lines.append(str(problem))
    for (table, column), count in seen.items():
        if count > _SHOWN:
            where = table if column is None else f"{table}, column '{column}'"
            lines.append(f"{where}: {count - _SHOWN} more of the same column")
    return lines


class DefinitionError(AshworthError):
    """A definition that is malformed, unknown or contradicts itself."""


class ImmortalTimeError(AshworthError):
    """A later status on an earlier clock: the patient had to live to be classified."""


class EstimationError(AshworthError):
    """An estimator that cannot answer on these data, and why."""


class AshworthWarning(UserWarning):
    """Base class of all warnings of the package."""


class MonotoneLikelihoodWarning(AshworthWarning):
    """A Cox coefficient is infinite: the partial likelihood has no maximum."""


class NotEstimableWarning(AshworthWarning):
    """A coefficient cannot be estimated (constant or collinear covariate) and is NaN."""


class FewEventsWarning(AshworthWarning):
    """A model has more covariates than events."""


class DefinitionFileError(DefinitionError):
    """Definition files with faults: carries every `Problem`, with file, line and key path."""

    def __init__(self, problems: Sequence[Problem], *, subject: str) -> None:
        self.problems, self.subject = tuple(problems), subject
        count = len(self.problems)
        head = f"{count} problem{'' if count == 1 else 's'} in {subject}:"
        super().__init__("\n".join([head, *(f"- {line}" for line in _grouped(self.problems))]))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by problems and subject, so that it crosses processes."""
        return partial(type(self), subject=self.subject), (self.problems,)


class FrameError(AshworthError):
    """A frame whose pixels cannot be read; its sample is not evaluable.

    Attributes
    ----------
    file : str
        Path of the file inside the image folder.
    frame : int
        Number of the frame.
    fault : str
        What is wrong with it.
    """

    def __init__(self, file: str, frame: int, fault: str) -> None:
        self.file, self.frame, self.fault = file, frame, fault
        super().__init__(f"{file} (frame {frame}): {fault}")

    def __reduce__(self) -> tuple[type[FrameError], tuple[str, int, str]]:
        """Pickle by the arguments, so that it crosses processes."""
        return type(self), (self.file, self.frame, self.fault)
