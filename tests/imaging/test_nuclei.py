"""Nuclei: hand-drawn masks, what every label image must be, bad input."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from ashworth.errors import InputError
from ashworth.imaging import nuclei_network
from ashworth.imaging.nuclei import NucleiSettings, segment_nuclei
from ashworth.imaging.nuclei_convolution import convolve
from ashworth.imaging.nuclei_network import Network, apply, look_at_image, shipped_network
from ashworth.imaging.nuclei_regions import boxes, connected_parts, fill_holes, largest_parts

FOLDER = Path(__file__).resolve().parents[1] / "data" / "nuclei"
NAMES = sorted(p.name.removesuffix(".labels.png") for p in FOLDER.glob("*.labels.png"))


def f1(drawn: np.ndarray, labels: np.ndarray) -> float:
    both = np.zeros((drawn.max() + 1, labels.max() + 1))
    np.add.at(both, (drawn.ravel(), labels.ravel()), 1)
    union = both.sum(axis=1)[1:, None] + both.sum(axis=0)[None, 1:] - both[1:, 1:]
    return 2 * (both[1:, 1:] > 0.5 * union).sum() / (drawn.max() + labels.max())


def scene(rng: np.random.Generator, n: int = 60, diameter: float = 12) -> tuple:
    """Simulated frame of blurred ellipses with Poisson noise, and the number of them."""
    image = np.zeros((220, 260), np.float32)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    for _ in range(n):
        a, b = rng.uniform(0.4, 0.6, 2) * diameter
        inside = ((y - rng.uniform(5, 215)) / a) ** 2 + ((x - rng.uniform(5, 255)) / b) ** 2 < 1
        image[inside] = np.maximum(image[inside], rng.uniform(500, 1500))
    return rng.poisson(cv2.GaussianBlur(image, (0, 0), 1.0) + 100).astype(np.uint16)


def well_formed(labels: np.ndarray, shape: tuple[int, ...]) -> None:
    assert labels.dtype == np.int32
    assert labels.shape == shape
    numbers = np.unique(labels[labels > 0])
    assert np.array_equal(numbers, np.arange(1, numbers.size + 1))
    for k in numbers:
        assert ndimage.label(labels == k)[1] == 1
        assert np.array_equal(ndimage.binary_fill_holes(labels == k), labels == k)


def load(name: str) -> tuple[np.ndarray, np.ndarray]:
    image = cv2.imread(str(FOLDER / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
    drawn = cv2.imread(str(FOLDER / f"{name}.labels.png"), cv2.IMREAD_UNCHANGED)
    return image, drawn.astype(np.int32)


def test_hand_drawn_nuclei_are_found() -> None:
    assert len(NAMES) >= 5
    scores = []
    for name in NAMES:
        image, drawn = load(name)
        labels = segment_nuclei(image)
        well_formed(labels, image.shape)
        scores.append(f1(drawn, labels))
    assert min(scores) >= 0.85
    assert np.mean(scores) >= 0.94


@pytest.mark.parametrize("gain", [0.5, 2.0])
def test_gain_and_offset_change_little(gain: float) -> None:
    image, drawn = load(NAMES[0])
    other = (image.astype(np.float32) * gain + 300).astype(np.float32)
    assert f1(segment_nuclei(image), segment_nuclei(other)) >= 0.9
    assert f1(drawn, segment_nuclei(other)) >= 0.85


@given(st.integers(0, 10**6), st.sampled_from([None, 350.0]), st.sampled_from([None, 12.0]))
@settings(max_examples=12, deadline=None)
def test_labels_are_whole_regions(
    seed: int, threshold: float | None, diameter: float | None
) -> None:
    image = scene(np.random.default_rng(seed))
    chosen = NucleiSettings(diameter_px=diameter, threshold=threshold)
    labels = segment_nuclei(image, chosen)
    well_formed(labels, image.shape)
    assert labels.max() >= 20
    assert np.array_equal(labels, segment_nuclei(image, chosen))


def test_touching_disks_are_divided() -> None:
    image = np.full((60, 80), 100, np.float32)
    y, x = np.mgrid[:60, :80]
    for a, b in ((20, 20), (20, 31), (40, 60), (48, 53)):
        image[(y - a) ** 2 + (x - b) ** 2 <= 36] = 900
    image = cv2.GaussianBlur(image, (0, 0), 0.8)
    labels = segment_nuclei(image, NucleiSettings(diameter_px=12, threshold=400))
    assert labels.max() == 4
    assert len({labels[20, 20], labels[20, 31], labels[40, 60], labels[48, 53]}) == 4


def test_a_large_convex_nucleus_stays_whole_and_small_specks_go() -> None:
    image = np.full((80, 80), 100, np.uint16)
    cv2.circle(image, (40, 40), 7, 900, -1)
    image[5:7, 5:7] = 900
    labels = segment_nuclei(image, NucleiSettings(diameter_px=12, threshold=400))
    assert labels.max() == 1
    assert labels[40, 40] == 1
    kept = segment_nuclei(image, NucleiSettings(diameter_px=12, threshold=300, smallest_px=1))
    assert kept.max() == 2


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (33, 47)])
@pytest.mark.parametrize("level", [0, 255])
@pytest.mark.parametrize("threshold", [None, 10.0])
def test_images_without_contrast_have_no_nuclei(kind, shape, level, threshold) -> None:
    image = np.full(shape, level, kind)
    assert segment_nuclei(image, NucleiSettings(threshold=threshold)).max() == 0
    assert segment_nuclei(image, NucleiSettings(12.0, threshold)).max() == 0


def test_noise_alone_or_a_threshold_below_everything_does_no_harm() -> None:
    rng = np.random.default_rng(5)
    image = rng.normal(100, 5, (64, 64)).astype(np.float32)
    well_formed(segment_nuclei(image), image.shape)
    for threshold in (0.0, 99.0, 1e4):
        labels = segment_nuclei(image, NucleiSettings(12.0, threshold))
        well_formed(labels, image.shape)
    assert labels.max() == 0


def test_bad_input_is_refused_with_every_fault() -> None:
    image = np.full((4, 4), 1, np.float32)
    image[1, 2] = np.nan
    with pytest.raises(InputError, match="1 pixels that are not finite") as caught:
        segment_nuclei(image, NucleiSettings(diameter_px=1, smallest_px=0))
    assert len(caught.value.problems) == 3
    with pytest.raises(InputError, match="dimensions"):
        segment_nuclei(np.zeros((2, 3, 4), np.uint8))
    with pytest.raises(InputError, match="int64"):
        segment_nuclei(np.zeros((3, 4), np.int64))
    with pytest.raises(InputError, match="threshold"):
        segment_nuclei(np.zeros((3, 4), np.uint8), NucleiSettings(threshold=float("nan")))


def correlated(planes: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """The plain twin of `convolve`."""
    kernels = weights.astype(float).reshape(bias.size, 3, 3, -1).transpose(0, 3, 1, 2)
    return np.stack([
        b + sum(ndimage.correlate(p.astype(float), k, mode="constant")
                for p, k in zip(planes, kernel, strict=True))
        for b, kernel in zip(bias, kernels, strict=True)
    ])  # fmt: skip


@pytest.mark.parametrize("shape", [(4, 9, 11), (8, 1, 700), (4, 40, 3)])
def test_convolution_agrees_with_plain_correlation(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(2)
    planes = rng.normal(size=shape).astype(np.float32)
    weights = rng.normal(size=(3, 9 * shape[0])).astype(np.float32)
    bias = rng.normal(size=3).astype(np.float32)
    wanted = correlated(planes, weights, bias)
    np.testing.assert_allclose(convolve(planes, weights, bias), wanted, rtol=1e-4, atol=1e-4)


def plain_apply(network: Network, view: np.ndarray) -> np.ndarray:
    """The network's graph in other words: block reductions and Kronecker products."""

    def layer(k: int, *planes: np.ndarray) -> np.ndarray:
        found = correlated(np.concatenate(planes), *astuple(network.layers[k]))
        return found if k == 9 else np.maximum(found, 0)

    def halved(x: np.ndarray) -> np.ndarray:
        return x.reshape(len(x), x.shape[1] // 2, 2, x.shape[2] // 2, 2).max(axis=(2, 4))

    def doubled(x: np.ndarray) -> np.ndarray:
        return np.kron(x, np.ones((1, 2, 2)))

    folded = np.stack([view[0::2, 0::2], view[0::2, 1::2], view[1::2, 0::2], view[1::2, 1::2]])
    fine = layer(1, layer(0, folded))
    middle = layer(3, layer(2, halved(fine)))
    coarse = layer(5, layer(4, halved(middle)))
    out = layer(9, layer(8, layer(7, doubled(layer(6, doubled(coarse), middle)), fine)))
    whole = np.zeros((2, *view.shape))
    for k, plane in enumerate(out):
        whole[k // 4, k // 2 % 2 :: 2, k % 2 :: 2] = plane
    return whole


def test_network_agrees_with_its_plain_twin() -> None:
    view = np.random.default_rng(4).normal(1, 1, (24, 40)).astype(np.float32)
    wanted = plain_apply(shipped_network(), view)
    np.testing.assert_allclose(apply(shipped_network(), view), wanted, atol=1e-3)


def test_squares_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    view = np.random.default_rng(3).normal(1, 1, (202, 183)).astype(np.float32)
    whole = look_at_image(shipped_network(), view)
    monkeypatch.setattr(nuclei_network, "TILE", 64)
    np.testing.assert_allclose(look_at_image(shipped_network(), view), whole, atol=1e-4)


def test_mirror_image_has_mirrored_nuclei() -> None:
    view = np.random.default_rng(6).normal(1, 1, (64, 80)).astype(np.float32)
    seen = np.stack(look_at_image(shipped_network(), view))
    other = np.stack(look_at_image(shipped_network(), np.ascontiguousarray(view[:, ::-1])))
    np.testing.assert_allclose(other[:, :, ::-1], seen, atol=1e-4)


@given(st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_kernels_agree_with_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = (ndimage.gaussian_filter(rng.random((31, 45)), 1) > 0.5).astype(np.uint8)
    wanted, n = ndimage.label(mask)
    labels, parts = connected_parts(mask.astype(np.int32))
    assert parts == n
    assert np.array_equal(labels, wanted)
    box = boxes(labels, n)
    for k, (rows, columns) in enumerate(ndimage.find_objects(wanted), 1):
        assert tuple(box[k]) == (rows.start, columns.start, rows.stop - 1, columns.stop - 1)
    kept = largest_parts(mask.astype(np.int32), 1, 1)
    assert kept.sum() == np.bincount(wanted.ravel())[1:].max()
    filled = kept.copy()
    fill_holes(filled, boxes(filled, 1))
    assert np.array_equal(filled > 0, ndimage.binary_fill_holes(kept > 0))
