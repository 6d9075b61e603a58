"""Train the network that finds nuclei, and write its weights.

Run: PYTHON reference/train_nuclei.py FOLDER OUT.npz STEPS [FOLD]
FOLDER as for `validate_nuclei.py`. PYTHON has this package and torch 2.13. With FOLD (0 to 3) every
fourth image from that one on is left out of training.

The shipped weights: 2400 steps on the 48 images of `docs/explanation/nuclei-validation.md`, seed 0,
one thread of a Xeon processor, torch 2.13.0. The networks of its out-of-fold figure: 1500 steps.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import nn
from torch.nn import functional

from ashworth.imaging.nuclei_foreground import Survey, survey

Floats = NDArray[np.float32]
WIDTH_PX = 16.0
FINE = 1.2
"""Images are kept at this many times the network's scale, to turn and zoom them from there."""
SIDE = 112
BATCH = 8
PLANES = (16, 32, 48)


class Net(nn.Module):
    """A U-Net over three scales, the first with the four pixels of 2 x 2 squares as planes.

    Its layers stand in `convolutions` in the order of the shipped file.
    """

    def __init__(self) -> None:
        super().__init__()
        a, b, c = PLANES
        sizes = [(4, a), (a, a), (a, b), (b, b), (b, c), (c, c), (c + b, b), (b + a, a), (a, a)]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(i, o, 3, padding=1, bias=False) for i, o in sizes
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(o) for _, o in sizes)
        self.last = nn.Conv2d(a, 8, 3, padding=1)

    def step(self, k: int, x: torch.Tensor) -> torch.Tensor:
        """One convolution, its norm, and what is above 0."""
        return functional.relu(self.norms[k](self.convolutions[k](x)))

    def forward(self, view: torch.Tensor) -> torch.Tensor:
        """Log-odds and distance, shape (n, 2, height, width)."""
        fine = self.step(1, self.step(0, functional.pixel_unshuffle(view, 2)))
        middle = self.step(3, self.step(2, functional.max_pool2d(fine, 2)))
        coarse = self.step(5, self.step(4, functional.max_pool2d(middle, 2)))
        middle = self.step(
            6, torch.cat([functional.interpolate(coarse, scale_factor=2), middle], 1)
        )
        fine = self.step(7, torch.cat([functional.interpolate(middle, scale_factor=2), fine], 1))
        return functional.pixel_shuffle(self.last(self.step(8, fine)), 2)


def targets(drawn: NDArray[np.int32], width_px: float) -> list[Floats]:
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
        share = np.pi / 4 * width_px**2 / mask.sum()
        weight[wide][mask > 0] = np.clip(np.sqrt(share), 1, 3)
    inside = drawn > 0
    weight[(cv2.dilate(inside.astype(np.uint8), np.ones((5, 5))) > 0) & ~inside] = 2
    highest = cv2.dilate(drawn.astype(np.float32), np.ones((3, 3)))
    lowest = cv2.erode(np.where(inside, drawn, 1e6).astype(np.float32), np.ones((3, 3)))
    gap = ((lowest < 1e5) & (highest > 0) & (highest != lowest)).astype(np.uint8)
    weight[cv2.dilate(gap, np.ones((3, 3))) > 0] *= 2
    return [inside.astype(np.float32), distance, weight]


@dataclass
class Image:
    """An image in the survey's units, its targets, and the nearest nucleus of each pixel."""

    view: Floats
    wanted: list[Floats]
    nearest: Floats


def load(path: Path) -> Image:
    """Read an image and its masks; a width wider than half the image is taken from the masks."""
    image = cv2.imread(str(path).replace(".labels.png", ".png"), 0).astype(np.float32)
    drawn = cv2.imread(str(path), -1).astype(np.float32)
    found = survey(image)
    scale = FINE * WIDTH_PX / width_px(image, drawn, found)
    size = (max(8, round(image.shape[1] * scale)), max(8, round(image.shape[0] * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    labels = cv2.resize(drawn, size, interpolation=cv2.INTER_NEAREST).astype(np.int32)
    view = (cv2.resize(image, size, interpolation=way) - found.background) / found.height
    place = ndimage.distance_transform_edt(labels == 0, return_distances=False, return_indices=True)
    nearest = labels[tuple(place)].astype(np.float32)
    return Image(view.astype(np.float32), targets(labels, FINE * WIDTH_PX), nearest)


def width_px(image: Floats, drawn: Floats, found: Survey) -> float:
    """The surveyed width of nuclei, or that of the drawn ones."""
    if found.diameter_px <= 0.4 * min(image.shape):
        return found.diameter_px
    area = np.unique(drawn, return_counts=True)[1][1:]
    return float(np.sqrt(np.median(area) * 4 / np.pi))


def sample(image: Image, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """A square of an image, turned, mirrored, zoomed; single nuclei made brighter or dimmer."""
    zoom = np.exp(rng.uniform(np.log(0.72), np.log(1.4))) / FINE
    turn = rng.integers(4) * np.pi / 2 + (
        rng.uniform(-np.pi / 4, np.pi / 4) if rng.random() < 0.5 else 0
    )
    matrix = _placement(image.view.shape, zoom, turn, rng)

    def cut(plane: Floats, way: int) -> Floats:
        return cv2.warpAffine(plane, matrix, (SIDE, SIDE), flags=way, borderValue=0)

    view = cut(image.view, cv2.INTER_LINEAR)
    inside, distance, weight = (cut(p, cv2.INTER_LINEAR) for p in image.wanted)
    if rng.random() < 0.4:
        gains = np.exp(rng.normal(0, 0.5, int(image.nearest.max()) + 1)).astype(np.float32)
        gain = gains[cut(image.nearest, cv2.INTER_NEAREST).astype(int)]
        view *= cv2.GaussianBlur(gain, (0, 0), rng.uniform(0.7, 2))
    seen = np.arcsinh(4 * changed(view, rng))
    return seen.astype(np.float32), np.stack([inside, distance, weight])


def _placement(shape: tuple, zoom: float, turn: float, rng: np.random.Generator) -> Floats:
    """Affine map from an image to a square whose centre lies somewhere in the image."""
    half = SIDE / 2
    reach = [min(half / zoom * 0.7, n / 2) for n in shape]
    y, x = (rng.uniform(r, n - r) for r, n in zip(reach, shape, strict=True))
    mirror = rng.choice([-1, 1])
    linear = zoom * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    linear[:, 0] *= mirror
    return np.column_stack([linear, half - linear @ (x, y)]).astype(np.float32)


def changed(view: Floats, rng: np.random.Generator) -> Floats:
    """Other focus, gain, offset, noise and gamma."""
    if rng.random() < 0.3:
        view = cv2.GaussianBlur(view, (0, 0), rng.uniform(0.5, 1.5))
    view = view * np.exp(rng.normal(0, 0.25)) + rng.normal(0, 0.02)
    if rng.random() < 0.4:
        noise = rng.normal(0, 1, view.shape)
        if rng.random() < 0.5:
            noise = 2 * cv2.GaussianBlur(noise, (0, 0), 0.8)
        view = view + noise * rng.uniform(0, 0.08)
    if rng.random() < 0.3:
        view = np.sign(view) * np.abs(view) ** np.exp(rng.normal(0, 0.15))
    return view


def loss(out: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Cross-entropy plus three times the squared error of the distance."""
    inside, distance, weight = wanted.unbind(1)
    by_odds = functional.binary_cross_entropy_with_logits(out[:, 0], inside, reduction="none")
    return (weight * (by_odds + 3 * (out[:, 1] - distance) ** 2)).mean()


def train(images: list[Image], steps: int, *, seed: int = 0, rate: float = 4e-3) -> Net:
    """Adam with a rising, then falling rate; the running mean of the weights."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    net, mean = Net(), Net()
    mean.load_state_dict(net.state_dict())
    optimiser = torch.optim.AdamW(net.parameters(), rate, weight_decay=1e-3)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, steps, pct_start=0.15)
    order: list[int] = []
    start = time.time()
    for step in range(steps):
        if len(order) < BATCH:
            order += list(rng.permutation(len(images)))
        chosen = [order.pop(0) for _ in range(BATCH)]
        views, wanted = zip(*(sample(images[i], rng) for i in chosen), strict=True)
        out = net(torch.from_numpy(np.stack(views)[:, None]))
        value = loss(out, torch.from_numpy(np.stack(wanted)))
        optimiser.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        plan.step()
        with torch.no_grad():
            share = min(0.99, step / (step + 10))
            for kept, now in zip(
                mean.state_dict().values(), net.state_dict().values(), strict=True
            ):
                kept.copy_(share * kept + (1 - share) * now if kept.is_floating_point() else now)
        if step % 50 == 0:
            print(step, f"{value.item():.4f}", f"{time.time() - start:.0f} s", flush=True)
    return mean


def write(net: Net, out: Path) -> None:
    """Write weights and biases, the norms multiplied into them, as 16-bit floats."""
    arrays: dict[str, NDArray] = {"diameter_px": np.float32(WIDTH_PX)}
    for k, (convolution, norm) in enumerate(zip(net.convolutions, net.norms, strict=True)):
        factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        weight = convolution.weight * factor[:, None, None, None]
        arrays |= _as_arrays(k, weight, norm.bias - norm.running_mean * factor)
    arrays |= _as_arrays(len(net.norms), net.last.weight, net.last.bias)
    np.savez_compressed(out, **arrays)


def _as_arrays(k: int, weight: torch.Tensor, bias: torch.Tensor) -> dict[str, NDArray]:
    """For each output plane, the taps row by row, for each tap the weights of all planes."""
    flat = weight.detach().permute(0, 2, 3, 1).reshape(weight.shape[0], -1).numpy()
    return {f"weights_{k}": flat.astype(np.float16), f"bias_{k}": bias.detach().numpy()}


def main(folder: Path, out: Path, steps: int, left_out: int | None = None) -> None:
    """Train and write the weights."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    paths = sorted(folder.glob("*.labels.png"))
    images = [load(p) for i, p in enumerate(paths) if left_out is None or i % 4 != left_out]
    write(train(images, steps), out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *(int(v) for v in sys.argv[3:]))
