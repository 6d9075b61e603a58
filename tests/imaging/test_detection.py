"""From frames to cells: thresholds, obstacles, outlines, seams, other segmenters, quality."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import polars as pl
import pytest
from tests.imaging.cartridges import called, in_memory

from ashworth.imaging import PhantomSpec, SegmentationSettings, detect, phantom
from ashworth.imaging.cartridge import Cartridge, Layout, row_major
from ashworth.imaging.cartridge_nuclei import cartridge_nuclei
from ashworth.imaging.channels import Channel
from ashworth.imaging.obstacles import obstacle_mask
from ashworth.imaging.phantoms import all_black, all_saturated
from ashworth.imaging.quality import quality
from ashworth.imaging.thresholds import noise_of, pilot_indices

SMALL = PhantomSpec(
    frames=4, frame_width=420, frame_height=340, tumour_cells=6, tumour_cells_on_seams=3,
    nuclei_per_frame=25, apoptotic_ctcs=0, doublets=1, ck_bodies=2, debris=2, cluster_share=0.0,
)  # fmt: skip


@pytest.fixture(scope="module")
def small():
    made = phantom(SMALL, 5)
    return made, in_memory(made.cartridge)


def test_noise_is_that_of_the_background_whatever_lies_on_it():
    rng = np.random.default_rng(1)
    plane = rng.normal(0, 3, (500, 700)).astype(np.float32)
    clean = noise_of(plane)
    plane[50:150, 50:400] += 2000
    assert clean == pytest.approx(3, rel=0.03)
    assert noise_of(plane) == pytest.approx(3, rel=0.12)


def test_pilot_frames_are_spread_and_each_once():
    for n in (1, 5, 12, 13, 35, 175, 210):
        chosen = pilot_indices(n)
        assert len(chosen) == min(n, 12)
        assert len(set(chosen)) == len(chosen)
        assert min(chosen) >= 0
        assert max(chosen) < n


def scene(*discs, shape=(160, 220)):
    """Blurred discs: (y, x, radius, height)."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    image = np.zeros(shape, np.float32)
    for y, x, radius, height in discs:
        image[np.hypot(rows - y, columns - x) <= radius] = height
    return cv2.GaussianBlur(image, (0, 0), 1.5)


def nuclei(image):
    return cartridge_nuclei(image, threshold=12.0, diameter_px=12.5, smallest_px=17)


@pytest.mark.parametrize("height", [60, 400, 1500, 4000])
def test_a_nucleus_has_the_same_size_whatever_its_brightness(height):
    labels = nuclei(scene((80, 100, 6, height)))
    assert labels.max() == 1
    assert (labels == 1).sum() == pytest.approx(np.pi * 6**2, rel=0.15)


def test_touching_nuclei_of_very_different_brightness_are_two():
    labels = nuclei(scene((80, 100, 6, 1400), (80, 113, 6, 300)))
    assert labels.max() == 2
    assert labels[80, 100] != labels[80, 114] != 0


def test_a_bright_spot_does_not_divide_a_nucleus():
    image = scene((80, 100, 9, 400)) + scene((80, 95, 2, 1200))
    assert nuclei(image).max() == 1


def test_a_wall_is_masked_and_cells_are_not():
    rng = np.random.default_rng(2)
    planes = rng.normal(0, 1, (3, 320, 480)).astype(np.float32)
    planes[:, :48] += 200
    rows, columns = np.mgrid[:320, :480]
    for channel in (0, 1):
        planes[channel][np.hypot(rows - 200, columns - 300) < 10] += 500
    mask = obstacle_mask(planes, (1.0, 1.0, 1.0), pixel_size_um=0.64)
    assert mask[:48].all()
    assert not mask[80:].any()


def test_without_obstacle_there_is_no_mask():
    rng = np.random.default_rng(3)
    planes = rng.normal(0, 1, (4, 320, 480)).astype(np.float32)
    assert obstacle_mask(planes, (1.0,) * 4, pixel_size_um=0.64) is None


def test_cells_on_seams_are_found_once_and_measured_whole(small):
    made, cartridge = small
    cells = called(cartridge)
    ctc = cells.filter(pl.col("call") == "ctc")
    truth = made.truth.filter(pl.col("is_ctc"))
    assert truth.filter("on_border").height >= 3
    assert ctc.height == truth.height
    for row in truth.iter_rows(named=True):
        apart = np.hypot(ctc["x_um"] - 0.64 * row["x_px"], ctc["y_um"] - 0.64 * row["y_px"])
        nearest = int(apart.arg_min())
        assert apart[nearest] < 2
        assert ctc["diameter_um"][nearest] == pytest.approx(row["diameter_um"], abs=2.0)


def test_one_large_frame_and_its_four_parts_give_the_same_cells(small):
    _, cartridge = small
    layout = cartridge.layout
    whole = np.zeros((4, 2 * layout.height, 2 * layout.width), np.uint16)
    for index, (column, row) in enumerate(layout.places):
        y, x = row * layout.height, column * layout.width
        whole[:, y : y + layout.height, x : x + layout.width] = cartridge.load(index)
    one = Layout(whole.shape[1], whole.shape[2], (1,), row_major(1, 1))
    joined = replace(cartridge, layout=one).with_load(lambda _: whole)
    parts, together = called(cartridge), called(joined)
    for call in ("ctc", "leukocyte", "unclassified_nucleus", "doublet"):
        a, b = (t.filter(pl.col("call") == call).height for t in (parts, together))
        assert abs(a - b) <= max(1, 0.05 * b), call


def test_reading_ahead_and_repeating_change_nothing(small):
    _, cartridge = small
    first = detect(cartridge).cells
    assert first.equals(detect(cartridge, read_ahead=False).cells)
    assert first["cell_id"].n_unique() == first.height


def test_another_segmenter_can_take_the_place(small):
    _, cartridge = small

    def plain(smooth, settings: SegmentationSettings):
        stained = smooth[settings.index("nucleus")] > 40
        _, labels = cv2.connectedComponents(stained.astype(np.uint8), ltype=cv2.CV_32S)
        return labels

    found = detect(cartridge, segmenter=plain)
    assert found.cells.height > 50
    assert (found.cells["nucleus_um2"] > 0).all()


def test_unrelated_fields_keep_their_own_coordinates(small):
    _, cartridge = small
    layout = replace(cartridge.layout, places=())
    cells = detect(replace(cartridge, layout=layout)).cells
    assert cells["x_um"].max() <= 0.64 * layout.width
    assert cells["y_um"].max() <= 0.64 * layout.height
    assert set(cells["frame"]) == set(layout.numbers)


@pytest.mark.parametrize(
    ("change", "words"),
    [(all_black, "4 of 4 frames without any signal"), (all_saturated, "4 of 4 frames saturated")],
)
def test_black_and_saturated_cartridges_are_void(small, change, words):
    _, cartridge = small
    changed = change(cartridge)
    assert words in quality(changed, detect(changed)).void


def test_a_black_frame_is_said_and_many_make_the_cartridge_void(small):
    _, cartridge = small
    dark = np.zeros_like(cartridge.load(0))
    one = cartridge.with_load(lambda index: dark if index == 1 else cartridge.load(index))
    state = quality(one, detect(one))
    assert state.void == "1 of 4 frames without any signal"
    row = state.measures.filter(pl.col("measure") == "frames without signal")
    assert row["value"][0] == 1
    assert row["flag"][0]


def test_a_cartridge_without_marker_is_read(small):
    _, cartridge = small
    three = replace(cartridge, channels=cartridge.channels[:3])
    cells = called(three.with_load(lambda index: cartridge.load(index)[:3]))
    assert cells.filter(pl.col("call") == "ctc").height == 6
    assert not [c for c in cells.columns if c.startswith("her2")]


def test_a_missing_nuclear_channel_gives_bodies_only(small):
    _, cartridge = small
    two = replace(cartridge, channels=(cartridge.channels[1], cartridge.channels[2]))
    cells = detect(two.with_load(lambda index: cartridge.load(index)[1:3])).cells
    assert (cells["nucleus_um2"] == 0).all()


def test_a_tiny_frame_is_read():
    frame = np.full((3, 40, 50), 120, np.uint16)
    channels = tuple(Channel(r, r) for r in ("nucleus", "inclusion", "exclusion"))
    tiny = Cartridge("t", "TIFF", "", channels, 0.64, Layout(40, 50, (1,)), lambda _: frame)
    assert detect(tiny).cells.is_empty()
