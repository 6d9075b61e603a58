"""Results as tables."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl


def one_row(result: Any) -> pl.DataFrame:
    """One row of a result's plain fields, in their order."""
    import polars as pl

    values = {field.name: getattr(result, field.name) for field in fields(result)}
    plain = {k: [v] for k, v in values.items() if v is None or isinstance(v, str | int | float)}
    return pl.DataFrame(plain)
