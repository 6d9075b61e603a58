"""Cells of nuclei, and their features against scikit-image."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.measure import perimeter as reference_perimeter
from skimage.measure import regionprops

from ashworth.imaging import feature_kernels as kernels
from ashworth.imaging.pixel_lists import clipped_means, labelled, median_of, pixel_lists
from ashworth.imaging.seams import drop_doubles
from ashworth.imaging.shape_features import eccentricity, perimeter
from ashworth.imaging.territories import Reach, annuli, cells_of, trim_to_stain

REACH = Reach(ring=2, body=19, gap=3, annulus=5)


def blobs(seed, shape=(90, 120), level=0.8):
    """Labels of random connected regions."""
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.normal(size=shape), 4)
    mask = smooth > level * smooth.std()
    return ndimage.label(mask)[0].astype(np.int32)


@pytest.mark.parametrize("seed", range(5))
def test_shapes_equal_scikit_image(seed):
    labels = blobs(seed)
    n, width = int(labels.max()), labels.shape[1]
    lists = pixel_lists(labels, n)
    for region in regionprops(labels):
        k = region.label
        positions = lists.position[lists.start[k] : lists.start[k + 1]]
        member = np.ones(positions.size, bool)
        assert positions.size == region.area
        alone = np.pad(labels == k, 1)
        x, y = kernels.coordinates(positions, width)
        found = perimeter(member, x, y)
        assert found == pytest.approx(reference_perimeter(alone, neighborhood=4), rel=1e-12)
        ours = eccentricity(member, x, y)
        # scikit-image takes pixels as points; MATLAB, and so ACCEPT, as unit squares.
        major, minor = (value + 1 / 12 for value in region.inertia_tensor_eigvals)
        assert ours == pytest.approx(np.sqrt(1 - minor / major), abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_intensities_equal_scikit_image(seed):
    labels = blobs(seed)
    n, width = int(labels.max()), labels.shape[1]
    rng = np.random.default_rng(seed)
    raw = rng.integers(100, 3000, labels.shape).astype(np.uint16)
    lists, local = pixel_lists(labels, n), np.full(n, 7.0, np.float32)
    above = (raw - 100.0).astype(np.float32)
    parts = kernels.parts(lists.start, lists.position, labels.ravel(), labels.ravel(), width)
    found = kernels.intensities(
        above.ravel(), raw.ravel(), local, lists.start, lists.position, *parts, 2900.0
    )
    for region in regionprops(labels, intensity_image=above):
        row = found[region.label - 1]
        assert row[0] == pytest.approx(region.intensity_mean - 7, rel=1e-6)
        assert row[1] == pytest.approx(region.intensity_max - 7)
        assert row[2] == pytest.approx(row[0])
        values = raw[labels == region.label]
        assert row[4] == pytest.approx(values.std() / row[0], rel=1e-5)
        assert row[5] == pytest.approx((values >= 2900).mean())


def test_accept_features_follow_their_definitions():
    labels = np.zeros((40, 50), np.int32)
    labels[5:25, 5:30], labels[30:38, 10:40] = 1, 2
    nuclei = np.zeros_like(labels)
    nuclei[8:14, 8:18] = 1
    rng = np.random.default_rng(4)
    smooth = rng.uniform(0, 20, labels.shape).astype(np.float32)
    raw = rng.integers(50, 400, labels.shape).astype(np.uint16)
    lists = pixel_lists(labels, 2)
    inner, _ = kernels.parts(lists.start, lists.position, labels.ravel(), nuclei.ravel(), 50)
    x, y = kernels.coordinates(lists.position, 50)
    found = kernels.accept_features(
        smooth.ravel(), raw.ravel(), lists.start, lists.position, x, y, inner, 9.0, 120.0, 0.64**2
    )
    for k in (1, 2):
        mask = (labels == k) & (smooth > 9)
        values = np.clip(raw[mask] - 120.0, 0, None)
        row = dict(zip(kernels.ACCEPT, found[k - 1], strict=True))
        assert row["MeanIntensity"] == pytest.approx(values.mean())
        assert row["MaxIntensity"] == values.max()
        assert row["MedianIntensity"] == pytest.approx(np.median(values))
        assert row["StandardDeviation"] == pytest.approx(values.std(ddof=1))
        assert row["Mass"] == pytest.approx(values.sum())
        assert row["Size"] == pytest.approx(mask.sum() * 0.64**2)
        assert row["P2A"] == pytest.approx(row["Perimeter"] ** 2 / (4 * np.pi * mask.sum()))
    overlay = (smooth[nuclei == 1] > 9).mean()
    assert found[0, 9] == pytest.approx(overlay)
    assert found[1, 9] == 0.0


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=400))
def test_median_equals_numpy(values):
    array = np.array(values, np.float32)
    assert median_of(array.copy()) == pytest.approx(float(np.median(array)), rel=1e-6, abs=1e-6)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(100, 700), st.sampled_from([1, 30, 60000]))
def test_median_of_many_values_equals_numpy(seed, n, highest):
    array = np.random.default_rng(seed).integers(0, highest, n).astype(np.float32)
    array[0] = 65535
    assert median_of(array.copy()) == np.median(array)


@pytest.mark.parametrize("shape", [(7, 9), (16, 24), (31, 3), (1, 5)])
def test_labelled_pixels_are_those_that_are_not_zero(shape):
    labels = (np.random.default_rng(2).random(shape) < 0.1).astype(np.int32)
    labels[-1, -1] = 4
    assert labelled(labels).tolist() == np.flatnonzero(labels).tolist()


def test_local_background_is_finer_than_the_pixels_and_robust():
    rng = np.random.default_rng(6)
    truth, step = 203.0, 16
    coarse = (np.round(rng.normal(truth, 7, 4000) / step) * step).astype(np.float32)
    coarse[:600] = 2000
    lists = pixel_lists(np.ones((1, 4000), np.int32), 1)
    raw = coarse.astype(np.uint16) + 100
    found, level = clipped_means(coarse, raw, lists.start, lists.position, 25.0)
    assert found[0] == pytest.approx(truth, abs=1.5)
    assert level[0] == pytest.approx(found[0] + 100, abs=0.01)


def test_a_label_without_pixels_has_no_local_background():
    labels = np.array([[1, 0, 3]], np.int32)
    lists = pixel_lists(labels, 3)
    raw = np.array([5, 6, 7], np.uint16)
    found, _ = clipped_means(raw.astype(np.float32), raw, lists.start, lists.position, 1.0)
    assert found[[0, 2]].tolist() == [5.0, 7.0]
    assert np.isnan(found[1])


@pytest.mark.parametrize("level", [0, 3])
def test_unlabelled_median_equals_numpy(level):
    rng = np.random.default_rng(8)
    raw = rng.integers(0, 9, (41, 30)).astype(np.uint16)
    cells = rng.integers(0, 3, raw.shape).astype(np.int32) + level
    free = raw[::4, ::4][cells[::4, ::4] == 0]
    expected = np.median(free if level == 0 else raw[::4, ::4])
    assert kernels.median_at(raw[::4, ::4].ravel(), kernels.unlabelled(cells, 4)) == expected


def disc(y, x, radius, shape=(120, 160)):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def test_every_nucleus_gets_a_ring_and_its_body():
    nuclei = np.zeros((120, 160), np.int32)
    nuclei[disc(40, 40, 6)], nuclei[disc(80, 110, 6)] = 1, 2
    body = disc(42, 42, 12).astype(np.uint8)
    cells, bodies = cells_of(nuclei, body, reach=REACH, smallest_px=20)
    assert (cells[body > 0] == 1).all()
    ring = (cells == 2) & (nuclei == 0)
    assert ring.sum() == pytest.approx(np.pi * (8**2 - 6**2), rel=0.25)
    assert bodies.max() == 1


def test_two_nuclei_share_a_body_by_distance():
    nuclei = np.zeros((120, 160), np.int32)
    nuclei[disc(60, 60, 5)], nuclei[disc(60, 84, 5)] = 1, 2
    body = (disc(60, 60, 12) | disc(60, 84, 12)).astype(np.uint8)
    cells, _ = cells_of(nuclei, body, reach=REACH, smallest_px=20)
    left, right = (cells == 1).sum(), (cells == 2).sum()
    assert left == pytest.approx(right, rel=0.1)
    assert set(np.unique(cells[body > 0])) == {1, 2}


def test_a_body_without_nucleus_is_a_cell_of_its_own_unless_it_is_tiny():
    body = (disc(30, 30, 6) | disc(90, 100, 2)).astype(np.uint8)
    cells, _ = cells_of(np.zeros((120, 160), np.int32), body, reach=REACH, smallest_px=20)
    assert cells.max() == 1
    assert (cells == 1).sum() == disc(30, 30, 6).sum()


def test_the_halo_of_a_bright_cell_is_given_back():
    stain = (800 * np.exp(-((np.hypot(*(np.mgrid[:60, :60] - 30))) ** 2) / 60)).astype(np.float32)
    cells = (stain > 10).astype(np.int32)
    before = cells.sum()
    trim_to_stain(cells, np.zeros_like(cells), stain, threshold=10.0)
    kept = stain[cells == 1]
    assert cells.sum() < before
    assert kept.min() > 0.3 * np.quantile(stain[stain > 10], 0.75)


def test_the_local_background_leaves_out_what_is_stained():
    cells = np.zeros((120, 160), np.int32)
    cells[disc(60, 60, 8)] = 1
    stains = np.zeros((2, 120, 160), np.float32)
    stains[1, :, 70:] = 6
    ring = annuli(cells, stains, [5.0, 5.0], reach=REACH)
    inside = np.transpose(np.unravel_index(ring.position, cells.shape))
    assert ring.area_px.tolist() == [len(inside)]
    distance = np.hypot(*(inside - 60).T)
    assert distance.min() > 8 + 2
    assert distance.max() < 8 + 9
    assert inside[:, 1].max() < 70


def test_doubles_over_a_seam_are_dropped_whatever_their_order():
    rng = np.random.default_rng(5)
    place = rng.uniform(0, 3000, (80, 2))
    first = pl.DataFrame(
        {"frame": 1, "x_um": place[:, 0], "y_um": place[:, 1], "diameter_um": 9.0, "border": True}
    )
    second = first.with_columns(frame=pl.lit(2), x_um=pl.col("x_um") + 0.3, diameter_um=pl.lit(8.9))
    both = pl.concat([first, second])
    for seed in range(3):
        mixed = both.sample(fraction=1.0, shuffle=True, seed=seed)
        left = drop_doubles(mixed, 0.64)
        assert left.height == 80
        assert set(left["frame"]) == {1}
