"""Train the network that divides touching nuclei, and write its weights.

Run: .venv/bin/python reference/train_nuclei.py FOLDER OUT.json [steps] [fold of 4 to leave out]
FOLDER as for `validate_nuclei.py`. Plain numpy: convolutions by matrix products, Adam with a cosine
schedule, exponential mean of the weights.

The shipped weights were not made by this file but by the draft that it rewrites: same network, loss
and augmentation; runs of 1600, 2200, 1900 and 1250 steps on all 48 images, each from the weights of
the one before (seeds 0, 7, 11, 13; highest rates 3e-3, 2.5e-3, 2.5e-3, 2e-3). This file starts
anew each time, and has not been run to the end.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ashworth.imaging.nuclei_foreground import Survey, survey

Floats = NDArray[np.float32]
DILATIONS = (1, 1, 2, 4, 2, 1, 1)
PLANES = 16
WIDTH_PX = 11.8
SIDE = 96
BATCH = 8
SCALES = (0.8, 0.92, 1.06, 1.22)


def unfold(x: Floats, d: int) -> Floats:
    """Nine shifted copies of each plane, shape (9 * planes, pixels)."""
    c, h, w = x.shape
    padded = np.pad(x, ((0, 0), (d, d), (d, d)))
    taps = [padded[:, k * d : k * d + h, j * d : j * d + w] for k in range(3) for j in range(3)]
    return np.concatenate(taps).reshape(9 * c, h * w)


def flipped(weights: Floats) -> Floats:
    """Weights of the convolution that carries gradients back."""
    out, taps = weights.shape[0], weights.reshape(weights.shape[0], 9, -1)
    return np.ascontiguousarray(taps[:, ::-1].transpose(2, 1, 0).reshape(-1, 9 * out))


def fold(x: Floats) -> Floats:
    """The four pixels of each 2 x 2 square as planes."""
    return np.stack([x[i::2, j::2] for i in (0, 1) for j in (0, 1)])


def spread(planes: Floats) -> Floats:
    """Undo `fold`."""
    out = np.empty((2 * planes.shape[1], 2 * planes.shape[2]), np.float32)
    for k, plane in enumerate(planes):
        out[k // 2 :: 2, k % 2 :: 2] = plane
    return out


@dataclass
class Net:
    """Weights and biases from the first layer to the last."""

    weights: list[Floats]
    biases: list[Floats]

    @classmethod
    def new(cls, rng: np.random.Generator) -> Net:
        """He's initial weights, smaller where a layer adds to its input."""
        depth = [4] + [PLANES] * (len(DILATIONS) - 1)
        size = [1.0] + [0.3] * (len(DILATIONS) - 2)
        weights = [
            (rng.standard_normal((PLANES, 9 * c)) * s * np.sqrt(2 / (9 * c))).astype(np.float32)
            for c, s in zip(depth, size, strict=False)
        ]
        weights.append((rng.standard_normal((8, 9 * PLANES)) * 0.02).astype(np.float32))
        biases = [np.zeros(PLANES, np.float32) for _ in DILATIONS[:-1]]
        return cls(weights, [*biases, np.array([-1.0] * 4 + [0.1] * 4, np.float32)])

    def forward(self, x: Floats) -> tuple[Floats, list[Floats], list[NDArray[np.bool_]]]:
        """Output planes, unfolded inputs of each layer, where it was active."""
        inputs, active = [], []
        for k, d in enumerate(DILATIONS):
            taps = unfold(x, d)
            z = (self.weights[k] @ taps + self.biases[k][:, None]).reshape(-1, *x.shape[1:])
            inputs.append(taps)
            if k == len(DILATIONS) - 1:
                return z, inputs, active
            active.append(z > 0)
            z = np.maximum(z, 0)
            x = z if k == 0 else x + z
        raise AssertionError

    def backward(self, slope: Floats, inputs: list[Floats], active: list) -> list[Floats]:
        """Gradients of all weights, then of all biases."""
        weights, biases = [], []
        g, carried = slope, None
        for k in range(len(DILATIONS) - 1, -1, -1):
            flat = g.reshape(g.shape[0], -1)
            weights.insert(0, flat @ inputs[k].T)
            biases.insert(0, flat.sum(axis=1))
            if k == 0:
                break
            back = (flipped(self.weights[k]) @ unfold(g, DILATIONS[k])).reshape(-1, *g.shape[1:])
            carried = back if carried is None else carried + back
            g = carried * active[k - 1]
        return weights + biases


def targets(drawn: NDArray[np.int32]) -> tuple[Floats, Floats, Floats]:
    """Nucleus or not, distance from the edge relative to the centre's, weight of each pixel."""
    distance, weight = np.zeros(drawn.shape, np.float32), np.ones(drawn.shape, np.float32)
    for k, box in enumerate(ndimage.find_objects(drawn), 1):
        if box is None:
            continue
        wide = tuple(slice(max(s.start - 1, 0), s.stop + 1) for s in box)
        mask = (drawn[wide] == k).astype(np.uint8)
        framed = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
        d = cv2.distanceTransform(framed, cv2.DIST_L2, 5)[1:-1, 1:-1]
        distance[wide] += np.where(mask > 0, np.minimum(d / max(d.max(), 1), 1), 0)
        share = np.pi / 4 * WIDTH_PX**2 / mask.sum()
        weight[wide][mask > 0] = np.clip(np.sqrt(share), 1, 3)
    inside = drawn > 0
    weight[(cv2.dilate(inside.astype(np.uint8), np.ones((5, 5))) > 0) & ~inside] = 2
    highest = cv2.dilate(drawn.astype(np.float32), np.ones((3, 3)))
    lowest = cv2.erode(np.where(inside, drawn, 1e6).astype(np.float32), np.ones((3, 3)))
    gap = ((lowest < 1e5) & (highest > 0) & (highest != lowest)).astype(np.uint8)
    weight[cv2.dilate(gap, np.ones((3, 3))) > 0] *= 2
    return inside.astype(np.float32), distance, weight


@dataclass
class Image:
    """An image at several scales, with its targets."""

    found: Survey
    versions: list[tuple[Floats, Floats, Floats, Floats]] = field(default_factory=list)


def load(path: Path) -> Image:
    """Read an image and its masks; a width wider than half the image is taken from the masks."""
    image = cv2.imread(str(path).replace(".labels.png", ".png"), 0).astype(np.float32)
    drawn = cv2.imread(str(path), -1).astype(np.float32)
    found = survey(image)
    width = found.diameter_px
    if width > 0.4 * min(image.shape):
        width = float(np.sqrt(np.median(np.unique(drawn, return_counts=True)[1][1:]) * 4 / np.pi))
    loaded = Image(found)
    for factor in SCALES:
        scale = factor * WIDTH_PX / width
        size = (max(8, round(image.shape[1] * scale)), max(8, round(image.shape[0] * scale)))
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        labels = cv2.resize(drawn, size, interpolation=cv2.INTER_NEAREST).astype(np.int32)
        loaded.versions.append((cv2.resize(image, size, interpolation=way), *targets(labels)))
    return loaded


def sample(images: list[Image], rng: np.random.Generator) -> list[Floats]:
    """A square of some image, turned, mirrored, and with other gain, blur, noise and gamma."""
    image = images[rng.integers(len(images))]
    planes = image.versions[rng.integers(len(image.versions))]
    height, width = planes[0].shape
    for _ in range(4):
        y = max(rng.integers(-8, max(height - SIDE + 8, 1)), 0)
        x = max(rng.integers(-8, max(width - SIDE + 8, 1)), 0)
        cut = [p[y : y + SIDE, x : x + SIDE] for p in planes]
        if cut[1].mean() > 0.04:
            break
    high, wide = (n // 2 * 2 for n in cut[0].shape)
    turn, mirror = rng.integers(4), rng.integers(2)
    cut = [np.rot90(p[:high, :wide], turn)[:, :: -1 if mirror else 1] for p in cut]
    v = (np.ascontiguousarray(cut[0]) - image.found.background) / image.found.height
    if rng.random() < 0.3:
        v = cv2.GaussianBlur(v, (0, 0), rng.uniform(0.4, 1.0))
    v = v * np.exp(rng.normal(0, 0.25)) + rng.normal(0, 0.02)
    if rng.random() < 0.4:
        v = v + rng.normal(0, 1, v.shape) * rng.uniform(0, 0.08)
    if rng.random() < 0.3:
        v = np.sign(v) * np.abs(v) ** np.exp(rng.normal(0, 0.15))
    return [np.arcsinh(4 * v).astype(np.float32), *cut[1:]]


def slopes(out: Floats, inside: Floats, distance: Floats, weight: Floats) -> Floats:
    """Gradient of the loss: cross-entropy plus three times the squared error of the distance."""
    odds, seen = spread(out[:4]), spread(out[4:])
    by_odds = weight * (1 / (1 + np.exp(-odds)) - inside) / odds.size
    by_distance = 6 * weight * (seen - distance) / odds.size
    return np.concatenate([fold(by_odds), fold(by_distance)]).astype(np.float32)


def train(images: list[Image], steps: int, *, seed: int = 0, rate: float = 3e-3) -> Net:
    """Adam on squares of random images; the mean of the last hundred steps' weights."""
    rng = np.random.default_rng(seed)
    net = Net.new(rng)
    values = net.weights + net.biases
    first, second = ([np.zeros_like(v) for v in values] for _ in range(2))
    mean = [v.copy() for v in values]
    for step in range(1, steps + 1):
        total = [np.zeros_like(v) for v in values]
        for _ in range(BATCH):
            view, *wanted = sample(images, rng)
            out, inputs, active = net.forward(fold(view))
            for t, g in zip(total, net.backward(slopes(out, *wanted), inputs, active), strict=True):
                t += g / BATCH
        clip = min(1, 1 / (np.sqrt(sum(float((g * g).sum()) for g in total)) + 1e-9))
        now = rate * min(1, step / 100) * 0.5 * (1 + np.cos(np.pi * step / steps))
        for v, g, m, s, e in zip(values, total, first, second, mean, strict=True):
            m += 0.1 * (g * clip - m)
            s += 0.01 * ((g * clip) ** 2 - s)
            v -= now * (m / (1 - 0.9**step) / (np.sqrt(s / (1 - 0.99**step)) + 1e-8) + 1e-4 * v)
            e += 0.01 * (v - e)
    n = len(net.weights)
    return Net(mean[:n], mean[n:])


def main(folder: Path, out: Path, steps: int = 1600, left_out: int | None = None) -> None:
    """Train and write the weights."""
    paths = sorted(folder.glob("*.labels.png"))
    images = [load(p) for i, p in enumerate(paths) if left_out is None or i % 4 != left_out]
    net = train(images, steps)
    layers = [
        {"dilation": d, "bias": [float(f"{v:.4g}") for v in b],
         "weights": [float(f"{v:.4g}") for v in w.ravel()]}
        for d, w, b in zip(DILATIONS, net.weights, net.biases, strict=True)
    ]  # fmt: skip
    document = {"format": 1, "version": "own", "trained_on": f"{len(images)} images",
                "diameter_px": WIDTH_PX, "layers": layers}  # fmt: skip
    out.write_text(json.dumps(document) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *(int(v) for v in sys.argv[3:]))
