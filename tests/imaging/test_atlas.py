"""Cell pictures: cut across seams, one brightness for all, found again by the index."""

from __future__ import annotations

import imagecodecs
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashworth.errors import InputError
from ashworth.imaging.atlas import GAP, WEBP_LIMIT, DisplayScale, atlas, display_scales
from ashworth.imaging.cartridge import Cartridge, Layout, snake
from ashworth.imaging.channels import Channel
from ashworth.imaging.crops import crops, label_crops

CHANNELS = (Channel("nucleus", "DAPI"), Channel("inclusion", "PE"))
HEIGHT, WIDTH = 40, 60
SCALES = (DisplayScale(100, 1100), DisplayScale(0, 4000))


class Plane:
    """A cartridge of 3 x 2 frames cut from one plane of random pixels; it counts its loads."""

    def __init__(self, *, contiguous: bool = True) -> None:
        rng = np.random.default_rng(5)
        self.pixels = rng.integers(1, 4096, (2, 2 * HEIGHT, 3 * WIDTH)).astype(np.uint16)
        self.places = snake(3, 2)
        self.loads: list[int] = []
        layout = Layout(HEIGHT, WIDTH, (11, 12, 13, 14, 15, 16), self.places * contiguous)
        self.cartridge = Cartridge("plane", "phantom", "", CHANNELS, 0.5, layout, self.load)

    def load(self, index: int) -> np.ndarray:
        self.loads.append(index)
        column, row = self.places[index]
        x, y = column * WIDTH, row * HEIGHT
        return self.pixels[:, y : y + HEIGHT, x : x + WIDTH]


def cells_at(*points: tuple[float, float], frame: int = 11) -> pl.DataFrame:
    """Cells at cartridge pixels."""
    frames = [frame] * len(points)
    x, y = ([p[axis] * 0.5 for p in points] for axis in (0, 1))
    return pl.DataFrame({"frame": frames, "x_um": x, "y_um": y})


def expected(plane: Plane, x: int, y: int, size: int) -> np.ndarray:
    """The same picture from the whole plane in a frame of zeros."""
    padded = np.pad(plane.pixels, ((0, 0), (size, size), (size, size)))
    top, left = y - size // 2 + size, x - size // 2 + size
    return padded[:, top : top + size, left : left + size]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 3 * WIDTH - 1), st.integers(0, 2 * HEIGHT - 1), st.sampled_from([8, 21, 80, 200])
)
def test_a_crop_is_the_plane_around_the_cell(x: int, y: int, size: int) -> None:
    plane = Plane()
    made = crops(plane.cartridge, cells_at((x, y)), size_px=size)
    assert made.shape == (1, 2, size, size)
    assert made.dtype == np.uint16
    assert np.array_equal(made[0], expected(plane, x, y, size))


def test_each_needed_frame_is_loaded_once_and_in_order() -> None:
    plane = Plane()
    crops(plane.cartridge, cells_at((100, 70), (10, 10), (30, 20), (59, 10)), size_px=16)
    assert plane.loads == [0, 1, 4]


def test_rows_keep_the_order_of_the_cells() -> None:
    plane = Plane()
    points = ((150, 60), (5, 5), (60, 40))
    made = crops(plane.cartridge, cells_at(*points), size_px=20)
    for picture, (x, y) in zip(made, points, strict=True):
        assert np.array_equal(picture, expected(plane, x, y, 20))


def test_unrelated_fields_do_not_see_one_another() -> None:
    plane = Plane(contiguous=False)
    made = crops(plane.cartridge, cells_at((0, 10), frame=12), size_px=20)[0]
    assert plane.loads == [1]
    assert not made[:, :, :10].any()
    assert np.array_equal(made[:, :, 10:], plane.load(1)[:, :20, :10])


def test_outside_of_the_cartridge_is_zero() -> None:
    made = crops(Plane().cartridge, cells_at((0, 0)), size_px=10)[0]
    assert not made[:, :5].any()
    assert not made[:, :, :5].any()
    assert made[:, 5:, 5:].all()


def test_no_cells_give_an_empty_array() -> None:
    plane = Plane()
    assert crops(plane.cartridge, cells_at().cast(pl.Float64)).shape == (0, 2, 80, 80)
    assert plane.loads == []


def test_labels_are_cut_as_the_channels_are() -> None:
    plane = Plane()
    cells = cells_at((61, 33), (100, 5))
    wide = label_crops(plane.cartridge, cells, lambda i: plane.load(i)[1].astype(np.int32) * 70_000)
    assert np.array_equal(wide, crops(plane.cartridge, cells)[:, 1].astype(np.int32) * 70_000)


def test_all_bad_cells_are_named_at_once() -> None:
    cells = pl.DataFrame(
        {"frame": [11, 99, 12], "x_um": [1.0, 2.0, None], "y_um": [1.0, float("nan"), 0.0]}
    )
    with pytest.raises(InputError) as caught:
        crops(Plane().cartridge, cells)
    found = {(p.row, p.column, p.found) for p in caught.value.problems}
    assert found == {(3, "frame", "99"), (4, "x_um", "None"), (3, "y_um", "nan")}
    with pytest.raises(InputError, match="x_um"):
        crops(Plane().cartridge, cells.drop("x_um"))
    with pytest.raises(InputError, match="size_px"):
        crops(Plane().cartridge, cells_at((1, 1)), size_px=4000)


def ramp(n: int, size: int = 16) -> np.ndarray:
    """Pictures whose brightness grows with their number."""
    steps = np.arange(n, dtype=np.uint16)[:, None, None, None] * 100 + 100
    return np.broadcast_to(steps, (n, 2, size, size)).copy()


def sheet_of(made: object, row: dict) -> np.ndarray:
    """The row of a cell in its decoded sheet."""
    sheet = imagecodecs.webp_decode(made.files[row["atlas"]])
    y, x = row["y"], row["x"]
    return sheet[y : y + row["height"], x : x + row["width"], :3]


def lossless(pictures: np.ndarray, **options: object) -> object:
    ids = [f"c{i}" for i in range(len(pictures))]
    given = {"call": "CTC", "pixel_size_um": 0.5, "quality": 101, **options}
    return atlas(pictures, ids, CHANNELS, SCALES, **given)


def test_grey_is_linear_and_the_same_for_all_cells() -> None:
    made = lossless(ramp(12), max_rows=5)
    assert list(made.files) == ["ctc-001.webp", "ctc-002.webp", "ctc-003.webp"]
    dapi = next(p.x for p in made.panels if p.key == "dapi")
    for i, row in enumerate(made.index.to_dicts()):
        grey = sheet_of(made, row)[:, dapi : dapi + 16]
        assert np.array_equal(np.unique(grey), [round(min(i * 100 / 1000, 1) * 255)])


def test_composite_adds_the_colours_of_the_roles() -> None:
    pictures = np.zeros((2, 2, 8, 8), np.uint16)
    pictures[0, 0] = 1100
    pictures[1, 1] = 4000
    made = lossless(pictures)
    pixel = [tuple(int(v) for v in sheet_of(made, row)[4, 4]) for row in made.index.to_dicts()]
    assert pixel == [(0, 96, 255), (0, 225, 150)]
    assert [p.colour for p in made.panels] == [None, *pixel]


def test_every_cell_is_found_at_its_place() -> None:
    rng = np.random.default_rng(2)
    pictures = rng.integers(0, 4000, (9, 2, 16, 16)).astype(np.uint16)
    made = lossless(pictures, max_rows=4)
    assert made.table()["cell_id"].to_list() == [f"c{i}" for i in range(9)]
    ck = next(p.x for p in made.panels if p.key == "ck")
    for picture, row in zip(pictures, made.index.to_dicts(), strict=True):
        grey = sheet_of(made, row)[:, ck : ck + 16, 0]
        assert np.array_equal(grey, np.rint(picture[1] * np.float32(255 / 4000)))


def test_lossy_sheets_are_near_and_the_same_bytes_again() -> None:
    pictures = np.random.default_rng(1).poisson(500, (6, 2, 32, 32)).astype(np.uint16)
    exact, lossy = lossless(pictures), lossless(pictures, quality=85)
    assert lossy.files == lossless(pictures, quality=85).files
    a, b = (imagecodecs.webp_decode(m.files["ctc-001.webp"])[..., :3] for m in (exact, lossy))
    assert 0 < np.abs(a.astype(int) - b).mean() < 12
    assert len(lossy.files["ctc-001.webp"]) < len(exact.files["ctc-001.webp"])


def test_outline_is_drawn_where_the_label_ends() -> None:
    pictures = np.zeros((1, 2, 12, 12), np.uint16)
    masks = np.zeros((1, 12, 12), np.int32)
    masks[0, 3:9, 3:9] = 4
    made = lossless(pictures, masks=masks)
    assert [p.label for p in made.panels] == ["Composite", "Outline", "DAPI", "CK"]
    x = made.panels[1].x
    drawn = sheet_of(made, made.index.row(0, named=True))[:, x : x + 12, 0] == 255
    inside = np.zeros((12, 12), bool)
    inside[4:8, 4:8] = True
    assert np.array_equal(drawn, (masks[0] > 0) & ~inside)


def test_sheets_stay_within_the_limit_of_webp() -> None:
    pictures = np.zeros((40, 2, 512, 512), np.uint16)
    made = lossless(pictures, max_rows=1000, quality=50)
    rows = made.index.group_by("atlas").len().sort("atlas")["len"].to_list()
    assert rows == [31, 9]
    assert (made.index["y"] + made.index["height"]).max() <= WEBP_LIMIT
    assert 32 * (512 + GAP) > WEBP_LIMIT
    height, width = imagecodecs.webp_decode(made.files["ctc-001.webp"]).shape[:2]
    assert height == 31 * (512 + GAP) - GAP
    assert width == 3 * (512 + GAP) - GAP


def test_hostile_class_names_make_plain_file_names() -> None:
    made = lossless(ramp(1), call="../CK+ <without> nucleus")
    assert list(made.files) == ["ck-without-nucleus-001.webp"]
    assert list(lossless(ramp(1), call="///").files) == ["cells-001.webp"]


def test_an_ignored_channel_is_not_shown() -> None:
    channels = (Channel("nucleus", "DAPI"), Channel("ignored", "Reflection"))
    made = atlas(ramp(1), ["1"], channels, SCALES, call="CTC", pixel_size_um=0.5)
    assert [p.key for p in made.panels] == ["composite", "dapi"]
    assert made.scales == SCALES[:1]


def test_what_does_not_agree_is_refused_with_everything_named() -> None:
    with pytest.raises(InputError) as caught:
        atlas(
            ramp(3), ["1"], CHANNELS, SCALES[:1],
            call="CTC", pixel_size_um=0.5, masks=np.zeros((1, 2, 2), bool), quality=0, max_rows=0,
        )  # fmt: skip
    named = [p.column for p in caught.value.problems]
    assert named == ["cell_ids", "scales", "masks", "max_rows", "quality"]
    with pytest.raises(InputError, match="high above low"):
        atlas(ramp(1), ["1"], CHANNELS, (DisplayScale(5, 5), SCALES[1]),
              call="CTC", pixel_size_um=0.5)  # fmt: skip


def test_one_bright_cell_is_within_the_scale_and_one_blob_does_not_set_it() -> None:
    rng = np.random.default_rng(3)
    leukocytes = rng.poisson(100, (400, 1, 20, 20)).astype(np.uint16)
    leukocytes[0, 0] = 60_000
    tumour = rng.poisson(100, (1, 1, 20, 20)).astype(np.uint16)
    tumour[0, 0, 5:15, 5:15] = 2000
    (scale,) = display_scales([leukocytes, tumour, tumour[:0]])
    assert scale.high == 2000
    assert scale.low == pytest.approx(100, abs=2)
    assert display_scales([tumour[:0]]) == (DisplayScale(0.0, 1.0),)
    flat = np.full((2, 1, 8, 8), 7, np.uint16)
    assert display_scales([flat]) == (DisplayScale(7.0, 8.0),)
    with pytest.raises(InputError, match="peak"):
        display_scales([flat], peak=99.5)
