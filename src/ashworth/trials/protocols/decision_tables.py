"""Decision tables: for every combination of what decides, where it leads or what is given."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ashworth.definitions.protocols.flow import Decide
from ashworth.trials.language.columns import Column
from ashworth.trials.language.typed import Apply, Typed
from ashworth.trials.protocols.executable import Executable
from ashworth.trials.protocols.representatives import representative_patients
from ashworth.trials.protocols.route_columns import ColumnRouter

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class DecisionTable:
    """Rows of conditions and answers.

    Attributes
    ----------
    title : str
    conditions, answers : tuple of str
        Headings of the columns.
    rows : tuple of tuple of str
        Conditions, then answers.
    """

    title: str
    conditions: tuple[str, ...]
    answers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def table(self) -> pl.DataFrame:
        """The rows with their headings."""
        import polars as pl

        heads = (*self.conditions, *self.answers)
        return pl.DataFrame(list(self.rows), schema=dict.fromkeys(heads, pl.String), orient="row")


def decision_tables(trial: Executable) -> tuple[DecisionTable, ...]:
    """Give the table of every decision node, and one of the arms' policies.

    Examples
    --------
    >>> from ashworth.trials import load_protocol
    >>> decision_tables(load_protocol("stic-ctc"))[-1].rows[0]
    ('chemotherapy', 'false', 'chemotherapy', 'endocrine therapy')
    """
    nodes = [n for n in trial.protocol.flow if isinstance(n, Decide)]
    policies = _policies(trial)
    return (*(_decision(trial, node) for node in nodes), *([policies] if policies else []))


def _decision(trial: Executable, node: Decide) -> DecisionTable:
    rows = [(case.when, _target(trial, case.next)) for case in node.cases]
    if node.otherwise is not None:
        rows.append(("otherwise", _target(trial, node.otherwise)))
    return DecisionTable(node.title, ("if",), ("then",), tuple(rows))


def _target(trial: Executable, id: str) -> str:
    return f"{trial.nodes[id].title} [{id}]"


def _policies(trial: Executable) -> DecisionTable | None:
    """What each arm gives, for every combination of the names that the policies read."""
    arms = tuple(trial.protocol.arms)
    formulas = [trial.formula("arms", arm, "give") for arm in arms]
    names = list(dict.fromkeys(n for f in formulas for n in f.names()))
    if not all(_tells(trial, n) for n in names):
        return _written_policies(trial)
    router = ColumnRouter(trial)
    behind = list(dict.fromkeys(q for n in names for q in trial.quantities_of.get(n, (n,))))
    columns, n, _ = representative_patients(trial, behind, router.codes)
    values = router.derive(columns, n)
    given = [router.treatment(arm, values, n) for arm in arms]
    texts = router.codes.texts()
    cells = [[_cell(c, i, texts) for c in (*(values[m] for m in names), *given)] for i in range(n)]
    rows = tuple(sorted({tuple(row) for row in cells}))
    return DecisionTable("Treatment by arm", tuple(names), arms, rows)


def _tells(trial: Executable, name: str) -> bool:
    return trial.scope[name].sort in ("boolean", "category")


def _cell(column: Column, row: int, texts: tuple[str, ...]) -> str:
    if not column.known[row]:
        return "unknown"
    value = column.values[row]
    if isinstance(value, np.bool_):
        return "true" if value else "false"
    return texts[int(value)]


def _written_policies(trial: Executable) -> DecisionTable:
    rows = []
    for name, arm in trial.protocol.arms.items():
        for condition, treatment in _branches(trial.formula("arms", name, "give").typed, arm.give):
            rows.append((name, condition, treatment))
    return DecisionTable("Treatment by arm", ("arm", "if"), ("give",), tuple(rows))


def _branches(expression: Typed, text: str) -> Iterable[tuple[str, str]]:
    """Yield condition and treatment of a policy, from the first to the last choice."""
    while isinstance(expression, Apply) and expression.operator == "if":
        condition, yes, no = expression.operands
        yield _said(condition, text), _said(yes, text)
        expression = no
    yield "otherwise", _said(expression, text)


def _said(expression: Typed, text: str) -> str:
    return text[expression.span.start : expression.span.end].strip("'")
