"""Background surface, and windows that join neighbouring frames."""

from __future__ import annotations

import numpy as np
import pytest

from ashworth.imaging.background import (
    background_grid,
    background_lines,
    subtract_background,
    subtract_lines,
)
from ashworth.imaging.cartridge import Cartridge, Layout, row_major, snake
from ashworth.imaging.channels import Channel
from ashworth.imaging.windows import FrameStore, visiting_order

NAMES = (("nucleus", "DAPI"), ("inclusion", "PE"), ("exclusion", "APC"))
CHANNELS = tuple(Channel(role, name) for role, name in NAMES)


def cut(mosaic, columns, rows, places):
    """A cartridge whose frames are tiles of one large picture (channels, height, width)."""
    height, width = mosaic.shape[1] // rows, mosaic.shape[2] // columns
    layout = Layout(height, width, tuple(range(1, len(places) + 1)), places)

    def load(index):
        c, r = places[index]
        part = mosaic[:, r * height : (r + 1) * height, c * width : (c + 1) * width]
        return np.ascontiguousarray(part)

    return Cartridge("m", "phantom", "made here", CHANNELS, 0.64, layout, load)


def test_background_follows_a_slope_and_ignores_cells_and_a_bright_blob():
    y, x = np.mgrid[:400, :600].astype(float)
    slope = 100 + 0.1 * x + 0.05 * y
    frame = slope.copy()
    for cy, cx in ((50, 60), (200, 300), (330, 500)):
        frame[(y - cy) ** 2 + (x - cx) ** 2 < 12**2] += 4000
    above = subtract_background(frame.round().astype(np.uint16))
    free = frame == slope
    assert np.abs(above[free]).max() < 4
    assert above[200, 300] == pytest.approx(4000, abs=4)


def test_background_never_depends_on_the_height_of_the_brightest_pixel():
    rng = np.random.default_rng(1)
    frame = rng.normal(150, 8, (320, 320)).round().astype(np.uint16)
    dim, bright = frame.copy(), frame.copy()
    dim[100:124, 100:124], bright[100:124, 100:124] = 1000, 65535
    assert np.array_equal(background_grid(dim), background_grid(bright))


@pytest.mark.parametrize("shape", [(64, 96), (37, 75), (100, 31), (5, 3), (8, 9)])
def test_the_grid_reflects_the_image_at_its_border(shape):
    frame = np.random.default_rng(6).integers(0, 4000, shape).astype(np.uint16)
    rows, columns = -(-shape[0] // 16) * 16, -(-shape[1] // 16) * 16
    padded = np.pad(frame, ((0, rows - shape[0]), (0, columns - shape[1])), mode="symmetric")
    assert np.array_equal(background_grid(frame), background_grid(padded))


def test_a_region_of_a_frame_is_subtracted_like_the_whole_frame():
    rng = np.random.default_rng(2)
    frame = rng.normal(200, 20, (150, 210)).round().astype(np.uint16)
    lines, part = background_lines(background_grid(frame)), np.empty((60, 70), np.float32)
    subtract_lines(frame[37:97, 51:121], lines, part, shift=(37, 51))
    assert np.array_equal(part, subtract_background(frame)[37:97, 51:121])


@pytest.mark.parametrize("place", [snake, row_major])
def test_windows_show_the_neighbours_pixels(place):
    rng = np.random.default_rng(3)
    columns, rows = 4, 3
    mosaic = rng.integers(100, 4000, (3, rows * 96, columns * 128)).astype(np.uint16)
    cartridge = cut(mosaic, columns, rows, place(columns, rows))
    order = visiting_order(cartridge.layout)
    store = FrameStore(cartridge, order, 16)
    seen = set()
    for step, index in enumerate(order):
        w = store.window(index)
        y, x = w.origin_y, w.origin_x
        assert np.array_equal(w.raw, mosaic[:, y : y + w.raw.shape[1], x : x + w.raw.shape[2]])
        assert (x + w.left, y + w.top) == cartridge.layout.origin(index)
        store.forget(step)
        seen.add(index)
    assert seen == set(range(columns * rows))


def test_at_most_three_columns_of_frames_are_kept():
    mosaic = np.zeros((3, 3 * 32, 9 * 48), np.uint16)
    cartridge = cut(mosaic, 9, 3, snake(9, 3))
    order = visiting_order(cartridge.layout)
    store = FrameStore(cartridge, order, 8)
    held = []
    for step, index in enumerate(order):
        store.window(index)
        held.append(sum(i in store for i in order))
        store.forget(step)
    assert max(held) <= 3 * 3
    assert not any(i in store for i in order)


def test_unrelated_fields_have_no_margin():
    mosaic = np.ones((3, 64, 128), np.uint16)
    base = cut(mosaic, 2, 1, row_major(2, 1))
    fields = Cartridge("m", "TIFF", "", CHANNELS, 0.64, Layout(64, 64, (1, 2)), base.load)
    store = FrameStore(fields, [0, 1], 16)
    assert store.window(0).raw.shape == (3, 64, 64)
