"""Pages about images: pictures are small and said to be simulated; every feature is described."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest

pytest.importorskip("cv2")

from ashworth.imaging import PhantomSpec, detect, phantom
from ashworth.imaging.feature_kernels import ACCEPT

DOCS = Path(__file__).parents[2] / "docs"
IMAGES = DOCS / "images"
PAGE = DOCS / "explanation" / "one-cell.md"


def pictures() -> list[Path]:
    return sorted([*IMAGES.glob("one-cell-*.webp"), *IMAGES.glob("one-cell-*.svg")])


def test_pictures_are_small_used_and_said_to_be_simulated():
    shown = re.findall(
        r"(?s)!\[([^\]]+)\]\(\.\./images/([^)]+)\)\n\n\*(\w+)", PAGE.read_text(encoding="utf-8")
    )
    assert {name for _, name, _ in shown} == {p.name for p in pictures()}
    assert all(first == "Simulated" and len(words) > 60 for words, _, first in shown)
    assert all(p.stat().st_size <= 150_000 for p in pictures())


def test_every_column_of_cells_is_described():
    spec = PhantomSpec(
        frames=1, frame_width=256, frame_height=256, tumour_cells=1, nuclei_per_frame=5,
        ck_bodies=0, debris=0, doublets=0, apoptotic_ctcs=0, cluster_share=0.0,
    )  # fmt: skip
    columns = detect(phantom(spec, 1).cartridge).cells.columns
    described = set(
        re.findall(r"`([\w<>]+)`", (DOCS / "reference/features.md").read_text(encoding="utf-8"))
    )
    general = {re.sub(r"(^|(?<=Overlay_))(dapi|ck|cd45|her2)(?=_|$)", "<p>", c) for c in columns}
    general = {c.replace("<p>_Overlay", "dapi_Overlay") for c in general}
    assert general <= described, general - described
    assert {f"<p>_{n}" for n in ACCEPT if n != "Overlay"} <= described


@pytest.mark.slow
def test_the_pictures_can_be_made_again(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(IMAGES))
    made = runpy.run_path(str(IMAGES / "one_cell_pictures.py"))
    made["main"].__globals__["HERE"] = tmp_path
    made["main"]()
    for name in ("picture_sheet", "one_cell_charts"):
        sys.modules.pop(name, None)
    assert {p.name for p in tmp_path.iterdir()} == {p.name for p in pictures()}
