"""Pool effects: those of the evidence base that answer a question, or those of a table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ashworth.errors import InputError, Problem
from ashworth.evidence import PooledEffects, find, pool_effects
from ashworth.evidence.pooling.guards import GUARDS
from ashworth.storage import results_folder, write_run_log
from ashworth.workflows.effects_table import read_effects

if TYPE_CHECKING:
    import polars as pl

_TABLES = ("effects", "summary")


@dataclass(frozen=True, slots=True)
class PooledEvidence:
    """A pooled answer with the words for a terminal.

    Attributes
    ----------
    answer : PooledEffects
    source : str
        What was pooled.
    file : Path or None
        The table; None for the evidence base.
    started : datetime
        When the work began.
    """

    answer: PooledEffects
    source: str
    file: Path | None
    started: datetime

    def to_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        a = self.answer
        summary = a.summary().to_dicts()
        return {
            "source": self.source, "pooled": _plain(summary[0]) if summary else None,
            "reason": a.reason, "effects": [_plain(r) for r in a.table().to_dicts()],
            "n": a.n, "n_cohorts": a.n_cohorts,
            "allowed": [{"guard": o.guard, "found": o.found} for o in a.allowed],
            "left_out": [{"statistic": s, "reason": r} for s, r in a.left_out],
            "messages": list(a.messages), "method": a.method, "options": _plain(a.options),
            "version": a.version,
        }  # fmt: skip

    def lines(self) -> Iterator[str]:
        """Effects, the answer, and all that limits it."""
        a = self.answer
        yield f"{self.source}: {a.n} effects of {a.n_cohorts} independent cohorts"
        for row in a.table().to_dicts():
            name = f"{row['study']}/{row['statistic']}" if row["statistic"] else row["study"]
            weight = "" if row["weight_percent"] is None else f"  {row['weight_percent']:5.1f} %"
            limits = f"{row['effect']:.2f} ({row['lower']:.2f} to {row['upper']:.2f})"
            yield f"  {name:<32} {limits:<24}{weight}"
        yield a.sentence()
        for obstacle in a.allowed:
            yield f"allowed by name, {obstacle.guard}: {obstacle.found}"
        for statistic, reason in a.left_out:
            yield f"left out, {statistic}: {reason}"
        for message in a.messages:
            yield f"note: {message}"

    def write(self, folder: Path) -> None:
        """Write the tables, the run log and, where there is anything to draw, forest.svg."""
        tables: tuple[pl.DataFrame, ...] = (self.answer.table(), self.answer.summary())
        with results_folder(folder) as work:
            for name, table in zip(_TABLES, tables, strict=True):
                table.write_csv(work / f"{name}.csv", line_terminator="\n")
            if self.answer.rows or self.answer.left_out:
                (work / "forest.svg").write_text(self._forest(), encoding="utf-8")
            inputs = [] if self.file is None else [self.file.resolve()]
            base = Path.cwd() if self.file is None else self.file.resolve().parent
            write_run_log(
                work, command="evidence pool", started_at=self.started, inputs=inputs, base=base,
                options={"source": self.source, **self.answer.options},
                notices=self.answer.messages,
            )  # fmt: skip

    def _forest(self) -> str:
        from ashworth.workflows.evidence_forests import effects_forest

        measures = {row.get("measure") for row in self.answer.rows}
        named = str(next(iter(measures)) or "") if len(measures) == 1 else ""
        unnamed = "Effect" if self.answer.scale == "number" else "Ratio"
        title = named.replace("_", " ").capitalize() or unnamed
        return effects_forest(
            self.answer, name="forest", title=self.source, estimate_title=title
        ).svg()


def _plain(row: Any) -> dict[str, Any]:
    """Replace what JSON cannot hold: an undefined number becomes null."""
    return {
        k: None if isinstance(v, float) and not math.isfinite(v) else list(v)
        if isinstance(v, tuple) else v
        for k, v in dict(row).items()
    }  # fmt: skip


def pool_evidence(
    file: Path | None = None,
    *,
    question: dict[str, Any] | None = None,
    allow: Sequence[str] = (),
    unverified: bool = False,
    ratio: bool = False,
    decimal: Literal["point", "comma"] = "point",
    **options: Any,
) -> PooledEvidence:
    """Pool a table's effects, or the evidence base's that answer `question`."""
    started = datetime.now(UTC)
    words = {name: value for name, value in (question or {}).items() if value is not None}
    _check_call(file, words, allow, options.get("level", 0.95))
    if file is None:
        effects: Any = find(**words, unverified=unverified)
        source = ", ".join(f"{name} {value}" for name, value in words.items())
    else:
        effects, source = read_effects(file, ratio=ratio, decimal=decimal), file.name
    answer = pool_effects(effects, allow=tuple(allow), **options)  # type: ignore[arg-type]
    return PooledEvidence(answer, source, file, started)


def _check_call(file: Path | None, words: Any, allow: Sequence[str], level: float) -> None:
    """Refuse a call that cannot be answered, with all its faults."""
    problems = [
        Problem("command", None, "--allow", a, ", ".join(GUARDS), "name one of them")
        for a in allow if a not in GUARDS
    ]  # fmt: skip
    if not 0.0 < level < 1.0:
        problems.append(Problem("command", None, "--level", f"{level:g}", "between 0 and 1",
                                "write 0.95 for 95 %"))  # fmt: skip
    if (file is None) != bool(words):
        found = "a table and a question" if file else "neither a table nor a question"
        remedy = "name a CSV table, or ask by --outcome, --setting, ..."
        problems.append(Problem("command", None, "FILE", found, "one of them", remedy))
    if problems:
        raise InputError(problems, subject="the command")
