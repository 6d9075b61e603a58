"""Tables to Parquet and CSV, the same bytes for the same table."""

from __future__ import annotations

from pathlib import Path

import polars as pl


def write_table(frame: pl.DataFrame, folder: Path, name: str) -> tuple[Path, Path]:
    """Write `<name>.parquet` and `<name>.csv` into a folder.

    Parameters
    ----------
    frame : polars.DataFrame
        Rows in the order of their key.
    folder : Path
        Existing folder.
    name : str
        File name without ending.

    Returns
    -------
    tuple of Path
        The Parquet file and the CSV file (UTF-8, comma, decimal point, header).
    """
    parquet, csv = folder / f"{name}.parquet", folder / f"{name}.csv"
    frame.write_parquet(parquet, compression="zstd", statistics=False)
    frame.write_csv(csv, line_terminator="\n")
    return parquet, csv
