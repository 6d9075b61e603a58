"""Phantom cartridges: the pixels are what the truth says, and the same every time."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import skew

from ashworth.errors import InputError
from ashworth.imaging.cartridge import Cartridge
from ashworth.imaging.phantoms import (
    BLOB_SWEEP,
    HER2_MIXES,
    KINDS,
    PhantomSpec,
    all_black,
    all_saturated,
    blank,
    blob_frame,
    her2_spec,
    phantom,
    with_8_bit_stretch,
    with_blob,
    with_bubble,
    with_gain,
    with_offset,
    with_rim,
    with_vignetting,
)
from ashworth.imaging.phantoms.cartridges import Phantom
from ashworth.workflows.simulate_cartridge import FORMATS, simulate_cartridge

DAPI, CK, CD45, HER2 = range(4)
EMPTY = {
    "tumour_cells": 0, "nuclei_per_frame": 0, "apoptotic_ctcs": 0, "doublets": 0,
    "ck_bodies": 0, "debris": 0,
}  # fmt: skip
FLAT = {"background_unevenness": 0.0, "vignetting": 0.0, "focus_sd_um": 0.0, "tilt_um": 0.0}
SMALL = {"frames": 6, "frame_width": 320, "frame_height": 256}


@pytest.fixture(scope="module")
def busy() -> Phantom:
    """Every kind of object in six small frames."""
    spec = PhantomSpec(
        **SMALL, tumour_cells=12, tumour_cells_on_seams=3, nuclei_per_frame=20, blobs=1, bubbles=1,
        bubble_radius_um=30, controls_negative=2, controls_strong=2, edge_counts=200,
        edge_width_px=20,
    )  # fmt: skip
    return phantom(spec, 3)


@pytest.fixture(scope="module")
def large() -> Phantom:
    """A full cartridge; only its truth is used."""
    spec = PhantomSpec(frames=175, tumour_cells=4000, cluster_share=0.2)
    return phantom(spec, 5)


def flux(made: Phantom, frame: np.ndarray, channel: int, row: dict, reach_px: int = 24) -> float:
    """Counts of an object in the expected frame of a one-frame phantom, above background."""
    x, y = round(row["x_px"]), round(row["y_px"])
    dark = made.spec.offset_counts[channel] + made.spec.background_counts[channel]
    page = frame[channel] - dark
    low = np.maximum([y - reach_px, x - reach_px], 0)
    return float(page[low[0] : y + reach_px + 1, low[1] : x + reach_px + 1].sum(dtype=float))


def area_px(row: dict) -> float:
    return np.pi * (row["diameter_um"] / 0.64 / 2) ** 2


def isolated(made: Phantom, kind: str, apart_px: float = 48) -> list[dict]:
    """Objects of a kind with nothing near and away from the frame's edge."""
    xy = made.truth.select("x_px", "y_px").to_numpy()
    rows = made.truth.filter(pl.col("kind") == kind).to_dicts()
    size = (made.spec.frame_width, made.spec.frame_height)
    kept = []
    for row in rows:
        here = np.array([row["x_px"], row["y_px"]])
        near = np.abs(xy - here).max(axis=1) < apart_px
        if near.sum() == 1 and (here > 30).all() and (here < np.array(size) - 30).all():
            kept.append(row)
    return kept


class TestSameBits:
    def test_any_order(self, busy: Phantom) -> None:
        forth = [busy.cartridge.load(i) for i in range(6)]
        back = [busy.cartridge.load(i) for i in reversed(range(6))][::-1]
        for one, other in zip(forth, back, strict=True):
            np.testing.assert_array_equal(one, other)

    def test_from_threads(self, busy: Phantom) -> None:
        alone = [busy.cartridge.load(i) for i in range(6)]
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(busy.cartridge.load, [5, 0, 3, 1, 4, 2]))
        for index, frame in zip([5, 0, 3, 1, 4, 2], together, strict=True):
            np.testing.assert_array_equal(frame, alone[index])

    def test_in_another_process(self, busy: Phantom) -> None:
        sent = pickle.loads(pickle.dumps(busy.cartridge))
        np.testing.assert_array_equal(sent.load(3), busy.cartridge.load(3))

    def test_another_phantom_of_the_same_seed(self, busy: Phantom) -> None:
        again = phantom(busy.spec, busy.seed)
        assert again.truth.equals(busy.truth)
        np.testing.assert_array_equal(again.cartridge.load(2), busy.cartridge.load(2))

    def test_seeds_and_frames_differ(self, busy: Phantom) -> None:
        other = phantom(busy.spec, busy.seed + 1)
        assert (other.cartridge.load(0) != busy.cartridge.load(0)).mean() > 0.5
        assert (busy.cartridge.load(0) != busy.cartridge.load(1)).mean() > 0.5

    def test_more_debris_leaves_the_tumour_cells_alone(self) -> None:
        few = phantom(PhantomSpec(**SMALL, nuclei_per_frame=5, debris=1), 2).truth
        many = phantom(PhantomSpec(**SMALL, nuclei_per_frame=5, debris=9), 2).truth
        stains = ["ck_counts", "diameter_um", "her2_density"]
        ctc = pl.col("kind") == "ctc"
        assert few.filter(ctc).select(stains).equals(many.filter(ctc).select(stains))

    def test_no_frame_beyond_the_layout(self, busy: Phantom) -> None:
        for index in (-1, 6):
            with pytest.raises(IndexError, match="0 to 5"):
                busy.cartridge.load(index)


class TestGeometry:
    def test_contract(self, busy: Phantom) -> None:
        cartridge = busy.cartridge
        assert (cartridge.format, cartridge.simulated) == ("phantom", True)
        assert [c.prefix for c in cartridge.channels] == ["dapi", "ck", "cd45", "her2"]
        frame = cartridge.load(0)
        assert frame.shape == (4, 256, 320)
        assert frame.dtype == np.uint16

    @pytest.mark.parametrize(
        ("frames", "columns", "rows"), [(175, 35, 5), (35, 7, 5), (1, 1, 1), (7, 7, 1)]
    )
    def test_layout(self, frames: int, columns: int, rows: int) -> None:
        layout = phantom(PhantomSpec(frames=frames, **EMPTY), 1).cartridge.layout
        assert max(layout.places) == (columns - 1, max(r for _, r in layout.places))
        assert max(r for _, r in layout.places) == rows - 1
        if rows > 1:
            assert layout.places[columns] == (columns - 1, 1)

    def test_seams_show_nothing(self) -> None:
        """Two frames side by side are one frame of twice the width."""
        spec = PhantomSpec(
            frames=2, frame_width=400, frame_height=300, nuclei_per_frame=120, vignetting=0,
            focus_sd_um=0, tilt_um=0,
        )  # fmt: skip
        halves = phantom(spec, 8)
        whole = phantom(replace(spec, frames=1, frame_width=800, nuclei_per_frame=240), 8)
        crossing = halves.truth.filter(pl.col("frames").list.len() == 2)
        assert crossing.height >= 2
        both = np.concatenate([halves.expected(0), halves.expected(1)], axis=2)
        np.testing.assert_allclose(both, whole.expected(0), atol=2e-3)

    def test_frames_of_the_truth(self, busy: Phantom) -> None:
        layout = busy.cartridge.layout
        for row in busy.truth.to_dicts():
            radius = row["diameter_um"] / 0.64 / 2
            on = []
            for index, number in enumerate(layout.numbers):
                left, top = layout.origin(index)
                dx = max(left - 0.5 - row["x_px"], row["x_px"] - (left + 319.5), 0)
                dy = max(top - 0.5 - row["y_px"], row["y_px"] - (top + 255.5), 0)
                if max(dx, dy) < radius:
                    on.append(number)
            assert row["frame"] in row["frames"]
            assert row["frames"] == sorted(on)
            assert row["on_border"] == (len(on) > 1 or row["at_edge"])

    def test_tumour_cells_wanted_on_seams(self, busy: Phantom) -> None:
        ctc = busy.truth.filter("is_ctc")
        assert ctc["on_border"].sum() >= 3
        assert not ctc["at_edge"].any()

    def test_truth_lies_where_the_light_is(self) -> None:
        spec = PhantomSpec(frames=1, **{**EMPTY, **FLAT}, frame_width=1400, frame_height=1400)
        made = phantom(replace(spec, tumour_cells=40, cluster_share=0, bleed_through=0), 4)
        page = made.expected(0)[CK] - 150 - 45
        found, true = [], []
        for row in isolated(made, "ctc"):
            x, y = round(row["x_px"]), round(row["y_px"])
            part = page[y - 24 : y + 25, x - 24 : x + 25]
            grid = np.arange(-24, 25)
            total = part.sum()
            found.append((x + (part.sum(0) @ grid) / total, y + (part.sum(1) @ grid) / total))
            true.append((row["x_px"], row["y_px"]))
        away = np.array(found) - np.array(true)
        assert len(away) >= 20
        assert np.hypot(*away.T).max() < 1.6
        assert np.abs(away.mean(axis=0)).max() < 0.3

    def test_clusters_touch(self, large: Phantom) -> None:
        clusters = large.truth.filter(pl.col("cluster_id").is_not_null())
        sizes = clusters.group_by("cluster_id").len()["len"]
        assert (sizes.min(), sizes.max()) == (2, 4)
        assert abs(clusters.height / 4000 - 0.2) < 0.005
        for (_,), members in clusters.group_by("cluster_id"):
            xy = members.select("x_px", "y_px").to_numpy() * 0.64
            reach = members["diameter_um"].to_numpy() / 2
            apart = np.linalg.norm(xy[:, None] - xy[None], axis=2)
            ratio = apart / (reach[:, None] + reach) + 9 * np.eye(len(xy))
            assert (ratio.min(axis=1) <= 1.0 + 1e-9).all()

    def test_nothing_lies_on_a_tumour_cell(self, large: Phantom) -> None:
        xy = large.truth.select("x_px", "y_px").to_numpy() * 0.64
        reach = large.truth["diameter_um"].to_numpy() / 2
        cluster = large.truth["cluster_id"].fill_null(-1).to_numpy()
        for k in np.flatnonzero(large.truth["is_ctc"].to_numpy())[:600]:
            gap = np.hypot(*(xy - xy[k]).T) - reach - reach[k]
            other = (cluster != cluster[k]) | (cluster == -1)
            other[k] = False
            assert gap[other].min() > 0

    def test_too_crowded(self) -> None:
        with pytest.raises(InputError, match="finds room"):
            phantom(PhantomSpec(frames=1, frame_width=128, frame_height=128, tumour_cells=90), 1)


class TestPopulation:
    @pytest.mark.parametrize("wanted", [0, 1, 2, 5, 500])
    def test_tumour_cells(self, wanted: int) -> None:
        made = phantom(PhantomSpec(tumour_cells=wanted), 6)
        assert made.truth["is_ctc"].sum() == wanted
        assert sum(event.assigned for event in made.cartridge.events) == wanted

    def test_medians(self, large: Phantom) -> None:
        of = {k: large.truth.filter(pl.col("kind") == k) for k in KINDS}
        ctc, leukocyte = of["ctc"], of["leukocyte"]
        assert ctc["diameter_um"].median() == pytest.approx(12.4, rel=0.02)
        assert leukocyte["diameter_um"].median() == pytest.approx(9.4, rel=0.02)
        assert 7 < leukocyte["nucleus_diameter_um"].median() < 8
        assert ctc["ck_counts"].median() == pytest.approx(500, rel=0.05)
        assert ctc["ck_counts"].is_between(80, 3000).all()
        assert leukocyte["cd45_counts"].is_between(40, 500).all()
        assert ctc["cd45_counts"].max() == 0
        assert (ctc["nucleus_diameter_um"] < ctc["diameter_um"]).all()

    @pytest.mark.parametrize("per_frame", [24, 420])
    def test_nuclei_per_frame(self, per_frame: int) -> None:
        spec = PhantomSpec(nuclei_per_frame=per_frame, unclassified_share=0.3)
        nuclei = phantom(spec, 2).truth.filter(pl.col("kind").is_in(KINDS[1:3]))
        assert nuclei.height == 35 * per_frame
        assert (nuclei["kind"] == KINDS[2]).sum() == round(0.3 * nuclei.height)
        counts = np.bincount(nuclei["frame"].to_numpy(), minlength=36)[1:]
        assert abs(counts.mean() - per_frame) < 1e-9
        # Poisson, a little wider by clumps.
        assert 0.5 < counts.var(ddof=1) / per_frame < 3

    def test_her2_of_leukocytes(self, large: Phantom) -> None:
        density = large.truth.filter(pl.col("kind") == "leukocyte")["her2_density"]
        assert density.mean() == pytest.approx(1, abs=0.02)
        assert density.std() == pytest.approx(0.4, abs=0.02)

    @pytest.mark.parametrize("mix", list(HER2_MIXES))
    def test_shares_of_her2_classes(self, mix: str) -> None:
        spec = her2_spec(PhantomSpec(tumour_cells=2000), mix, controls=15)
        made = phantom(spec, 3)
        ctc = made.truth.filter("is_ctc")
        counts = np.bincount(ctc["her2_class"].to_numpy(), minlength=4)
        assert counts.tolist() == [round(2000 * share) for share in HER2_MIXES[mix]]
        for k, median in enumerate(spec.her2_density):
            part = ctc.filter(pl.col("her2_class") == k)["her2_density"]
            if len(part):
                assert part.median() == pytest.approx(median, rel=0.07)
                assert np.log(part.to_numpy()).std() == pytest.approx(0.3, rel=0.15)
        wanted = [15, 15] if mix == "ladder" else [0, 0]
        kinds = made.controls["kind"].to_list()
        assert [kinds.count(k) for k in KINDS[-2:]] == wanted

    def test_every_kind(self, busy: Phantom) -> None:
        assert set(busy.truth["kind"]) == set(KINDS)
        assert busy.truth["object_id"].to_list() == list(range(1, busy.truth.height + 1))
        assert busy.truth.filter("is_ctc")["kind"].unique().to_list() == ["ctc"]


class TestLight:
    def test_her2_ladder(self) -> None:
        spec = PhantomSpec(
            frames=1, frame_width=3000, frame_height=2500,
            **{**EMPTY, **FLAT, "tumour_cells": 120, "nuclei_per_frame": 60},
            cluster_share=0, clump_share=0, bleed_through=0, unclassified_share=0.0,
            her2_mix=HER2_MIXES["ladder"],
        )  # fmt: skip
        made = phantom(spec, 9)
        frame, seen, true = made.expected(0), [], []
        for kind in ("ctc", "leukocyte"):
            for row in isolated(made, kind)[:25]:
                seen.append(flux(made, frame, HER2, row) / area_px(row) / 12)
                true.append(row["her2_density"])
        assert len(seen) >= 40
        np.testing.assert_allclose(seen, true, rtol=0.02, atol=0.02)

    @pytest.mark.parametrize(
        ("kind", "channel", "column"),
        [("ctc", CK, "ck_counts"), ("leukocyte", CD45, "cd45_counts"),
         ("apoptotic_ctc", CK, "ck_counts"), ("ck_without_nucleus", CK, "ck_counts"),
         ("debris", CD45, "cd45_counts")],
    )  # fmt: skip
    def test_counts_of_a_cell(self, kind: str, channel: int, column: str) -> None:
        numbers = {**EMPTY, "tumour_cells": 8, "nuclei_per_frame": 8, "apoptotic_ctcs": 8,
                   "ck_bodies": 8, "debris": 8}  # fmt: skip
        spec = PhantomSpec(
            frames=1, frame_width=1400, frame_height=1200, **{**FLAT, **numbers},
            bleed_through=0, unclassified_share=0, cluster_share=0, clump_share=0,
        )  # fmt: skip
        made = phantom(spec, 12)
        rows, frame = isolated(made, kind), made.expected(0)
        assert len(rows) >= 3
        for row in rows:
            assert flux(made, frame, channel, row) / area_px(row) == pytest.approx(
                row[column], rel=0.02
            )

    def test_bleed_through(self) -> None:
        spec = PhantomSpec(
            frames=1, frame_width=600, frame_height=600, **{**EMPTY, **FLAT, "ck_bodies": 6},
            her2_density=(0.0, 0.0, 0.0, 0.0),
        )  # fmt: skip
        made = phantom(spec, 2)
        rows, frame = isolated(made, "ck_without_nucleus"), made.expected(0)
        assert rows
        for row in rows:
            ck = flux(made, frame, CK, row)
            assert flux(made, frame, HER2, row) == pytest.approx(0.01 * ck, rel=0.05)

    def test_vignetting(self) -> None:
        spec = PhantomSpec(frames=1, **{**EMPTY, **FLAT, "vignetting": 0.3})
        page = phantom(spec, 1).expected(0)[DAPI] - 120
        assert page[518, 692] == pytest.approx(60, rel=1e-3)
        assert page[0, 0] == pytest.approx(0.7 * 60, rel=1e-3)

    def test_background_is_uneven_and_goes_on(self) -> None:
        spec = PhantomSpec(frames=2, **{**EMPTY, "vignetting": 0.0})
        made = phantom(spec, 1)
        left, right = made.expected(0)[CK], made.expected(1)[CK]
        assert np.ptp(left) > 2
        np.testing.assert_allclose(left[:, -1], right[:, 0], atol=0.15)

    def test_defocus_blurs(self) -> None:
        spec = PhantomSpec(frames=2, frame_width=400, frame_height=400, nuclei_per_frame=20)
        sharp = phantom(replace(spec, focus_sd_um=0, tilt_um=0), 1).expected(0)[DAPI]
        dull = phantom(replace(spec, focus_sd_um=0, tilt_um=10), 1).expected(0)[DAPI]
        assert dull.max() < 0.8 * sharp.max()
        assert dull.mean() == pytest.approx(sharp.mean(), rel=0.01)

    def test_exposure_and_gain(self) -> None:
        spec = PhantomSpec(**SMALL, noise=False)
        plain = phantom(spec, 1).expected(0) - np.reshape(spec.offset_counts, (4, 1, 1))
        for change in ({"exposure": (2.0, 0.5, 1.5, 1.0)}, {"gain": (2.0, 0.5, 1.5, 1.0)}):
            other = phantom(replace(spec, **change), 1)
            seen = other.expected(0) - np.reshape(spec.offset_counts, (4, 1, 1))
            factor = np.reshape(next(iter(change.values())), (4, 1, 1))
            np.testing.assert_allclose(seen, factor * plain, rtol=1e-3, atol=0.02)


class TestCamera:
    @pytest.mark.parametrize("counts", [0.0, 1.0, 3.0, 10.0, 60.0, 800.0])
    @pytest.mark.parametrize("gain", [0.5, 2.0])
    def test_photon_transfer(self, counts: float, gain: float) -> None:
        """Variance = gain (signal / electrons per count) + gain^2 read^2 + rounding."""
        spec = PhantomSpec(
            frames=1, frame_width=900, frame_height=800, **{**EMPTY, **FLAT}, gain=(gain,) * 4,
            background_counts=(counts,) * 4,
            electrons_per_count=2.0, read_noise_electrons=5.0,
        )  # fmt: skip
        frame = phantom(spec, 3).cartridge.load(0).astype(float)
        offset = np.array(spec.offset_counts)
        electrons = 2.0 * counts
        scale = gain / 2.0
        error = frame.std() / np.sqrt(frame[0].size)
        np.testing.assert_allclose(frame.mean(axis=(1, 2)) - offset, gain * counts, atol=5 * error)
        wanted = scale**2 * (electrons + 25.0) + 1 / 12
        np.testing.assert_allclose(frame.var(axis=(1, 2)), wanted, rtol=0.01)
        wanted_skew = electrons * scale**3 / wanted**1.5
        np.testing.assert_allclose(skew(frame.reshape(4, -1), axis=1), wanted_skew, atol=0.025)

    def test_exposure_brings_photons_and_gain_does_not(self) -> None:
        ratios = {}
        for name in ("exposure", "gain"):
            spec = PhantomSpec(
                frames=1, **{**EMPTY, **FLAT}, read_noise_electrons=0.0, **{name: (4.0,) * 4}
            )
            page = phantom(spec, 1).cartridge.load(0)[DAPI].astype(float) - 120
            ratios[name] = page.mean() / page.std()
        assert ratios["exposure"] == pytest.approx(2 * ratios["gain"], rel=0.02)

    def test_channels_and_neighbours_are_independent(self) -> None:
        frame = phantom(PhantomSpec(frames=1, **{**EMPTY, **FLAT}), 1).cartridge.load(0)
        noise = frame.astype(float) - frame.mean(axis=(1, 2), keepdims=True)
        assert np.abs(np.corrcoef(noise.reshape(4, -1)) - np.eye(4)).max() < 0.005
        for shifted in (np.roll(noise, 1, 1), np.roll(noise, 1, 2)):
            assert abs((noise * shifted).mean() / noise.var()) < 0.003

    def test_saturation(self) -> None:
        made = blob_frame(16000.0)
        frame = made.cartridge.load(0)
        blob = made.truth.filter(pl.col("kind") == "blob").to_dicts()[0]
        x, y = round(blob["x_px"]), round(blob["y_px"])
        assert frame.max() == 4095
        assert (frame[:, y - 6 : y + 7, x - 6 : x + 7] == 4095).all()

    def test_without_noise(self) -> None:
        made = phantom(PhantomSpec(**SMALL, noise=False), 1)
        wanted = np.clip(np.rint(made.expected(1)), 0, 4095)
        np.testing.assert_array_equal(made.cartridge.load(1), wanted)


class TestBlankAndBlob:
    def test_blank_has_no_nucleus_with_cytokeratin(self) -> None:
        """In 35 rendered frames no nucleus has cytokeratin above the leukocytes' haze."""
        made = phantom(blank(PhantomSpec(tumour_cells=50, nuclei_per_frame=80, noise=False)), 4)
        assert made.truth["is_ctc"].sum() == 0
        assert set(made.truth["kind"]) == {*KINDS[1:3], "ck_without_nucleus", "debris"}
        nuclei = made.truth.filter(pl.col("kind").is_in(KINDS[1:3]))
        layout = made.cartridge.layout
        brightest = 0
        for index, number in enumerate(layout.numbers):
            left, top = layout.origin(index)
            here = nuclei.filter(pl.col("frame") == number)
            x = here["x_px"].to_numpy().round().astype(int) - left
            y = here["y_px"].to_numpy().round().astype(int) - top
            ck = made.cartridge.load(index)[CK]
            inside = (x >= 0) & (x < layout.width) & (y >= 0) & (y < layout.height)
            brightest = max(brightest, int(ck[y[inside], x[inside]].max()))
        assert brightest < 150 + 45 * 1.2 + 40

    def test_tumour_cells_do_show(self) -> None:
        made = phantom(PhantomSpec(frames=1, tumour_cells=20, noise=False, **FLAT), 4)
        ck = made.cartridge.load(0)[CK].astype(float)
        for row in made.truth.filter("is_ctc").to_dicts():
            x, y = round(row["x_px"]), round(row["y_px"])
            assert ck[y - 3 : y + 4, x - 3 : x + 4].mean() > 150 + 45 + 0.6 * row["ck_counts"]

    def test_sweep_keeps_the_cells(self) -> None:
        made = [blob_frame(counts, 7) for counts in BLOB_SWEEP]
        place = ["kind", "x_px", "y_px"]
        assert all(m.truth.select(place).equals(made[0].truth.select(place)) for m in made)
        assert made[0].truth["is_ctc"].sum() == 11
        assert made[0].truth["nucleus_diameter_um"].is_not_null().sum() == 63
        peaks = [float(m.expected(0)[CK].max()) for m in made]
        assert peaks[1:] == sorted(peaks[1:])
        assert peaks[-1] > 15000


@pytest.fixture(scope="module")
def plain() -> Cartridge:
    """Six small frames with the usual objects."""
    return phantom(PhantomSpec(**SMALL), 1).cartridge


class TestPerturbations:
    def test_gain_and_offset(self, plain: Cartridge) -> None:
        before = plain.load(1).astype(float)
        louder = with_gain(plain, (0.5, 1, 2, 1), offset=100).load(1)
        wanted = np.clip((before - 100) * np.reshape([0.5, 1, 2, 1], (4, 1, 1)) + 100, 0, 4095)
        assert np.abs(louder - wanted).max() <= 0.5
        np.testing.assert_array_equal(with_offset(plain, 7).load(1), np.minimum(before + 7, 4095))

    def test_vignetting(self, plain: Cartridge) -> None:
        before, after = plain.load(0).astype(float), with_vignetting(plain, 0.3).load(0)
        ratio = after / before
        assert ratio[:, 128, 160].min() > 0.99
        assert abs(ratio[:, 0, 0].mean() - 0.7) < 0.01

    def test_blob_bubble_and_rim(self, plain: Cartridge) -> None:
        left, top = plain.layout.origin(4)
        blob = with_blob(plain, 1000, x_px=left + 50, y_px=top + 60)
        added = blob.load(4).astype(int) - plain.load(4)
        assert added[:, 60, 50].tolist() == [1000] * 4
        assert (added > 0).sum() / 4 == pytest.approx(np.pi * 12.5**2, rel=0.05)
        np.testing.assert_array_equal(blob.load(0), plain.load(0))
        bubble = with_bubble(plain, 300, x_px=left + 150, y_px=top + 120, radius_px=60)
        added = bubble.load(4).astype(int) - plain.load(4)
        assert added[:, 120, 210].min() > 200
        assert np.abs(added[:, 0, 0]).max() == 0
        band = with_rim(plain, 500, width_px=30)
        at = {c: i for i, (c, r) in enumerate(plain.layout.places) if r == 0}
        first = band.load(at[0]).astype(int) - plain.load(at[0])
        last = band.load(at[max(at)]).astype(int) - plain.load(at[max(at)])
        assert first[:, :, 5].min() == 500
        assert last[:, :, -5].min() == 500
        assert first[:, :, 100:].max() == 0

    def test_black_and_saturated(self, plain: Cartridge) -> None:
        assert all_black(plain).load(0).max() == 0
        assert all_saturated(plain).load(0).min() == 4095

    def test_stretch(self, plain: Cartridge) -> None:
        before, after = plain.load(0).astype(float), with_8_bit_stretch(plain).load(0)
        step = np.ptp(before, axis=(1, 2)) / 255
        assert (np.abs(after - before).max(axis=(1, 2)) <= step / 2 + 0.5).all()
        assert max(len(np.unique(page)) for page in after) <= 256


class TestRefusals:
    def test_all_faults_at_once(self) -> None:
        with pytest.raises(InputError) as caught:
            PhantomSpec(
                frames=0, tumour_cells=2.5, nuclei_per_frame=float("nan"), vignetting=2,
                ck_range=(300, 80), her2_mix=(0.5, 0.1, 0, 0), gain=(1.0, 1.0),
                offset_counts=("a", 1, 1, 1), noise=True,
            )  # fmt: skip
        columns = [problem.column for problem in caught.value.problems]
        assert sorted(columns) == sorted(
            ["frames", "tumour_cells", "nuclei_per_frame", "vignetting", "ck_range", "her2_mix",
             "gain", "offset_counts"]
        )  # fmt: skip

    @pytest.mark.parametrize(
        "change", [{"tumour_cells_on_seams": 11}, {"tumour_cells_on_seams": 1, "frames": 1}]
    )
    def test_seams(self, change: dict) -> None:
        with pytest.raises(InputError, match="tumour_cells_on_seams"):
            PhantomSpec(**change)

    @pytest.mark.parametrize("seed", [-1, 1.5, True])
    def test_seed(self, seed: int) -> None:
        with pytest.raises(InputError, match="seed"):
            phantom(PhantomSpec(**SMALL), seed)


def files(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


KNOBS = {"frames": 4, "frame_width": 256, "frame_height": 192, "tumour_cells": 2,
         "nuclei_per_frame": 6, "debris": 1, "ck_bodies": 2}  # fmt: skip


class TestFolder:
    def made(self, out: Path, **more: object):
        return simulate_cartridge(out=out, **{**KNOBS, **more})

    # CellTracksXp takes its grid from the number of frames, and knows none of four.
    @pytest.mark.parametrize("format", [f for f in FORMATS if f != "celltracksxp"])
    def test_read_back(self, tmp_path: Path, format: str) -> None:
        from ashworth.imaging.readers import open_folder

        made = self.made(tmp_path / "c", format=format, seed=3)
        again = open_folder(made.images)
        assert (again.format, again.simulated) == (FORMATS[format], True)
        truth = phantom(PhantomSpec(**KNOBS), 3)
        place = {p: i for i, p in enumerate(again.layout.places)}
        assert len(place) == 4
        order = [again.index_of(c.role) for c in truth.cartridge.channels]
        for index, where in enumerate(truth.cartridge.layout.places):
            pixels = truth.cartridge.load(index).astype(float)
            seen = again.load(place[where])[order]
            step = np.ptp(pixels, axis=(1, 2), keepdims=True) / 255 if format == "celltracks" else 0
            assert (np.abs(seen - pixels) <= step / 2 + 0.5 * (np.max(step) > 0)).all()

    def test_truth_beside_the_images(self, tmp_path: Path) -> None:
        told = []
        made = self.made(
            tmp_path / "c", her2="ladder", progress=lambda *step: told.append(step), seed=5
        )
        record = json.loads((tmp_path / "c/truth/truth.json").read_text())
        table = pl.read_csv(tmp_path / "c/truth/truth.csv")
        assert record["simulated"] is True
        assert (record["tumour_cells"], record["seed"]) == (2, 5)
        assert PhantomSpec(
            **{k: tuple(v) if isinstance(v, list) else v for k, v in record["spec"].items()}
        ) == replace(her2_spec(PhantomSpec(), "ladder"), **KNOBS)
        assert table.filter("is_ctc").height == 2
        assert dict(table["kind"].value_counts().iter_rows()) == record["objects"] == made.objects
        assert set(record["files"]) | {"truth/truth.json"} == set(files(tmp_path / "c"))
        assert [step[1:] for step in told][-1] == (4, 4)
        assert "SIMULATED" in made.lines()[0]

    def test_same_bytes(self, tmp_path: Path) -> None:
        for name, seed in (("a", 1), ("b", 1), ("c", 2)):
            self.made(tmp_path / name, format="tiff", seed=seed)
        a, b, c = (files(tmp_path / name) for name in "abc")
        assert a == b
        assert a["truth/truth.csv"] != c["truth/truth.csv"]

    def test_replaces_its_own_work_only(self, tmp_path: Path) -> None:
        self.made(tmp_path / "c", seed=1)
        self.made(tmp_path / "c", seed=2)
        assert [p.name for p in (tmp_path / "c/images").iterdir()] == ["phantom-2"]
        (tmp_path / "c/note.txt").write_text("mine")
        with pytest.raises(InputError, match=r"note\.txt"):
            self.made(tmp_path / "c")

    def test_no_tumour_cells_is_blank(self, tmp_path: Path) -> None:
        made = self.made(tmp_path / "c", tumour_cells=0)
        assert not set(made.objects) & {"ctc", "apoptotic_ctc", "doublet"}

    def test_bad_knobs_leave_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="2 problems"):
            self.made(tmp_path / "c", frames=0, nuclei_per_frame=-1)
        assert list(tmp_path.iterdir()) == []


PROGRAM = "import sys; {before}; from ashworth.cli import main; main(sys.argv[1:])"


def call(*words: object, before: str = "pass") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM.format(before=before), "simulate", "cartridge"]
    return subprocess.run([*command, *map(str, words)], capture_output=True, text=True, check=False)


class TestCommand:
    def test_json(self, tmp_path: Path) -> None:
        options = "--frames 1 --tumour-cells 3 --format tiff --nuclei-per-frame 9 --gain 2 --json"
        done = call("--out", tmp_path / "c", "--compression", "zlib", *options.split())
        assert (done.returncode, done.stderr) == (0, "")
        document = json.loads(done.stdout)
        assert document["simulated"] is True
        assert document["objects"]["ctc"] == 3
        assert json.loads(Path(document["truth"]).read_text())["spec"]["gain"] == [2.0] * 4

    def test_without_the_imaging_packages(self, tmp_path: Path) -> None:
        done = call("--out", tmp_path / "c", before="sys.modules['cv2'] = None")
        assert done.returncode == 1
        assert "pip install 'ashworth[imaging]'" in done.stderr
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "c").exists()
