"""`ashworth simulate cartridge`: a phantom as an image folder, with its truth beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import polars as pl

from ashworth.errors import AshworthError
from ashworth.storage import results_folder
from ashworth.version import __version__

if TYPE_CHECKING:
    from ashworth.imaging.phantoms import Phantom, PhantomSpec

MARK = "truth/truth.json"
FORMATS = {
    "celltracks": "CellTracks",
    "celltracksxp": "CellTracksXp",
    "vycap": "VyCAP",
    "mcbp": "MCBP",
    "ome-tiff": "OME-TIFF",
    "tiff": "TIFF",
}
EXTRA = ("cv2", "tifffile", "imagecodecs", "lxml")

Progress: TypeAlias = Callable[[str, int, int], None]
FormatName: TypeAlias = Literal["celltracks", "celltracksxp", "vycap", "mcbp", "ome-tiff", "tiff"]
Compression: TypeAlias = Literal["lzw", "zlib", "zstd"]
Mix: TypeAlias = Literal["negative", "mixed", "ladder"]


@dataclass(frozen=True, slots=True)
class SimulatedCartridge:
    """A simulated image folder.

    Attributes
    ----------
    folder, images : Path
        What was made; the image folder in it.
    format : str
    seed, frames : int
    objects : dict of str to int
        Number of objects of every kind.
    """

    folder: Path
    images: Path
    format: str
    seed: int
    frames: int
    objects: dict[str, int]

    def lines(self) -> list[str]:
        """Text for a terminal."""
        counted = ", ".join(f"{n} {kind}" for kind, n in self.objects.items())
        return [
            f"SIMULATED cartridge, {self.frames} frames ({self.format}), seed {self.seed}",
            f"objects: {counted or 'none'}",
            f"images: {self.images}",
            f"truth:  {self.folder / MARK}",
            "Research use only. Not a medical device.",
        ]

    def to_dict(self) -> dict[str, Any]:
        """Document for --json."""
        return {
            "simulated": True,
            "format": self.format,
            "seed": self.seed,
            "frames": self.frames,
            "objects": self.objects,
            "images": str(self.images),
            "truth": str(self.folder / MARK),
            "version": __version__,
            "notice": "Research use only. Not a medical device.",
        }


def simulate_cartridge(
    *,
    out: Path,
    seed: int = 1,
    her2: Mix = "negative",
    format: FormatName = "celltracks",
    compression: Compression | None = None,
    progress: Progress | None = None,
    **knobs: Any,
) -> SimulatedCartridge:
    """Simulate a cartridge and write it as an image folder with its truth.

    Parameters
    ----------
    out : Path
        New folder (or one that an earlier simulation made): ``images/phantom-<seed>``,
        ``truth/truth.csv`` and ``truth/truth.json``.
    seed : int
        The same seed gives the same pixels.
    her2 : {'negative', 'mixed', 'ladder'}
        HER2 classes of the tumour cells; a ladder comes with control cells.
    format : {'celltracks', 'celltracksxp', 'vycap', 'mcbp', 'ome-tiff', 'tiff'}
    compression : {'lzw', 'zlib', 'zstd'}, optional
    progress : callable, optional
        Called with (label, done, total).
    **knobs
        Fields of `ashworth.imaging.phantoms.PhantomSpec`; None leaves the default. Without
        tumour cells the cartridge is blank: no other cell bears cytokeratin either.

    Returns
    -------
    SimulatedCartridge

    Raises
    ------
    InputError
        If a knob is out of its limits, the format cannot hold the cartridge, or the folder
        holds other files.
    AshworthError
        If the imaging packages are not installed.
    """
    target, tell = Path(out).absolute(), progress or (lambda *_: None)
    try:
        made = _made(seed, her2, {k: v for k, v in knobs.items() if v is not None})
        with results_folder(target, mark=MARK) as work:
            _write_images(work, made, format, compression, tell)
            _write_truth(work, made, FORMATS[format])
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in EXTRA:
            raise
        raise AshworthError(
            f"simulating a cartridge needs the package '{error.name}': "
            "install the imaging extra, pip install 'ashworth[imaging]'"
        ) from None
    images = target / "images" / made.cartridge.sample
    return SimulatedCartridge(
        target, images, FORMATS[format], seed, made.spec.frames, _kinds(made.truth)
    )


def _made(seed: int, her2: Mix, knobs: dict[str, Any]) -> Phantom:
    """Draw the phantom."""
    from ashworth.imaging.phantoms import PhantomSpec, blank, her2_spec, phantom

    spec: PhantomSpec = replace(her2_spec(PhantomSpec(), her2), **knobs)
    return phantom(spec if spec.tumour_cells else blank(spec), seed)


def _write_images(
    work: Path, made: Phantom, format: FormatName, compression: Compression | None, tell: Progress
) -> None:
    """Render and write frame by frame."""
    from ashworth.imaging.writers import write_folder

    (work / "images").mkdir()
    write_folder(
        made.cartridge,
        work / "images" / made.cartridge.sample,
        format=FORMATS[format],  # pyrefly: ignore
        compression=compression,
        progress=lambda done, total: tell("rendering frames", done, total),
    )


def _write_truth(work: Path, made: Phantom, format: str) -> None:
    """Write the table of objects, and everything that the pixels were made from."""
    (work / "truth").mkdir()
    spaced = pl.col("frames").cast(pl.List(pl.String)).list.join(" ")
    table = made.truth.with_columns(spaced, pl.col(pl.Float64).round(4))
    table.write_csv(work / "truth" / "truth.csv", line_terminator="\n")
    files = sorted(p.relative_to(work).as_posix() for p in work.rglob("*") if p.is_file())
    record = {
        "simulated": True,
        "label": "SIMULATED: nothing here was observed. Research use only.",
        "version": __version__,
        "seed": made.seed,
        "format": format,
        "spec": asdict(made.spec),
        "tumour_cells": int(made.truth["is_ctc"].sum()),
        "objects": _kinds(made.truth),
        "files": files,
    }
    text = json.dumps(record, indent=2, ensure_ascii=False)
    (work / MARK).write_text(text + "\n", encoding="utf-8")


def _kinds(truth: pl.DataFrame) -> dict[str, int]:
    """Objects of every kind, in the order of the table."""
    kinds = truth["kind"].to_list()
    return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
