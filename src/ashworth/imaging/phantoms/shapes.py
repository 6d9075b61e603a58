"""Objects to primitives: outlines with a profile, a texture and a light in every channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from ashworth.imaging.phantoms.spec import PhantomSpec
from ashworth.streams import stream

Array = NDArray[np.float64]

DOME, SHELL, GLOW = 0.0, 1.0, 2.0
"""Profiles: a flattened sphere seen from above; a membrane seen from above; a halo."""

COLUMNS = ("x", "y", "a", "b", "cosine", "sine", "c2", "s2", "c3", "s3", "profile", "form",
           "texture", "phase", "dapi", "ck", "cd45", "her2")  # fmt: skip
"""Columns of the matrix of primitives; lengths in pixels, light in mean counts over the outline.

`form` is the height of a dome's rim relative to its middle, or the inner radius of a shell
relative to the outer one; c2 to s3 are Fourier coefficients of the outline.
"""


@dataclass(frozen=True, slots=True)
class Brush:
    """How one component of a kind is drawn.

    Attributes
    ----------
    aspect : float
        Standard deviation of the logarithm of the axes' ratio.
    bumps : float
        Standard deviation of the outline's Fourier coefficients.
    profile, form, texture : float
        See `COLUMNS`.
    """

    aspect: float = 0.12
    bumps: float = 0.03
    profile: float = DOME
    form: float = 0.35
    texture: float = 0.15


NUCLEUS = Brush(texture=0.22, form=0.45)
FRAGMENT = Brush(aspect=0.08, texture=0.1, form=0.2)
CYTOPLASM = Brush(texture=0.2, form=0.25, bumps=0.04)
MEMBRANE = Brush(profile=SHELL, form=0.84, texture=0.2)
SPECKLE = Brush(aspect=0.1, bumps=0.0, texture=0.0, form=0.2)
GRIT = Brush(aspect=0.5, bumps=0.09, texture=0.4, form=0.6)
BLOB = Brush(aspect=0.0, bumps=0.0, texture=0.0, form=0.9)
HALO = Brush(aspect=0.0, bumps=0.0, profile=GLOW, texture=0.0)
RIM = Brush(aspect=0.03, bumps=0.004, profile=SHELL, form=0.975, texture=0.0)
INSIDE = Brush(aspect=0.03, bumps=0.004, texture=0.0, form=1.0)

NUCLEAR_DIP = 0.35
"""How much less cytokeratin is seen over a nucleus than the cell's outline has on average."""
IN_MEMBRANE = 0.7
"""Share of HER2 and CD45 that lies in the membrane."""


def primitives(spec: PhantomSpec, seed: int, objects: pl.DataFrame, centre: Array) -> Array:
    """Draw the outlines of all objects.

    Parameters
    ----------
    spec : PhantomSpec
    seed : int
    objects : polars.DataFrame
        See `populate`.
    centre : ndarray, shape (n, 2)
        Pixels of the cartridge.

    Returns
    -------
    ndarray, shape (primitives, columns)
        See `COLUMNS`.
    """
    parts = []
    for kind, draw in _DRAW.items():
        rows = np.flatnonzero((objects["kind"] == kind).to_numpy())
        if rows.size:
            easel = _Easel(spec, stream(seed, f"shape {kind}"), objects[rows], centre[rows])
            parts += draw(easel)
    return np.concatenate(parts) if parts else np.empty((0, len(COLUMNS)))


class _Easel:
    """The objects of one kind, and what their outlines are drawn from."""

    def __init__(
        self, spec: PhantomSpec, rng: np.random.Generator, objects: pl.DataFrame, centre: Array
    ) -> None:
        self.spec, self.rng, self.objects, self.centre = spec, rng, objects, centre
        self.radius = self._px("diameter_um")
        self.nucleus_radius = self._px("nucleus_diameter_um")
        self.lobes = objects["lobes"].to_numpy()

    def _px(self, column: str) -> Array:
        """Radius in pixels of a column of diameters."""
        return self.objects[column].to_numpy() / (2 * self.spec.pixel_size_um)

    def light(self, column: str) -> Array:
        """Mean counts of a channel over the outline; HER2 from its density."""
        value = self.objects[column].to_numpy()
        return value * self.spec.leukocyte_her2_counts if column == "her2_density" else value

    def stroke(self, brush: Brush, centre: Array, radius: Array, **light: ArrayLike) -> Array:
        """Primitives of one component, of the area of a disc with `radius` each."""
        n, rng = len(radius), self.rng
        squeeze = np.exp(0.5 * brush.aspect * np.abs(rng.standard_normal(n)))
        angle = rng.uniform(0, np.pi, n)
        bumps = brush.bumps * np.clip(rng.standard_normal((4, n)), -2.5, 2.5)
        matrix = np.zeros((n, len(COLUMNS)))
        matrix[:, 0:2] = centre
        matrix[:, 2:6] = np.stack(
            [radius * squeeze, radius / squeeze, np.cos(angle), np.sin(angle)], axis=1
        )
        matrix[:, 6:10] = bumps.T
        matrix[:, 10:13] = brush.profile, brush.form, brush.texture
        matrix[:, 13] = rng.integers(0, 1 << 14, n)
        for k, channel in enumerate(COLUMNS[14:]):
            matrix[:, 14 + k] = light.get(channel, 0.0)
        return matrix

    def around(self, low: float, high: float, reach: Array) -> Array:
        """Points between two shares of a reach from the centres, in any direction."""
        n = len(reach)
        angle = self.rng.uniform(0, 2 * np.pi, n)
        distance = reach * np.sqrt(self.rng.uniform(low**2, high**2, n))
        return self.centre + distance[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)

    def subset(self, keep: NDArray[np.bool_]) -> _Easel:
        """Some of the objects, with the same stream."""
        return _Easel(self.spec, self.rng, self.objects.filter(keep), self.centre[keep])


def _lobes(easel: _Easel, brush: Brush, spread: float, step: float, centre: Array) -> list[Array]:
    """Nuclei of several lobes along an arc; equal in area to the nucleus together."""
    strokes = []
    start = easel.rng.uniform(0, 2 * np.pi, len(centre))
    for k in range(int(easel.lobes.max(initial=0))):
        has = easel.lobes > k
        angle = start + k * step + 0.15 * easel.rng.standard_normal(len(start))
        arm = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        middle = centre + spread * easel.nucleus_radius[:, None] * arm
        size = easel.nucleus_radius / np.sqrt(np.maximum(easel.lobes, 1))
        light = easel.light("dapi_counts")
        strokes.append(easel.stroke(brush, middle[has], size[has], dapi=light[has]))
    return strokes


def _nucleus(easel: _Easel, centre: Array) -> Array:
    """Round to oval nuclei."""
    return easel.stroke(NUCLEUS, centre, easel.nucleus_radius, dapi=easel.light("dapi_counts"))


def _coat(easel: _Easel, **light: Array) -> list[Array]:
    """Membrane stains: a ring seen from above, the rest in the cytoplasm."""
    ring = {c: IN_MEMBRANE * v for c, v in light.items()}
    rest = {c: (1 - IN_MEMBRANE) * v for c, v in light.items()}
    inner = easel.stroke(CYTOPLASM, easel.centre, easel.radius, **rest)
    outer = inner.copy()
    outer[:, 10:13] = MEMBRANE.profile, MEMBRANE.form, MEMBRANE.texture
    for k, channel in enumerate(COLUMNS[14:]):
        outer[:, 14 + k] = ring.get(channel, 0.0)
    return [inner, outer]


def _draw_leukocytes(easel: _Easel) -> list[Array]:
    """Nucleus, CD45 ring and cytoplasm, faint unspecific HER2 and autofluorescence."""
    her2 = easel.light("her2_density")
    coat = _coat(easel, cd45=easel.light("cd45_counts"), her2=her2, ck=easel.light("ck_counts"))
    lobed, whole = easel.subset(easel.lobes > 1), easel.subset(easel.lobes == 1)
    nuclei = _nucleus(whole, whole.around(0, 0.5, whole.radius - whole.nucleus_radius))
    return [*coat, *_lobes(lobed, FRAGMENT, 0.68, 1.4, lobed.centre), nuclei]


def _draw_unclassified(easel: _Easel) -> list[Array]:
    """Nucleus with the unspecific HER2 signal only."""
    her2 = easel.stroke(CYTOPLASM, easel.centre, easel.radius, her2=easel.light("her2_density"))
    return [her2, _nucleus(easel, easel.centre)]


def _draw_tumour_cells(easel: _Easel) -> list[Array]:
    """Nucleus inside cytokeratin that is thinner over it; HER2 in the membrane."""
    share = (easel.nucleus_radius / easel.radius) ** 2
    ck = easel.light("ck_counts")
    whole = ck / (1 - NUCLEAR_DIP * share)
    middle = easel.around(0, 0.6, easel.radius - easel.nucleus_radius)
    nucleus = _nucleus(easel, middle)
    dip = nucleus.copy()
    dip[:, 12], dip[:, 14], dip[:, 15] = 0.0, 0.0, -NUCLEAR_DIP * whole
    body = easel.stroke(CYTOPLASM, easel.centre, easel.radius, ck=whole)
    coat = _coat(easel, her2=easel.light("her2_density"))
    for part in coat:
        part[:, 2:10] = body[:, 2:10]
    return [body, *coat, dip, nucleus]


def _draw_doublets(easel: _Easel) -> list[Array]:
    """A leukocyte on a CTC-like cell, its middle over the cell's inner third."""
    strokes = _draw_tumour_cells(easel)
    spec, n = easel.spec, len(easel.radius)
    radius = np.full(n, spec.leukocyte_diameter_um / (2 * spec.pixel_size_um))
    middle = easel.around(0.1, 0.33, easel.radius)
    size = np.full(n, spec.nucleus_diameter_um / (2 * spec.pixel_size_um))
    cd45 = easel.light("cd45_counts")
    ring = easel.stroke(MEMBRANE, middle, radius, cd45=IN_MEMBRANE * cd45)
    rest = easel.stroke(CYTOPLASM, middle, radius, cd45=(1 - IN_MEMBRANE) * cd45)
    nucleus = easel.stroke(NUCLEUS, middle, size, dapi=0.5 * easel.light("dapi_counts"))
    return [*strokes, ring, rest, nucleus]


def _draw_apoptotic(easel: _Easel) -> list[Array]:
    """Fragments of a nucleus; speckles hold most of the cytokeratin."""
    ck, n_speckles = easel.light("ck_counts"), 9
    strokes = _lobes(easel, FRAGMENT, 0.85, 1.9, easel.centre)
    strokes.append(easel.stroke(CYTOPLASM, easel.centre, easel.radius, ck=0.35 * ck))
    strokes += _coat(easel, her2=easel.light("her2_density"))
    size = 0.7 / easel.spec.pixel_size_um * np.ones(len(ck))
    light = 0.65 * ck * (easel.radius / size) ** 2 / n_speckles
    for _ in range(n_speckles):
        strokes.append(easel.stroke(SPECKLE, easel.around(0, 0.85, easel.radius), size, ck=light))
    return strokes


def _draw_ck_bodies(easel: _Easel) -> list[Array]:
    """Round to irregular bodies of cytokeratin."""
    ck, her2 = easel.light("ck_counts"), easel.light("her2_density")
    return [easel.stroke(CYTOPLASM, easel.centre, easel.radius, ck=ck, her2=her2)]


def _draw_debris(easel: _Easel) -> list[Array]:
    """Two or three overlapping flakes that shine in every channel."""
    light = {
        "dapi": easel.light("dapi_counts"),
        "ck": easel.light("ck_counts"),
        "cd45": easel.light("cd45_counts"),
        "her2": easel.light("her2_density"),
    }
    size, strokes = easel.radius / np.sqrt(3), []
    for low, high in ((0, 0.1), (0.3, 0.8), (0.4, 0.9)):
        strokes.append(easel.stroke(GRIT, easel.around(low, high, easel.radius), size, **light))
    return strokes


def _draw_blobs(easel: _Easel) -> list[Array]:
    """A flat disc of dye with a weak halo of three radii."""
    level, same = easel.light("dapi_counts"), COLUMNS[14:]
    disc = easel.stroke(BLOB, easel.centre, easel.radius, **dict.fromkeys(same, level))
    wide = 3 * easel.radius
    halo = easel.stroke(HALO, easel.centre, wide, **dict.fromkeys(same, 0.01 * level))
    return [disc, halo]


def _draw_bubbles(easel: _Easel) -> list[Array]:
    """Less dye inside, a bright rim."""
    dark = {c: -0.5 * b for c, b in zip(COLUMNS[14:], easel.spec.background_counts, strict=True)}
    rim = {c: 0.45 * b for c, b in zip(COLUMNS[14:], easel.spec.background_counts, strict=True)}
    inside = easel.stroke(INSIDE, easel.centre, easel.radius, **dark)
    outline = easel.stroke(RIM, easel.centre, easel.radius, **rim)
    outline[:, 2:10] = inside[:, 2:10]
    return [inside, outline]


_DRAW: dict[str, Callable[[_Easel], list[Array]]] = {
    "ctc": _draw_tumour_cells,
    "leukocyte": _draw_leukocytes,
    "unclassified_nucleus": _draw_unclassified,
    "apoptotic_ctc": _draw_apoptotic,
    "doublet": _draw_doublets,
    "ck_without_nucleus": _draw_ck_bodies,
    "debris": _draw_debris,
    "blob": _draw_blobs,
    "bubble": _draw_bubbles,
    "control_her2_negative": _draw_tumour_cells,
    "control_her2_strong": _draw_tumour_cells,
}


@cache
def texture(side: int = 128) -> NDArray[np.float32]:
    """Periodic texture of mean 0 and standard deviation 1, with grains of 1 to 3 pixels.

    Examples
    --------
    >>> tile = texture()
    >>> tile.shape, bool(abs(tile.mean()) < 1e-5), round(float(tile.std()), 3)
    ((128, 128), True, 1.0)
    """
    white = np.random.Generator(np.random.Philox(1869)).standard_normal((side, side))
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    passed = np.exp(-((f / 0.16) ** 2)) - np.exp(-((f / 0.03) ** 2))
    tile = np.fft.ifft2(np.fft.fft2(white) * passed).real
    return ((tile - tile.mean()) / tile.std()).astype(np.float32)
