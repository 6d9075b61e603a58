"""Cells as AnnData: what stands where, and what is refused."""

import numpy as np
import polars as pl
import pytest

from ashworth.errors import InputError
from ashworth.storage import anndata_export, write_anndata

KEY = ["patient_id", "specimen_id", "run_id", "cell_id"]


def tables(n=4):
    key = {"patient_id": ["p"] * n, "specimen_id": ["s"] * n, "run_id": ["1"] * n,
           "cell_id": [f"0001-{k:04d}" for k in range(n)]}  # fmt: skip
    cells = pl.DataFrame(
        key
        | {
            "frame": [1, 1, 2, 2],
            "x_um": [1.5, 2.5, 3.5, 4.5],
            "y_um": [10.0, 20.0, 30.0, 40.0],
            "area_um2": [50.25, 60.0, None, 80.0],
            "n_spots": [1, 2, 3, 4],
            "border": [True, False, False, True],
            "saturated": [None, False, False, True],
            "body_id": [0, 0, 7, 7],
            "cluster_id": [None, None, "0002-c7", "0002-c7"],
        }
    )
    calls = pl.DataFrame(
        key
        | {
            "caller": ["gates@1"] * n,
            "call": ["leukocyte", "artefact", "ctc", "ctc"],
            "score": [0.5, None, 0.75, 0.9],
            "reasons": ["a", "b", "c", "d"],
        }
    )
    return cells, calls


@pytest.fixture
def read(tmp_path):
    anndata = pytest.importorskip("anndata")

    def back(*given, **options):
        path = write_anndata(*given, tmp_path / "cells.h5ad", **options)
        return anndata.read_h5ad(path)

    return back


@pytest.mark.filterwarnings("ignore:::anndata")
def test_everything_comes_back(read):
    cells, calls = tables()
    given = {"assay": "cellsearch-ctc", "pixel_size_um": 0.64, "reason": None}
    table = read(cells, calls.reverse(), simulated=True, made=given)
    assert list(table.var_names) == ["area_um2", "n_spots"]
    assert table.X.dtype == np.float32
    np.testing.assert_array_equal(table.X, [[50.25, 1], [60, 2], [np.nan, 3], [80, 4]])
    np.testing.assert_array_equal(table.obsm["spatial"], cells.select("x_um", "y_um").to_numpy())
    assert list(table.obs_names) == [f"p/s/1/{c}" for c in cells["cell_id"]]
    for name in (*KEY, "frame", "body_id"):
        assert table.obs[name].tolist() == cells[name].to_list()
    for name in ("caller", "call", "reasons"):
        assert table.obs[name].tolist() == calls[name].to_list()
    np.testing.assert_array_equal(table.obs["score"], [0.5, np.nan, 0.75, 0.9])
    assert table.obs["border"].tolist() == [True, False, False, True]
    assert table.obs["cluster_id"].isna().tolist() == [True, True, False, False]
    np.testing.assert_array_equal(table.obs["saturated"], [np.nan, 0, 0, 1])
    made = table.uns["ashworth"]
    assert bool(made["simulated"]) is True
    assert (made["assay"], made["pixel_size_um"]) == ("cellsearch-ctc", 0.64)
    assert made["notice"] == "Research use only. Not a medical device."


@pytest.mark.filterwarnings("ignore:::anndata")
def test_the_same_cells_give_the_same_content(read):
    first, second = read(*tables()), read(*tables())
    np.testing.assert_array_equal(first.X, second.X)
    assert first.obs.equals(second.obs)
    assert bool(first.uns["ashworth"]["simulated"]) is False


@pytest.mark.filterwarnings("ignore:::anndata")
def test_no_cell_at_all(read):
    cells, calls = (t.clear() for t in tables())
    assert read(cells, calls).shape == (0, 2)


def test_calls_that_do_not_fit_are_refused(tmp_path):
    cells, calls = tables()
    other = calls.with_columns(caller=pl.lit("reader"))
    for wrong in (calls.head(3), pl.concat([calls, calls]), pl.concat([calls, other])):
        with pytest.raises(InputError, match="one call for each cell"):
            write_anndata(cells, wrong, tmp_path / "cells.h5ad")
    assert not list(tmp_path.iterdir())


def test_without_the_package_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(anndata_export.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"no package 'anndata'.*pip install anndata"):
        write_anndata(*tables(), tmp_path / "cells.h5ad")
