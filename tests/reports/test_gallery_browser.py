"""The gallery in a real browser: keys, filters, pictures from files, narrow and print."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import polars as pl
import pytest

from ashworth.imaging.atlas import DisplayScale, atlas
from ashworth.imaging.channels import Channel
from ashworth.reports.gallery import gallery_page

from .cell_pictures import drawn_atlases, drawn_cartridge, drawn_cells
from .test_browser import browse, with_script

pytestmark = pytest.mark.chromium
NUMBERS = {"ctc": 5, "ck_without_nucleus": 3, "leukocyte": 9}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return made(tmp_path_factory.mktemp("none"), NUMBERS)


def made(folder: Path, numbers: dict[str, int]) -> str:
    """Write the sheets into a folder and give the page that stands beside them."""
    cells = drawn_cells(numbers)
    atlases = drawn_atlases(drawn_cartridge(cells), cells, max_rows=4)
    (folder / "atlas").mkdir()
    for one in atlases:
        for name, data in one.files.items():
            (folder / "atlas" / name).write_bytes(data)
    return gallery_page(cells, atlases, sample="A 17", simulated=True)


STATE = """<script>
const press = (...names) => names.forEach((key) => (document.querySelector("dialog[open]")
  ?? document.activeElement ?? document.body)
  .dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })));
const state = () => ({
  current: document.querySelectorAll("[aria-current]").length === 1
    ? document.querySelector("[aria-current]").dataset.cell : null,
  focused: document.activeElement?.dataset?.cell ?? null,
  place: document.getElementById("place").textContent,
  who: document.getElementById("who").textContent,
  why: document.getElementById("why").textContent,
  open: [...document.querySelectorAll("dialog[open]")].map((one) => one.id),
  stops: [...document.querySelectorAll(".cell")].filter((one) => one.tabIndex === 0).length,
});
const cells = [...document.querySelectorAll(".cell")].map((one) => one.dataset.cell);
const told = { cells };
const tell = () => { document.body.dataset.told = JSON.stringify(told); };
SCRIPT
tell();
</script>"""


def run(folder: Path, page: str, script: str, *options: str, fragment: str = "") -> dict[str, Any]:
    """Run a script in the page; give what it told."""
    whole = with_script(page, STATE.replace("SCRIPT", script))
    dom, console = browse(folder, whole, "--dump-dom", *options, fragment=fragment)
    assert console == []
    found = re.search(r'data-told="([^"]*)"', dom)
    assert found
    return json.loads(unescape(found[1]))


def test_keys_move_through_all_cells(tmp_path: Path, page: str) -> None:
    told = run(
        tmp_path,
        page,
        """told.seen = [];
        for (const key of ["j", "j", "ArrowRight", "k", "ArrowLeft", "End", "j", "Home", "k"]) {
          press(key); told.seen.push(state());
        }
        told.walk = []; press("Home");
        for (const _ of cells) { told.walk.push(state().current); press("j"); }""",
    )
    assert [told["cells"].index(s["current"]) for s in told["seen"]] == [
        0,
        1,
        2,
        1,
        0,
        16,
        16,
        0,
        0,
    ]
    assert told["walk"] == told["cells"]
    for seen in told["seen"]:
        assert seen["focused"] == seen["current"]
        assert seen["stops"] == 1
        assert seen["place"] == f"{told['cells'].index(seen['current']) + 1} of 17"
        assert seen["who"].startswith(f"Cell {seen['current']}, ")
        assert seen["why"].endswith("by its gates; CD45 0.4 of the leukocytes' median")


def test_rows_and_classes(tmp_path: Path, page: str) -> None:
    told = run(
        tmp_path,
        page,
        """const columns = getComputedStyle(document.querySelector("ul.cells")).gridTemplateColumns;
        told.columns = columns.split(" ").length; told.at = [];
        press("j");
        for (const key of ["ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp", "n", "n", "p"]) {
          press(key); told.at.push(cells.indexOf(state().current));
        }""",
        "--window-size=1100,900",
    )
    assert told["columns"] == 2
    assert told["at"] == [2, 4, 5, 4, 5, 8, 5]


def test_large_view_opens_moves_and_closes(tmp_path: Path, page: str) -> None:
    told = run(
        tmp_path,
        page,
        """press("j", "j", "Enter"); told.opened = state();
        const title = () => document.getElementById("large-title").textContent;
        told.title = title();
        told.side = document.querySelector("#large-strip i").getBoundingClientRect().width;
        press("j"); told.next = title();
        told.facts = document.getElementById("large-facts").textContent;
        told.panels = document.querySelectorAll("#large-strip i").length;
        document.getElementById("large").close(); told.closed = state().open;
        document.activeElement.blur(); press("?"); told.help = state().open;""",
    )
    assert told["opened"]["open"] == ["large"]
    assert told["title"] == f"Cell {told['cells'][1]}, CTC"
    assert told["next"] == f"Cell {told['cells'][2]}, CTC"
    assert told["side"] == pytest.approx(320, abs=1)
    assert "HER2 by immunofluorescence" in told["facts"]
    assert told["panels"] == 5
    assert told["closed"] == []
    assert told["help"] == ["keys"]


def test_class_filter_panels_and_contrast(tmp_path: Path, page: str) -> None:
    told = run(
        tmp_path,
        page,
        """press("j");
        document.querySelector("input[name=class]").click();
        told.hidden = state();
        press("j"); told.first = state();
        const strip = () => document.querySelector("section:not([hidden]) .strip");
        const visible = () => [...strip().children].filter((one) => one.offsetWidth > 0).length;
        told.panels = [visible()]; press("3"); told.panels.push(visible());
        press("3"); told.panels.push(visible());
        told.gain = [getComputedStyle(strip()).filter];
        press("+", "+", "+", "+"); told.gain.push(getComputedStyle(strip()).filter);
        press("0"); told.gain.push(getComputedStyle(strip()).filter);
        document.querySelectorAll("input[name=class]:checked").forEach((box) => box.click());
        told.none = !document.getElementById("none").hidden;""",
    )
    assert told["hidden"]["current"] is None
    assert told["hidden"]["stops"] == 1
    assert told["first"]["current"] == told["cells"][5]
    assert told["first"]["place"] == "1 of 12"
    assert told["panels"] == [5, 4, 5]
    assert told["gain"] == ["brightness(1)", "brightness(2)", "brightness(1)"]
    assert told["none"]


def test_the_slider_keeps_its_arrows_and_a_box_does_not(tmp_path: Path, page: str) -> None:
    told = run(
        tmp_path,
        page,
        """press("j"); document.getElementById("gain").focus(); press("ArrowRight");
        told.slider = state().current;
        document.querySelector("input[name=panel]").focus(); press("ArrowRight");
        told.box = state().current;""",
    )
    assert told["slider"] == told["cells"][0]
    assert told["box"] == told["cells"][1]


def test_an_address_leads_to_its_cell(tmp_path: Path, page: str) -> None:
    told = run(tmp_path, page, "told.now = state();", fragment="#cell=12")
    assert told["now"]["current"] == "12"


SAMPLE_PIXELS = """
const cell = document.querySelector(".cell"), sheet = new Image();
sheet.onload = () => { told.size = [sheet.naturalWidth, sheet.naturalHeight]; tell(); };
sheet.onerror = () => { told.size = "not loaded"; tell(); };
sheet.src = getComputedStyle(cell.querySelector("i")).backgroundImage.slice(5, -2);
const looks = [...cell.querySelectorAll("i")].map((one) => getComputedStyle(one));
told.places = looks.map((look) => look.backgroundPosition);
told.scaled = looks[0].backgroundSize;
"""


def test_pictures_load_from_files_and_stand_at_their_place(tmp_path: Path) -> None:
    told = run(tmp_path, made(tmp_path, {"ctc": 1}), SAMPLE_PIXELS)
    assert told["size"] == [5 * 50 - 2, 48]
    assert told["scaled"].startswith("248px")
    assert told["places"] == [f"{-50 * i}px 0px" if i else "0px 0px" for i in range(5)]


def test_the_second_cell_of_a_sheet_is_seen_on_the_screen(tmp_path: Path) -> None:
    """A black sheet with one white row: only that row's cell is white on the screen."""
    pictures = np.zeros((3, 1, 40, 40), np.uint16)
    pictures[1] = 100
    cells = drawn_cells({"ctc": 3}).with_columns(score=pl.Series([0.9, 0.8, 0.7]))
    made_atlas = atlas(
        pictures, cells["cell_id"].to_list(), [Channel("nucleus", "DAPI")],
        [DisplayScale(0, 100)], call="ctc", pixel_size_um=1.0, quality=101,
    )  # fmt: skip
    (tmp_path / "atlas").mkdir()
    (tmp_path / "atlas" / "ctc-001.webp").write_bytes(made_atlas.files["ctc-001.webp"])
    page = gallery_page(cells, [made_atlas], sample="A")
    place = run(
        tmp_path,
        page,
        """told.boxes = [...document.querySelectorAll(".cell")].map((cell) => {
          const box = cell.querySelectorAll("i")[1].getBoundingClientRect();
          return [box.left + box.width / 2, box.top + box.height / 2];
        });""",
        "--window-size=900,900",
    )
    shot = tmp_path / "shot.png"
    browse(tmp_path, page, "--window-size=900,900", f"--screenshot={shot}")
    pixels = cv2.imread(str(shot), cv2.IMREAD_GRAYSCALE)
    seen = [int(pixels[round(y) + 8, round(x)]) for x, y in place["boxes"]]
    assert seen == [0, 255, 0]


def test_a_narrow_screen_needs_no_sideways_scrolling(tmp_path: Path, page: str) -> None:
    told = run(
        tmp_path,
        page,
        """told.wide = [innerWidth, document.documentElement.scrollWidth];
        told.out = [...document.querySelectorAll(".cell, .cell *, .tools *")]
          .filter((one) => one.getBoundingClientRect().right > innerWidth).length;""",
        "--window-size=500,900",
    )
    assert told["wide"] == [500, 500]
    assert told["out"] == 0


def test_it_prints_every_cell_with_its_reasons(tmp_path: Path) -> None:
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext is not installed")
    pdf = tmp_path / "gallery.pdf"
    page = made(tmp_path, NUMBERS)
    browse(tmp_path, page, "--no-pdf-header-footer", f"--print-to-pdf={pdf}")
    text = subprocess.run(
        ["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True
    ).stdout
    assert len(set(re.findall(r"Cell (\d+)", text))) == 17
    assert text.count("by its gates") == 17
    assert "SIMULATED DATA" in text
    assert "Contrast" not in text
