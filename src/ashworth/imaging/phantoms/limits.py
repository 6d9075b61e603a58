"""Limits of the knobs of a phantom, all checked at once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ashworth.errors import InputError, Problem

if TYPE_CHECKING:
    from ashworth.imaging.phantoms.spec import PhantomSpec

LIMITS: dict[str, tuple[float, float]] = {
    "frames": (1, 1000),
    "frame_width": (64, 8192),
    "frame_height": (64, 8192),
    "pixel_size_um": (0.1, 2.0),
    "tumour_cells": (0, 100_000),
    "tumour_cells_on_seams": (0, 100_000),
    "cluster_share": (0, 1),
    "nuclei_per_frame": (0, 1500),
    "unclassified_share": (0, 1),
    "neutrophil_share": (0, 1),
    "clump_share": (0, 1),
    "apoptotic_ctcs": (0, 10_000),
    "doublets": (0, 10_000),
    "ck_bodies": (0, 10_000),
    "debris": (0, 10_000),
    "blobs": (0, 100),
    "bubbles": (0, 20),
    "blob_counts": (0, 1e6),
    "blob_radius_px": (2, 200),
    "bubble_radius_um": (20, 200),
    "controls_negative": (0, 10_000),
    "controls_strong": (0, 10_000),
    "min_gap_um": (-5, 50),
    "ctc_diameter_um": (4, 40),
    "ctc_diameter_sigma": (0, 1),
    "ctc_diameter_range_um": (4, 60),
    "control_diameter_um": (8, 30),
    "leukocyte_diameter_um": (5, 20),
    "leukocyte_diameter_sigma": (0, 0.5),
    "nucleus_diameter_um": (3, 18),
    "ck_counts": (1, 4095),
    "ck_sigma": (0, 2),
    "ck_range": (1, 4095),
    "cd45_counts": (1, 4095),
    "cd45_sigma": (0, 2),
    "cd45_range": (1, 4095),
    "dapi_counts": (1, 4095),
    "dapi_sigma": (0, 2),
    "dapi_range": (1, 4095),
    "autofluorescence_counts": (0, 1000),
    "her2_mix": (0, 1),
    "her2_density": (0, 1000),
    "her2_sigma": (0, 2),
    "leukocyte_her2_counts": (0.1, 1000),
    "leukocyte_her2_cv": (0, 2),
    "numerical_aperture": (0.1, 0.95),
    "wavelengths_nm": (350, 900),
    "focus_sd_um": (0, 10),
    "tilt_um": (-20, 20),
    "cell_depth_um": (0, 30),
    "vignetting": (0, 0.6),
    "background_counts": (0, 3000),
    "background_unevenness": (0, 0.5),
    "edge_counts": (0, 4095),
    "edge_width_px": (4, 600),
    "bleed_through": (0, 0.3),
    "offset_counts": (0, 3000),
    "electrons_per_count": (0.1, 100),
    "read_noise_electrons": (0, 200),
    "saturation": (255, 65535),
    "exposure": (0.01, 100),
    "gain": (0.01, 100),
}
WHOLE = frozenset(
    {"frames", "frame_width", "frame_height", "tumour_cells", "tumour_cells_on_seams",
     "apoptotic_ctcs", "doublets", "ck_bodies", "debris", "blobs", "bubbles", "controls_negative",
     "controls_strong", "saturation"}
)  # fmt: skip
RANGES = ("ctc_diameter_range_um", "ck_range", "cd45_range", "dapi_range")
FOURS = ("her2_mix", "her2_density", "wavelengths_nm", "background_counts", "offset_counts",
         "exposure", "gain")  # fmt: skip


def refuse(spec: PhantomSpec) -> None:
    """Raise an `InputError` that names every knob out of its limits."""
    problems = list(_beyond(spec))
    beyond = {problem.column for problem in problems}
    problems += _at_odds(spec, beyond)
    if problems:
        raise InputError(problems, subject="the phantom's spec")


def _beyond(spec: PhantomSpec) -> Iterator[Problem]:
    """Knobs out of their own limits."""
    for name, (least, most) in LIMITS.items():
        value = getattr(spec, name)
        parts = value if isinstance(value, tuple) else (value,)
        if not all(_number(v, name) and least <= v <= most for v in parts):
            kind = "whole number" if name in WHOLE else "number"
            yield _problem(name, value, f"a {kind} from {least:g} to {most:g}")


def _number(value: object, name: str) -> bool:
    """Whether a value is a finite number of the right kind."""
    if isinstance(value, bool) or not isinstance(value, int if name in WHOLE else (int, float)):
        return False
    return math.isfinite(value)


def _at_odds(spec: PhantomSpec, beyond: set[str | None]) -> Iterator[Problem]:
    """Knobs that contradict each other, apart from those that are wrong by themselves."""
    for name in RANGES:
        limits = getattr(spec, name)
        if name not in beyond and not (_sized(limits, 2) and limits[0] < limits[1]):
            yield _problem(name, limits, "two numbers, the lower one first")
    for name in FOURS:
        value = getattr(spec, name)
        if name not in beyond and not _sized(value, 4):
            yield _problem(name, value, "four numbers: one per channel (or HER2 class)")
    if "her2_mix" not in beyond and _sized(spec.her2_mix, 4) and abs(sum(spec.her2_mix) - 1) > 1e-9:
        yield _problem("her2_mix", spec.her2_mix, "shares of 0, 1+, 2+ and 3+ that add up to 1")
    if not beyond & {"tumour_cells", "tumour_cells_on_seams", "frames"}:
        most = spec.tumour_cells if spec.frames > 1 else 0
        if spec.tumour_cells_on_seams > most:
            allowed = f"at most {most} (tumour_cells; 0 where there is one frame)"
            yield _problem("tumour_cells_on_seams", spec.tumour_cells_on_seams, allowed)


def _sized(value: object, length: int) -> bool:
    """Whether a value is a tuple of this length."""
    return isinstance(value, tuple) and len(value) == length


def _problem(name: str, found: object, allowed: str) -> Problem:
    """One knob out of order."""
    return Problem("spec", None, name, repr(found), allowed, f"give another {name}")
