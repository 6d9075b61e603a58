"""A simulated cartridge with its truth; frames are rendered when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ashworth.imaging.cartridge import Cartridge, Layout, snake
from ashworth.imaging.channels import Channel
from ashworth.testing.independent_phantoms import camera, clutter, optics
from ashworth.testing.independent_phantoms.fields import PIXEL_UM, Plane, make_tiles
from ashworth.testing.independent_phantoms.population import populate, truth_table
from ashworth.testing.independent_phantoms.scene import (
    DEPTHS_UM,
    Scene,
    add_obstacles,
    leukocyte_library,
    objects_of,
    stream,
)
from ashworth.testing.independent_phantoms.spec import IndependentSpec, checked

CHANNELS = (
    Channel("nucleus", "DAPI", saturation=4095.0),
    Channel("inclusion", "PE", saturation=4095.0),
    Channel("exclusion", "APC", saturation=4095.0),
    Channel("marker1", "FITC", "her2", saturation=4095.0),
)


@dataclass(frozen=True, slots=True)
class IndependentPhantom:
    """A simulated cartridge and what is truly in it.

    Attributes
    ----------
    cartridge : Cartridge
        Format ``phantom``; ``load(i)`` renders a frame, the same bits in any order and thread.
    truth : polars.DataFrame
        One row per object: object_id; kind (ctc, leukocyte, unclassified_nucleus, apoptotic_ctc,
        doublet, ck_without_nucleus, debris, blob, bubble); x_px, y_px (middle of the outline in
        cartridge pixels; the middle of the first pixel is 0.5); frame (number of the frame that
        holds the middle); on_border (crosses a seam or the outer edge); at_edge (crosses the
        outer edge); diameter_um (of a disc with the outline's area; the nucleus alone where the
        cell shows nothing else; 14 for debris); her2_density (mean HER2 over the outline,
        leukocytes have 1 on average; null for lifeless things); her2_class (0 to 3, HER2 by
        immunofluorescence, tumour objects only); cluster_id; is_ctc (an intact tumour cell, which
        a perfect reader counts, each cell of a cluster by itself).
    """

    cartridge: Cartridge
    truth: pl.DataFrame
    scene: Scene = field(repr=False)

    def signal(self, index: int) -> NDArray[np.float32]:
        """Light of cells, debris and blobs in frame `index`, without noise or background.

        Counts, float32 of shape (4, height, width); bleed-through, blur and gain are in it;
        offset, haze, clutter, bubbles, wall, shading, noise, rounding and saturation are not.
        """
        return camera.collected(self.scene.spec, *_light(self.scene, index, self.objects(index)))

    def objects(self, index: int) -> NDArray[np.float32]:
        """Light of the same objects as the frame's optics receive it, margins included.

        Counts, float32 of shape (4, padded height, padded width), with 40 pixels of the
        neighbouring frames on the upper and left side and at least as many on the others.
        """
        return objects_of(self.scene, index)


def independent_phantom(spec: IndependentSpec, seed: int) -> IndependentPhantom:
    """Simulate a cartridge that any detector may be tried on.

    Parameters
    ----------
    spec : IndependentSpec
    seed : int
        0 or more; the same spec and seed give the same objects and the same bits.

    Returns
    -------
    IndependentPhantom

    Raises
    ------
    InputError
        The spec holds values that cannot be simulated, or more objects than have room.

    Examples
    --------
    >>> phantom = independent_phantom(IndependentSpec(columns=2, rows=1, ctcs=3), seed=1)
    >>> len(phantom.cartridge.layout), int(phantom.truth["is_ctc"].sum())
    (2, 3)
    """
    scene = _scene(checked(spec), seed)
    cartridge = Cartridge(
        sample=f"simulated-independent-{seed}",
        format="phantom",
        reason="simulated by ashworth.testing.independent_phantoms",
        channels=CHANNELS,
        pixel_size_um=PIXEL_UM,
        layout=scene.layout,
        load=lambda index: _render(scene, index),
        simulated=True,
        notes=(f"simulated cartridge, independent generator, seed {seed}",),
    )
    return IndependentPhantom(cartridge, truth_table(scene.population, spec, scene.layout), scene)


def _scene(spec: IndependentSpec, seed: int) -> Scene:
    places = snake(spec.columns, spec.rows)
    layout = Layout(spec.height, spec.width, tuple(range(1, spec.frames + 1)), places)
    tiles, spreads = make_tiles(stream(seed, 1)), optics.point_spreads(DEPTHS_UM)
    library, cell_um, nucleus_um = leukocyte_library(spec, tiles, spreads, stream(seed, 2))
    population = populate(spec, stream(seed, 3), cell_um, nucleus_um)
    instrument = camera.make_camera(spec, stream(seed, 4))
    return Scene(spec, seed, layout, tiles, spreads, library, population, instrument)


def _light(scene: Scene, index: int, canvas: Plane) -> tuple[Plane, Plane, Plane, Plane]:
    """Sharp, blurred and scattered light, and the weight of the blurred (both coarse)."""
    height, width = canvas.shape[1:]
    weight = optics.field_blur(height // 8, width // 8, stream(scene.seed, 6, index))
    return canvas, optics.softened(canvas), optics.scattered(canvas), weight[None]


def _render(scene: Scene, index: int) -> NDArray[np.uint16]:
    """Frame `index` as the camera gives it: uint16 (4, height, width)."""
    spec, device, rng = scene.spec, scene.camera, stream(scene.seed, 7, index)
    canvas = objects_of(scene, index)
    clutter.add_speckles(canvas, [spread[1] for spread in scene.spreads[:4]], rng)
    clutter.add_streaks(canvas, rng)
    kept = clutter.mottle(spec.height, spec.width, scene.tiles, rng)
    add_obstacles(scene, index, canvas, kept)
    sharp, soft, halo, weight = _light(scene, index, canvas)
    coarse = np.concatenate([halo, camera.haze(spec, rng), device.shading, weight])
    rows = camera.row_pattern(spec.height, rng)
    starts = rng.integers(0, camera.BANK, (4, spec.height))
    gain, leak = np.array(spec.gain, np.float32), np.float32(spec.bleed_through)
    pages = camera.expose(
        *(sharp, soft, coarse, kept, device.response, device.dark, rows),
        *(device.bank, starts, gain, camera.offsets(spec), leak),
    )
    return np.stack([camera.stretched(page) for page in pages]) if spec.stored_bits == 8 else pages
