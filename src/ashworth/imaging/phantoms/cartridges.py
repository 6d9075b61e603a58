"""The phantom: a cartridge that is rendered frame by frame, and its truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ashworth.errors import InputError, Problem
from ashworth.imaging.cartridge import Cartridge, Layout, Pixels, snake
from ashworth.imaging.channels import Channel
from ashworth.imaging.phantoms.camera import detect, normal_table
from ashworth.imaging.phantoms.frame_keys import frame_key
from ashworth.imaging.phantoms.optics import (
    Optics,
    blurred,
    illuminate,
    margin_px,
    optics,
    rim,
    unevenness,
)
from ashworth.imaging.phantoms.places import grid, place
from ashworth.imaging.phantoms.populations import populate
from ashworth.imaging.phantoms.rendering import lay_down, reach_px
from ashworth.imaging.phantoms.shapes import primitives, texture
from ashworth.imaging.phantoms.spec import PhantomSpec
from ashworth.imaging.phantoms.truth import read_events, truth_table


@dataclass(frozen=True, slots=True)
class Phantom:
    """A simulated cartridge with its truth.

    Attributes
    ----------
    cartridge : Cartridge
        Its events are the bodies with cytokeratin, assigned as by a perfect operator. Frames are
        rendered when they are loaded, each from (seed, index) alone: the same bits in any order
        and from any thread; nothing is kept.
    truth : polars.DataFrame
        One row per object, see `truth_table`.
    spec : PhantomSpec
    seed : int
    """

    cartridge: Cartridge
    truth: pl.DataFrame
    spec: PhantomSpec
    seed: int
    _scene: Scene

    def expected(self, index: int) -> NDArray[np.float32]:
        """Expected pixel values of frame `index` without noise, rounding and saturation.

        Returns
        -------
        ndarray of float32, shape (4, height, width)
        """
        return _developed(self.spec, self._scene.light(index))

    @property
    def controls(self) -> pl.DataFrame:
        """Places of the spiked control cells, as a laboratory knows them."""
        return self.truth.filter(pl.col("kind").str.starts_with("control_"))


def phantom(spec: PhantomSpec, seed: int) -> Phantom:
    """Make a cartridge with exact truth.

    Parameters
    ----------
    spec : PhantomSpec
    seed : int
        At least 0; the same seed gives the same cartridge.

    Returns
    -------
    Phantom

    Raises
    ------
    InputError
        If the seed is negative or the cartridge is too crowded.

    Examples
    --------
    >>> spec = PhantomSpec(frames=2, tumour_cells=3, nuclei_per_frame=10, frame_width=400)
    >>> made = phantom(spec, 1)
    >>> made.truth["is_ctc"].sum(), made.cartridge.load(1).shape
    (3, (4, 1036, 400))
    """
    _demand_seed(seed)
    columns, rows = grid(spec.frames)
    numbers = tuple(range(1, spec.frames + 1))
    layout = Layout(spec.frame_height, spec.frame_width, numbers, snake(columns, rows))
    objects = populate(spec, seed)
    centre = place(spec, seed, objects)
    truth = truth_table(spec, layout, objects, centre)
    matrix = _mixed_light(spec, primitives(spec, seed, objects, centre))
    scene = Scene(spec, seed, layout, optics(spec, seed, layout.places), matrix, reach_px(matrix))
    cartridge = Cartridge(
        sample=f"phantom-{seed}",
        format="phantom",
        reason="simulated by ashworth.imaging.phantoms",
        channels=_channels(spec),
        pixel_size_um=spec.pixel_size_um,
        layout=layout,
        load=partial(_load, scene),
        events=read_events(truth, spec.pixel_size_um),
        simulated=True,
    )
    return Phantom(cartridge, truth, spec, seed, scene)


def _demand_seed(seed: int) -> None:
    """Refuse a seed that numpy cannot take."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        problem = Problem("phantom", None, "seed", repr(seed), "a whole number from 0", "give one")
        raise InputError([problem], subject="the phantom's seed")


def _channels(spec: PhantomSpec) -> tuple[Channel, ...]:
    """DAPI, cytokeratin in PE, CD45 in APC, HER2 in FITC."""
    top = float(spec.saturation)
    return (
        Channel("nucleus", "DAPI", saturation=top),
        Channel("inclusion", "PE", saturation=top),
        Channel("exclusion", "APC", saturation=top),
        Channel("marker1", "FITC", "her2", saturation=top),
    )


def _mixed_light(spec: PhantomSpec, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add the bleed-through between cytokeratin (PE) and HER2 (FITC)."""
    ck, her2 = matrix[:, 15].copy(), matrix[:, 17].copy()
    matrix[:, 15] += spec.bleed_through * her2
    matrix[:, 17] += spec.bleed_through * ck
    return matrix


@dataclass(frozen=True, slots=True)
class Scene:
    """What a frame is rendered from; never changed."""

    spec: PhantomSpec
    seed: int
    layout: Layout
    optics: Optics
    matrix: NDArray[np.float64]
    reach: NDArray[np.float64]

    def light(self, index: int) -> NDArray[np.float32]:
        """Expected counts above the offset at exposure and gain 1."""
        if not 0 <= index < len(self.layout):
            raise IndexError(f"frame index {index}; there are 0 to {len(self.layout) - 1}")
        spec, focus = self.spec, float(self.optics.focus_um[index])
        left, top = self.layout.origin(index)
        margin = margin_px(spec, focus)
        shape = (4, spec.frame_height + 2 * margin, spec.frame_width + 2 * margin)
        canvas = np.zeros(shape, np.float32)
        near = self._near(left - margin, top - margin, shape[2], shape[1])
        lay_down(
            canvas, left - margin, top - margin, self.matrix[near], self.reach[near], texture()
        )
        blurred(spec, focus, canvas)
        along_y, along_x = unevenness(spec, self.optics.waves, left, top)
        background = _single(spec.background_counts)
        edge = rim(spec, left)
        return illuminate(canvas, margin, background, along_y, along_x, edge, spec.vignetting)

    def _near(self, left: int, top: int, width: int, height: int) -> NDArray[np.int64]:
        """Primitives that reach into a box."""
        x, y, reach = self.matrix[:, 0], self.matrix[:, 1], self.reach
        inside = (x + reach >= left) & (x - reach <= left + width)
        inside &= (y + reach >= top) & (y - reach <= top + height)
        return np.flatnonzero(inside)


def _load(scene: Scene, index: int) -> Pixels:
    """Render and detect one frame."""
    spec, light = scene.spec, scene.light(index)
    if not spec.noise:
        value = np.clip(np.rint(_developed(spec, light)), 0, spec.saturation)
        return value.astype(np.uint16)
    return detect(
        light,
        frame_key(scene.seed, index),
        normal_table(),
        _single(spec.exposure) * np.float32(spec.electrons_per_count),
        _single(spec.gain) / np.float32(spec.electrons_per_count),
        _single(spec.offset_counts),
        spec.read_noise_electrons,
        spec.saturation,
    )


def _developed(spec: PhantomSpec, light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Expected pixel values."""
    factor = _single(spec.exposure) * _single(spec.gain)
    value = light * factor[:, None, None] + _single(spec.offset_counts)[:, None, None]
    return np.asarray(value, np.float32)


def _single(values: Sequence[float]) -> NDArray[np.float32]:
    """One number per channel in single precision."""
    return np.asarray(values, np.float32)
