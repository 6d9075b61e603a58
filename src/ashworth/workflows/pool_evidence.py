"""Pool effects: those of the evidence base that answer a question, or those of a table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ashworth.errors import InputError, Problem
from ashworth.evidence import PooledEffects, find, pool_effects

if TYPE_CHECKING:
    import polars as pl

_NUMBERS = ("estimate", "lower", "upper", "level", "standard_error", "volume_ml")
_TABLES = ("effects", "summary")


@dataclass(frozen=True, slots=True)
class PooledEvidence:
    """A pooled answer with the words for a terminal.

    Attributes
    ----------
    answer : PooledEffects
    source : str
        What was pooled.
    """

    answer: PooledEffects
    source: str

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
        """Write effects.csv, summary.csv and, where there is anything to draw, forest.svg."""
        folder.mkdir(parents=True, exist_ok=True)
        tables: tuple[pl.DataFrame, ...] = (self.answer.table(), self.answer.summary())
        for name, table in zip(_TABLES, tables, strict=True):
            table.write_csv(folder / f"{name}.csv")
        if self.answer.rows or self.answer.left_out:
            from ashworth.workflows.evidence_forests import effects_forest

            title = "Effect" if self.answer.scale == "number" else "Ratio"
            figure = effects_forest(
                self.answer, name="forest", title=self.source, estimate_title=title
            )
            (folder / "forest.svg").write_text(figure.svg(), encoding="utf-8")


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
    **options: Any,
) -> PooledEvidence:
    """Pool a table's effects, or the evidence base's that answer `question`."""
    words = {name: value for name, value in (question or {}).items() if value is not None}
    if (file is None) != bool(words):
        found = "a table and a question" if file else "neither a table nor a question"
        raise InputError(
            [Problem("command", None, "FILE", found, "one of them",
                     "name a CSV table, or ask by --outcome, --setting, ...")],
            subject="the command",
        )  # fmt: skip
    if file is None:
        effects: Any = find(**words, unverified=unverified)
        source = ", ".join(f"{name} {value}" for name, value in words.items())
    else:
        effects, source = _table(file, ratio), file.name
    return PooledEvidence(pool_effects(effects, allow=tuple(allow), **options), source)  # type: ignore[arg-type]


def _table(file: Path, ratio: bool) -> list[dict[str, Any]]:
    """Read the rows of a CSV table; empty cells are missing."""
    import polars as pl

    if not file.is_file():
        raise InputError(
            [Problem(file.name, None, "FILE", "no such file", "a CSV table", "check the path")],
            subject="the command",
        )
    try:
        frame = pl.read_csv(file, infer_schema=False, null_values=["", "NA"])
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        raise InputError(
            [Problem(file.name, None, "FILE", str(error).splitlines()[0], "a CSV table in UTF-8",
                     "save it as CSV with commas and a header")],
            subject="the table",
        ) from error  # fmt: skip
    rows = [_typed(row, ratio) for row in frame.to_dicts()]
    bad = [(i, name, row[name]) for i, row in enumerate(rows, 2) for name in _NUMBERS
           if isinstance(row.get(name), str)]  # fmt: skip
    if bad:
        raise InputError(
            [Problem(file.name, i, name, repr(value), "a number", "use a decimal point")
             for i, name, value in bad],
            subject="the table",
        )  # fmt: skip
    return rows


def _typed(row: dict[str, Any], ratio: bool) -> dict[str, Any]:
    """Turn the cells of number columns into numbers where they are."""
    for name in _NUMBERS:
        try:
            row[name] = None if row.get(name) is None else float(row[name])
        except ValueError:
            continue
    for name in ("events", "n"):
        if str(row.get(name)).isdigit():
            row[name] = int(row[name])
    return {**row, "scale": "ratio"} if ratio else row
