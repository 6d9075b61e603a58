"""The second phantom generator: its truth against what it renders, and the published ranges."""

from __future__ import annotations

import ast
import inspect
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ashworth.errors import InputError
from ashworth.testing import independent_phantoms
from ashworth.testing.independent_phantoms import (
    IndependentPhantom,
    IndependentSpec,
    camera,
    independent_phantom,
    optics,
)
from ashworth.testing.independent_phantoms.population import lognormal

SMALL = {"columns": 3, "rows": 2, "width": 400, "height": 320}
CLEAN = {"nuclei_per_frame": 0, "debris": 0, "blobs": 0, "bubbles": 0, "edge_band_px": 0}
DAPI, CK, CD45, HER2 = range(4)


@pytest.fixture(scope="module")
def mixed() -> IndependentPhantom:
    """Everything at once in six small frames."""
    spec = IndependentSpec(
        **SMALL, ctcs=24, seam_ctcs=8, nuclei_per_frame=12, debris=12, bubble_radius_px=40
    )
    return independent_phantom(spec, seed=11)


@pytest.fixture(scope="module")
def ladder() -> IndependentPhantom:
    """Tumour cells of all HER2 classes alone in the image, in focus, without bleed-through."""
    spec = IndependentSpec(
        **(SMALL | CLEAN),
        ctcs=40,
        cluster_fraction=0,
        apoptotic=0,
        doublets=0,
        ck_bodies=0,
        her2_mix=(0.25, 0.25, 0.25, 0.25),
        bleed_through=0,
        focus_sd_um=0,
    )
    return independent_phantom(spec, seed=5)


@pytest.fixture(scope="module")
def crowd() -> pl.DataFrame:
    """Truth of a large cartridge."""
    spec = IndependentSpec(ctcs=2500, apoptotic=50, her2_mix=(0.25, 0.25, 0.25, 0.25))
    return independent_phantom(spec, seed=3).truth


def windows(phantom: IndependentPhantom, objects: pl.DataFrame, half: int):
    """Signal around each object that lies far enough inside its frame, with x, y in the window."""
    layout = phantom.cartridge.layout
    signals: dict[int, np.ndarray] = {}
    for row in objects.iter_rows(named=True):
        index = row["frame"] - 1
        x0, y0 = layout.origin(index)
        x, y = row["x_px"] - x0, row["y_px"] - y0
        left, top = int(x) - half, int(y) - half
        if left < 0 or top < 0 or left + 2 * half > layout.width or top + 2 * half > layout.height:
            continue
        if index not in signals:
            signals[index] = phantom.signal(index)
        cut = signals[index][:, top : top + 2 * half, left : left + 2 * half]
        yield row, cut, x - left, y - top


def alone(truth: pl.DataFrame, objects: pl.DataFrame, gap_px: float) -> pl.DataFrame:
    """Those objects whose middle is at least a gap from every other object's middle."""
    every = truth.select("x_px", "y_px").to_numpy()
    some = objects.select("x_px", "y_px").to_numpy()
    distance = np.hypot(*(some[:, None, :] - every[None, :, :]).transpose(2, 0, 1))
    return objects.filter(np.sort(distance, axis=1)[:, 1] > gap_px)


def test_same_bits_in_any_order_and_from_any_thread(mixed: IndependentPhantom) -> None:
    again = independent_phantom(mixed.scene.spec, seed=11)
    forward = [mixed.cartridge.load(i) for i in range(6)]
    with ThreadPoolExecutor(3) as pool:
        backward = list(pool.map(again.cartridge.load, [5, 4, 3, 2, 1, 0, 0]))
    assert again.truth.equals(mixed.truth)
    for index, frame in enumerate(forward):
        assert frame.shape == (4, 320, 400)
        assert frame.dtype == np.uint16
        assert np.array_equal(frame, backward[5 - index])
    assert np.array_equal(backward[5], backward[6])
    assert not np.array_equal(forward[0], forward[1])


def test_another_seed_gives_another_cartridge(mixed: IndependentPhantom) -> None:
    other = independent_phantom(mixed.scene.spec, seed=12)
    assert not other.truth["x_px"].equals(mixed.truth["x_px"])
    assert not np.array_equal(other.cartridge.load(0), mixed.cartridge.load(0))


def test_cartridge_keeps_the_contract(mixed: IndependentPhantom) -> None:
    cartridge = mixed.cartridge
    assert cartridge.format == "phantom"
    assert cartridge.simulated
    assert "simulated" in cartridge.sample
    assert [channel.prefix for channel in cartridge.channels] == ["dapi", "ck", "cd45", "her2"]
    assert cartridge.layout.places[:4] == ((0, 0), (1, 0), (2, 0), (2, 1))
    for row in mixed.truth.iter_rows(named=True):
        x0, y0 = cartridge.layout.origin(row["frame"] - 1)
        assert 0 <= row["x_px"] - x0 <= 400
        assert 0 <= row["y_px"] - y0 <= 320


def test_neighbouring_frames_show_the_same_objects_at_their_seam(
    mixed: IndependentPhantom,
) -> None:
    layout, pad = mixed.cartridge.layout, camera.PAD
    at = {place: index for index, place in enumerate(layout.places)}
    for (column, row), index in at.items():
        here = mixed.objects(index)
        if (column + 1, row) in at:
            right = mixed.objects(at[column + 1, row])
            assert np.array_equal(here[:, :, 400 : 400 + 2 * pad], right[:, :, : 2 * pad])
            assert here[:, :, 400 : 400 + 2 * pad].max() > 0
        if (column, row + 1) in at:
            below = mixed.objects(at[column, row + 1])
            assert np.array_equal(here[:, 320 : 320 + 2 * pad], below[:, : 2 * pad])


def test_cells_over_a_seam_are_lit_on_both_frames(mixed: IndependentPhantom) -> None:
    cells = mixed.truth.filter(pl.col("is_ctc")).head(8)
    assert cells["on_border"].all()
    assert not cells["at_edge"].any()
    whole = np.zeros((640, 1200), np.float32)
    for index in range(6):
        x0, y0 = mixed.cartridge.layout.origin(index)
        whole[y0 : y0 + 320, x0 : x0 + 400] = mixed.signal(index)[CK]
    for row in cells.iter_rows(named=True):
        x, y = row["x_px"], row["y_px"]
        vertical = min(x % 400, 400 - x % 400) < row["diameter_um"] / 0.64 / 2
        seam = round(x / 400) * 400 if vertical else round(y / 320) * 320
        if vertical:
            sides = whole[int(y), seam - 1], whole[int(y), seam]
        else:
            sides = whole[seam - 1, int(x)], whole[seam, int(x)]
        assert min(sides) > 10
        assert 0.5 < sides[0] / sides[1] < 2


def test_border_flags_follow_from_position_and_size(mixed: IndependentPhantom) -> None:
    truth = mixed.truth.with_columns(reach=pl.col("diameter_um") / 0.64 / 2)
    x, y = pl.col("x_px"), pl.col("y_px")
    gap = pl.min_horizontal(x % 400, 400 - x % 400, y % 320, 320 - y % 320)
    edge = pl.min_horizontal(x, 1200 - x, y, 640 - y)
    expected = truth.select(border=gap < pl.col("reach"), edge=edge < pl.col("reach"))
    assert truth["on_border"].equals(expected["border"], check_names=False)
    assert truth["at_edge"].equals(expected["edge"], check_names=False)


def test_outlines_lie_where_the_truth_says_and_have_its_size(ladder: IndependentPhantom) -> None:
    cells = alone(ladder.truth, ladder.truth, 60)
    misses, ratios = [], []
    for row, signal, x, y in windows(ladder, cells, 28):
        halves = signal[HER2] > 0.3 * np.median(
            signal[HER2][signal[HER2] > 0.2 * signal[HER2].max()]
        )
        ys, xs = np.nonzero(halves)
        misses.append(np.hypot(xs.mean() + 0.5 - x, ys.mean() + 0.5 - y))
        ratios.append(2 * np.sqrt(halves.sum() / np.pi) * 0.64 / row["diameter_um"])
    assert len(misses) >= 12
    assert np.median(misses) < 1.0
    assert max(misses) < 3.0
    assert np.median(ratios) == pytest.approx(1.08, abs=0.1)


def test_tumour_cells_carry_cytokeratin_around_a_nucleus_and_no_cd45(
    ladder: IndependentPhantom,
) -> None:
    scene = ladder.scene.population
    for row, signal, *_ in windows(ladder, alone(ladder.truth, ladder.truth, 60), 28):
        area_px = np.pi * (row["diameter_um"] / 0.64 / 2) ** 2
        assert signal[CD45].max() == 0
        mean = signal[CK].sum() / area_px
        assert mean == pytest.approx(scene.ck[row["object_id"]], rel=0.12)
        nucleus = signal[DAPI] > 0.5 * signal[DAPI].max()
        assert signal[CK][nucleus].min() > 0.1 * mean
        assert 0.1 < nucleus.sum() / area_px < 0.8


def test_every_tumour_cell_is_bright_in_the_noisy_frames(mixed: IndependentPhantom) -> None:
    frames = [mixed.cartridge.load(i).astype(float) for i in range(6)]
    dark = [np.median(frame[CK]) for frame in frames]
    noise = [1.4826 * np.median(np.abs(frame[CK] - np.median(frame[CK]))) for frame in frames]
    cells = mixed.truth.filter(pl.col("is_ctc"))
    for row in cells.iter_rows(named=True):
        index = row["frame"] - 1
        x0, y0 = mixed.cartridge.layout.origin(index)
        x, y = int(row["x_px"] - x0), int(row["y_px"] - y0)
        seen = frames[index][CK, max(y - 3, 0) : y + 4, max(x - 3, 0) : x + 4].mean()
        assert seen - dark[index] > 4 * noise[index]
    assert cells.height == 24


def test_her2_density_is_what_the_noiseless_image_holds(ladder: IndependentPhantom) -> None:
    ratios = []
    for row, signal, *_ in windows(ladder, alone(ladder.truth, ladder.truth, 62), 28):
        area_px = np.pi * (row["diameter_um"] / 0.64 / 2) ** 2
        ratios.append(signal[HER2].sum() / area_px / 12.0 / row["her2_density"])
    assert len(ratios) >= 8
    assert np.mean(ratios) == pytest.approx(0.99, abs=0.02)
    assert min(ratios) > 0.93
    assert max(ratios) < 1.03


def test_her2_classes_have_their_medians_and_spread(crowd: pl.DataFrame) -> None:
    for score, median in enumerate((1.3, 6.0, 25.0, 100.0)):
        density = crowd.filter(pl.col("is_ctc") & (pl.col("her2_class") == score))["her2_density"]
        log = np.log(density.to_numpy())
        assert np.exp(np.median(log)) == pytest.approx(median, rel=0.08)
        assert log.std() == pytest.approx(0.30, abs=0.04)
        assert density.len() / 2500 == pytest.approx(0.25, abs=0.05)
    white = crowd.filter(pl.col("kind") == "leukocyte")["her2_density"].to_numpy()
    assert white.mean() == pytest.approx(1, abs=0.05)
    assert white.std() / white.mean() == pytest.approx(0.4, abs=0.04)


def test_sizes_and_numbers_are_the_published_ones(crowd: pl.DataFrame) -> None:
    count = dict(crowd.group_by("kind").len().iter_rows())
    assert count["ctc"] == 2500
    assert count["apoptotic_ctc"] == 50
    nuclei = count["leukocyte"] + count["unclassified_nucleus"]
    assert nuclei / 35 == pytest.approx(60, abs=5)
    assert count["unclassified_nucleus"] / nuclei == pytest.approx(0.4, abs=0.05)
    median = dict(crowd.group_by("kind").agg(pl.col("diameter_um").median()).iter_rows())
    assert median["ctc"] == pytest.approx(12.4, abs=0.25)
    assert median["leukocyte"] == pytest.approx(9.4, abs=0.3)
    assert 5.5 < median["unclassified_nucleus"] < 9
    assert crowd.filter(pl.col("is_ctc"))["diameter_um"].min() > 4


def test_brightness_is_the_published_one() -> None:
    spec = IndependentSpec(ctcs=1500)
    p = independent_phantom(spec, seed=8).scene.population
    ctc, white = p.kind == "ctc", p.kind == "leukocyte"
    assert p.ck[ctc].min() >= 80
    assert p.ck[ctc].max() <= 3000
    assert np.median(p.ck[ctc]) == pytest.approx(500, rel=0.1)
    assert p.dapi[ctc | white].min() >= 200
    assert p.dapi[ctc | white].max() <= 1500
    assert p.cd45[white].max() <= 500
    assert np.all(p.cd45[ctc] == 0)
    bare = p.kind == "unclassified_nucleus"
    assert np.all(p.cd45[bare] == 0)
    assert np.all(p.ck[bare] == 0)
    assert np.all(p.dapi[p.kind == "ck_without_nucleus"] == 0)


def test_leukocytes_show_a_rim_of_cd45_around_their_nucleus() -> None:
    spec = IndependentSpec.blank(
        **(SMALL | CLEAN | {"nuclei_per_frame": 4}), ck_bodies=0, doublets=0, focus_sd_um=0
    )
    phantom = independent_phantom(spec, seed=2)
    cells = alone(phantom.truth, phantom.truth.filter(pl.col("kind") == "leukocyte"), 45)
    hollow = []
    for row, signal, x, y in windows(phantom, cells, 16):
        ys, xs = np.mgrid[:32, :32] + 0.5
        rho = np.hypot(xs - x, ys - y) / (row["diameter_um"] / 0.64 / 2)
        ring = (rho > 0.7) & (rho < 1)
        hollow.append(signal[CD45][ring].mean() / signal[CD45][rho < 0.4].mean())
        assert signal[DAPI].max() > 100
    assert len(hollow) >= 4
    assert min(hollow) > 1.2


def test_blank_has_no_tumour_cell_and_everything_else() -> None:
    spec = IndependentSpec.blank(**SMALL, bubble_radius_px=40)
    truth = independent_phantom(spec, seed=4).truth
    assert not truth["is_ctc"].any()
    assert set(truth["kind"]) == {
        "leukocyte",
        "unclassified_nucleus",
        "doublet",
        "ck_without_nucleus",
        "debris",
        "blob",
        "bubble",
    }


@pytest.mark.parametrize(("counts", "saturates"), [(0, False), (1500, False), (16_000, True)])
def test_blob_saturates_its_disc_and_no_more(counts: float, saturates: bool) -> None:
    alone_in_it = {"nuclei_per_frame": 0, "debris": 0, "bubbles": 0, "edge_band_px": 0}
    spec = IndependentSpec.blank(
        columns=1, rows=1, width=400, height=320, blob_counts=counts, ck_bodies=0, doublets=0,
        vignetting=0, **alone_in_it,
    )  # fmt: skip
    frame = independent_phantom(spec, seed=6).cartridge.load(0)
    full = (frame == 4095).sum(axis=(1, 2))
    if saturates:
        assert np.all(full > 0.9 * np.pi * 12**2)
        assert np.all(full < 2.0 * np.pi * 12**2)
    else:
        assert np.all(full <= 4)
    assert frame.max() <= 4095


def test_clusters_hold_two_to_four_touching_cells() -> None:
    spec = IndependentSpec(ctcs=200, cluster_fraction=0.5)
    truth = independent_phantom(spec, seed=9).truth
    clusters = truth.filter(pl.col("cluster_id").is_not_null())
    assert clusters.height == pytest.approx(100, abs=25)
    for (_,), cells in clusters.group_by("cluster_id"):
        assert 2 <= cells.height <= 4
        xy, radius = cells.select("x_px", "y_px").to_numpy(), cells["diameter_um"].to_numpy() / 1.28
        gap = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1)) / (radius[:, None] + radius)
        np.fill_diagonal(gap, 9)
        assert gap.min(axis=1).max() < 1
        assert gap.min() > 0.95
    assert truth["is_ctc"].sum() == 200


def test_objects_keep_their_distance_except_in_clusters() -> None:
    truth = independent_phantom(IndependentSpec(ctcs=200, nuclei_per_frame=420), seed=9).truth
    xy, radius = truth.select("x_px", "y_px").to_numpy(), truth["diameter_um"].to_numpy() / 1.28
    rare = truth.filter(pl.col("is_ctc") & pl.col("cluster_id").is_null())["object_id"].to_list()
    for item in rare:
        gap = np.hypot(*(xy - xy[item]).T) - radius - radius[item]
        gap[item] = 9
        assert gap.min() > 0


def test_kernel_equals_its_plain_twin() -> None:
    spec = IndependentSpec(
        columns=1, rows=1, width=200, height=136, gain=(0.5, 2, 1, 1.3), vignetting=0.5
    )
    rng = np.random.default_rng(0)
    device = camera.make_camera(spec, rng)
    height, width = camera.padded_shape(spec)
    sharp = rng.gamma(0.5, 700, (4, height, width)).astype(np.float32)
    soft, halo = optics.softened(sharp), optics.scattered(sharp)
    weight = optics.field_blur(height // 8, width // 8, rng)[None]
    haze, rows = camera.haze(spec, rng), camera.row_pattern(136, rng)
    kept = rng.uniform(0.5, 1, (136, 200)).astype(np.float32)
    starts = rng.integers(0, camera.BANK, (4, 136))
    noise = device.bank[starts[..., None] + np.arange(200)]
    light = camera.collected(spec, sharp, soft, halo, weight)
    plain = camera.exposed_plain(spec, device, light, haze, kept, rows, noise)
    coarse = np.concatenate([halo, haze, device.shading, weight])
    fast = camera.expose(
        *(sharp, soft, coarse, kept, device.response, device.dark, rows, device.bank, starts),
        *(np.array(spec.gain, np.float32), camera.offsets(spec), np.float32(0.01)),
    )
    difference = np.abs(fast.astype(int) - plain)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01


def test_point_spreads_keep_the_light_and_widen_with_defocus() -> None:
    spreads = optics.point_spreads(np.array([0.0, 3.0, 6.0]))
    width = []
    for kernels in spreads:
        for kernel in kernels:
            assert kernel.sum() == pytest.approx(1, abs=1e-5)
            assert np.allclose(kernel, kernel[::-1, ::-1], atol=2e-4)
        axis = np.arange(len(kernels[1])) - len(kernels[1]) // 2
        width.append(np.sqrt((kernels[1].sum(axis=0) * axis**2).sum()))
    assert width[0] < width[1] < width[2]


def test_gain_offset_and_bleed_through_do_what_they_say(ladder: IndependentPhantom) -> None:
    base = ladder.scene.spec
    changed = IndependentSpec(
        **{
            name: getattr(base, name) for name in base.__slots__
        } | {"gain": (0.5, 2.0, 1.0, 1.5), "bleed_through": 0.01, "offset_shift": (0, 60, -40, 0)}
    )  # fmt: skip
    other = independent_phantom(changed, seed=5)
    before, after = ladder.signal(0), other.signal(0)
    assert np.allclose(after[DAPI], 0.5 * before[DAPI], rtol=1e-5)
    assert np.allclose(after[CK], 2 * (before[CK] + 0.01 * before[HER2]), rtol=1e-4, atol=1e-3)
    assert np.allclose(after[HER2], 1.5 * (before[HER2] + 0.01 * before[CK]), rtol=1e-4, atol=1e-3)
    shift = np.median(other.cartridge.load(0)[CD45]) - np.median(ladder.cartridge.load(0)[CD45])
    assert shift == pytest.approx(-40, abs=1)


def test_background_lies_above_the_offset_and_vignetting_darkens_corners() -> None:
    bare = SMALL | CLEAN | {"ctcs": 0, "apoptotic": 0, "doublets": 0, "ck_bodies": 0}
    drop = []
    for vignetting in (0.0, 0.6):
        frame = independent_phantom(
            IndependentSpec(**bare, vignetting=vignetting), 3
        ).cartridge.load(0)
        level = frame[DAPI].astype(float) - 140
        assert 0.5 * 62 < np.median(level) < 1.6 * 62
        corner = np.mean([level[:40, :40], level[:40, -40:], level[-40:, :40], level[-40:, -40:]])
        drop.append(corner / level[140:180, 180:220].mean())
    assert drop[1] / drop[0] == pytest.approx(0.5, abs=0.1)


def test_stored_as_8_bit_has_256_levels_at_most(mixed: IndependentPhantom) -> None:
    fine = mixed.cartridge.load(2)
    coarse = independent_phantom(
        IndependentSpec(**{n: getattr(mixed.scene.spec, n) for n in IndependentSpec.__slots__}
                        | {"stored_bits": 8}), seed=11
    ).cartridge.load(2)  # fmt: skip
    for before, after in zip(fine, coarse, strict=True):
        assert len(np.unique(after)) <= 256
        assert (before.min(), before.max()) == (after.min(), after.max())
        step = (int(before.max()) - int(before.min())) / 255
        assert np.abs(before.astype(float) - after).max() <= step + 1


def test_every_fault_of_a_spec_is_named() -> None:
    spec = IndependentSpec(ctcs=-1, her2_mix=(0.5, 0.5, 0.5, 0), gain=(1, 1, 1, 99), vignetting=2)
    with pytest.raises(InputError) as caught:
        independent_phantom(spec, seed=1)
    columns = [problem.column for problem in caught.value.problems]
    assert columns == ["ctcs", "vignetting", "her2_mix", "gain"]


def test_too_many_objects_are_refused() -> None:
    spec = IndependentSpec(columns=1, rows=1, width=128, height=128, ctcs=200)
    with pytest.raises(InputError, match="without a place"):
        independent_phantom(spec, seed=1)


def test_truncated_lognormal_has_its_median_and_limits() -> None:
    draws = lognormal(np.random.default_rng(1), 10, 0.5, 2, 50, 20_000)
    assert np.median(draws) == pytest.approx(10, rel=0.02)
    assert draws.min() >= 2
    assert draws.max() <= 50
    assert np.log(draws).std() == pytest.approx(0.5, rel=0.05)


def test_generator_knows_nothing_of_segmentation_or_the_first_phantoms() -> None:
    allowed = {"ashworth.imaging.cartridge", "ashworth.imaging.channels", "ashworth.errors"}
    folder = Path(inspect.getfile(independent_phantoms)).parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ashworth"):
                own = (node.module or "").startswith("ashworth.testing.independent_phantoms")
                assert own or node.module in allowed, (path.name, node.module)
