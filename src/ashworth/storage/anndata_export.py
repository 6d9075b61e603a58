"""Cells to AnnData, for those who go on in the single-cell world; the package is optional."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs

from ashworth.errors import InputError, Problem
from ashworth.version import __version__

KEY = ("patient_id", "specimen_id", "run_id", "cell_id")
PLACE = ("x_um", "y_um")
LABELS = ("frame", "body_id", "cluster_id")
CALLED = ("caller", "call", "score", "reasons")


def demand_anndata() -> None:
    """Raise `InputError` where the package anndata is not installed."""
    if importlib.util.find_spec("anndata") is None:
        problem = Problem(
            "--anndata", None, None, "no package 'anndata'", "it installed",
            "install it with: pip install anndata, or leave --anndata out",
        )  # fmt: skip
        raise InputError([problem], subject="the installation")


def write_anndata(
    cells: pl.DataFrame,
    calls: pl.DataFrame,
    path: Path,
    *,
    made: Mapping[str, Any] | None = None,
    simulated: bool = False,
) -> Path:
    """Write cells and their calls as an AnnData file.

    Parameters
    ----------
    cells : polars.DataFrame
        Table `cells` with its features.
    calls : polars.DataFrame
        Table `calls` of one caller: a call for each cell.
    path : Path
        ``.h5ad`` file to be made.
    made : mapping, optional
        How the cells were made: texts, numbers and booleans.
    simulated : bool
        Whether the images were simulated.

    Returns
    -------
    Path
        The file. ``X``: numeric features as float32, in the order of `cells`, missing values
        NaN. ``obs`` (index: key parts joined by ``/``): the key, frame, caller, call, score,
        reasons, flags and ids of bodies and clusters. ``obsm["spatial"]``: x and y in um.
        ``uns["ashworth"]``: `made`, version, notice, and the flag ``simulated``.

    Raises
    ------
    InputError
        If anndata is not installed, or the calls do not fit the cells.
    """
    demand_anndata()
    joined = _joined(cells, calls)
    features = cells.select(cs.numeric().exclude(*KEY, *PLACE, *LABELS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = _annotated(joined, features)
        table.uns["ashworth"] = {
            **_storable(made or {}),
            "simulated": simulated,
            "version": __version__,
            "notice": "Research use only. Not a medical device.",
        }
        table.write_h5ad(path)
    return path


def _joined(cells: pl.DataFrame, calls: pl.DataFrame) -> pl.DataFrame:
    """Cells with their call; each must have exactly one."""
    key = list(KEY)
    n_callers = calls["caller"].n_unique()
    lost = cells.join(calls, on=key, how="anti").height
    if n_callers > 1 or calls.select(key).is_duplicated().any() or lost:
        found = f"{n_callers} callers, {lost} of {cells.height} cells without a call"
        problem = Problem("calls", None, "cell_id", found, "one call for each cell",
                          "choose the calls of one caller")  # fmt: skip
        raise InputError([problem], subject="the calls")
    have = [c for c in CALLED if c in calls.columns]
    return cells.join(calls.select(*key, *have), on=key, how="left", maintain_order="left")


def _annotated(joined: pl.DataFrame, features: pl.DataFrame) -> Any:
    """Put the columns into their places."""
    import anndata
    import pandas as pd

    flags = joined.select(cs.boolean()).columns
    names = [n for n in (*KEY, *LABELS, *CALLED, *flags) if n in joined.columns]
    index = joined.select(pl.concat_str(KEY, separator="/")).to_series().to_list()
    obs = pd.DataFrame({n: _column(joined[n]) for n in names}, index=pd.Index(index, dtype=object))
    matrix = features.cast(pl.Float32).fill_null(float("nan")).to_numpy()
    var = pd.DataFrame(index=pd.Index(features.columns, dtype=object))
    table = anndata.AnnData(X=np.ascontiguousarray(matrix, np.float32), obs=obs, var=var)
    table.obsm["spatial"] = joined.select(PLACE).cast(pl.Float64).to_numpy()
    return table


def _column(values: pl.Series) -> Any:
    """One column for pandas: texts as categories, numbers with gaps as floats."""
    import pandas as pd

    if values.dtype == pl.String:
        return pd.Categorical(values.to_list())
    if values.null_count() or values.dtype.is_float():
        return values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return values.to_numpy()


def _storable(made: Mapping[str, Any]) -> dict[str, Any]:
    """Texts, numbers and booleans only; HDF5 holds no None."""
    return {k: v if isinstance(v, (bool, int, float)) else str(v) for k, v in made.items()}
