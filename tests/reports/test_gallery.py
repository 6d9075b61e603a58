"""The gallery page: what it says, that it is safe, that it stands alone."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import polars as pl
import pytest

from ashworth.errors import InputError
from ashworth.imaging.atlas import Atlas, DisplayScale
from ashworth.reports.gallery import CLASSES, gallery_page, her2_words

from .cell_pictures import SIZE, drawn_atlases, drawn_cartridge, drawn_cells
from .sample import HOSTILE

NUMBERS = {"ctc": 5, "leukocyte": 9, "ck_without_nucleus": 3}


class Page(HTMLParser):
    """Elements with their attributes, and the text outside of scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._quiet = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._quiet = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._quiet = False

    def handle_data(self, data: str) -> None:
        if not self._quiet and data.strip():
            self.words.append(data.strip())

    def all(self, tag: str, cls: str = "") -> list[dict[str, str | None]]:
        return [a for t, a in self.elements if t == tag and cls in (a.get("class") or "").split()
                ] if cls else [a for t, a in self.elements if t == tag]  # fmt: skip


@pytest.fixture(scope="module")
def cells() -> pl.DataFrame:
    return drawn_cells(NUMBERS)


@pytest.fixture(scope="module")
def atlases(cells: pl.DataFrame) -> list[Atlas]:
    return drawn_atlases(drawn_cartridge(cells), cells, max_rows=4)


@pytest.fixture(scope="module")
def page(cells: pl.DataFrame, atlases: list[Atlas]) -> str:
    totals = {"leukocyte": 48_211}
    return gallery_page(cells, atlases, sample="A 17", totals=totals, simulated=True)


def test_every_class_has_a_section_in_order(page: str) -> None:
    labels = [a["data-label"] for a in Page(page).all("section")]
    assert labels == list(CLASSES.values())


def test_it_says_how_many_of_how_many_are_shown(page: str) -> None:
    words = Page(page).words
    told = [w for w in words if re.match(r"No cells|[\d,]+ cells?[,;]", w)]
    assert told == [
        "5 cells, all shown.",
        "No cells.",
        "3 cells, all shown.",
        *["No cells."] * 2,
        "48,211 cells; 9 shown, sorted by score.",
        *["No cells."] * 2,
    ]


def test_cells_of_a_class_are_sorted_by_score(page: str, cells: pl.DataFrame) -> None:
    shown = [a["data-cell"] for a in Page(page).all("li", "cell")]
    order = ["ctc", "ck_without_nucleus", "leukocyte"]
    parts = [cells.filter(call=call).sort("score", descending=True) for call in order]
    assert shown == pl.concat(parts)["cell_id"].to_list()


def test_each_cell_points_to_its_own_row(
    page: str, atlases: list[Atlas], cells: pl.DataFrame
) -> None:
    index = pl.concat([a.index for a in atlases])
    rows = {r["cell_id"]: (f"atlas/{r['atlas']}", r["y"] // (SIZE + 2)) for r in index.to_dicts()}
    items = Page(page).all("li", "cell")
    assert len(items) == cells.height
    for item in items:
        found = re.fullmatch(r"--a:url\(([^)]+)\);--r:(\d+)", item["style"] or "")
        assert found
        assert (found[1], int(found[2])) == rows[item["data-cell"]]


def test_facts_of_a_cell_are_printed(page: str, cells: pl.DataFrame) -> None:
    row = cells.filter(call="ctc").sort("score").row(-1, named=True)
    words = Page(page).words
    at = words.index(f"Cell {row['cell_id']}")
    assert words[at + 1 : at + 5] == [
        f"frame {row['frame']}",
        f"score {row['score']:.2f}",
        f"diameter {row['diameter_um']:.1f} µm",
        her2_words(row["her2_class"]),
    ]
    assert words[at + 5] == "ctc by its gates; CD45 0.4 of the leukocytes' median"


def test_no_bare_her2_class_stands_anywhere(page: str) -> None:
    text = " ".join(Page(page).words)
    classes = re.findall(r"(\S+) ([0-3]\+)", text)
    assert classes
    assert {before for before, _ in classes} == {"immunofluorescence"}


def test_simulated_and_research_use(page: str, cells: pl.DataFrame, atlases: list[Atlas]) -> None:
    assert "SIMULATED DATA" in page
    assert page.count("Research use only. Not a medical device.") >= 3
    real = gallery_page(cells, atlases, sample="A 17")
    assert "SIMULATED" not in real
    assert "Research use only" in real


def test_hostile_texts_stay_text(cells: pl.DataFrame) -> None:
    nasty = cells.with_columns(
        cell_id=pl.format("{}-{}", "cell_id", pl.lit(HOSTILE)),
        call=pl.lit(HOSTILE),
        reasons=pl.concat_list(pl.lit(HOSTILE), pl.lit("</style>")),
    )
    atlases = drawn_atlases(drawn_cartridge(cells), cells)
    ids = dict(zip(cells["cell_id"], nasty["cell_id"], strict=True))
    named = [
        replace(
            a,
            index=a.index.with_columns(pl.col("cell_id").replace_strict(ids)),
            panels=(*a.panels[:-1], replace(a.panels[-1], label=HOSTILE + "</style>")),
        )
        for a in atlases
    ]
    page = gallery_page(nasty, named, sample=HOSTILE, folder="a) b'\"", meta=((HOSTILE, HOSTILE),))
    plain = gallery_page(cells, atlases, sample="s", meta=(("a", "b"),))
    tags, usual = (Counter(t for t, _ in Page(p).elements) for p in (page, plain))
    assert {t: tags[t] for t in ("script", "style", "img", "iframe")} == {
        t: usual[t] for t in ("script", "style", "img", "iframe")
    }
    assert not [a for _, a in Page(page).elements for name in a if name.startswith("on")]
    addresses = {re.match(r"--a:url\((.*)\);--r:\d+$", a["style"] or "")[1]
                 for a in Page(page).all("li", "cell")}  # fmt: skip
    assert all(re.fullmatch(r"[A-Za-z0-9%/._-]+", address) for address in addresses)
    assert HOSTILE in " ".join(Page(page).words)


def test_the_page_asks_for_its_pictures_only(page: str) -> None:
    policy = next(a["content"] for t, a in Page(page).elements if a.get("http-equiv"))
    assert "default-src 'none'" in policy
    assert "connect-src" not in policy
    outside = re.sub(r"url\((data:|atlas/)[^)]*\)", "", page)
    assert "url(" not in outside
    assert "http" not in outside.replace("http-equiv", "")


def test_ids_are_unique_and_labels_point_somewhere(page: str) -> None:
    read = Page(page)
    ids = [a["id"] for _, a in read.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in read.elements:
        for name in ("aria-labelledby", "for"):
            assert attributes.get(name) is None or attributes[name] in ids
    assert {a["value"] for a in read.all("input") if a.get("name") == "class"} <= set(ids)


def test_same_input_same_text(cells: pl.DataFrame, atlases: list[Atlas]) -> None:
    shuffled = cells.sample(fraction=1.0, shuffle=True, seed=3)
    assert gallery_page(cells, atlases, sample="A") == gallery_page(shuffled, atlases, sample="A")


def test_unknown_classes_follow_and_cells_without_pictures_are_counted() -> None:
    cells = pl.DataFrame({"cell_id": ["1", "2"], "call": ["micro_ctc"] * 2, "frame": [1, 2]})
    page = Page(gallery_page(cells, [], sample="A"))
    assert page.all("section")[-1]["data-label"] == "micro ctc"
    assert "2 cells; no pictures." in page.words


def test_atlases_of_different_brightness_are_refused(
    cells: pl.DataFrame, atlases: list[Atlas]
) -> None:
    other = replace(atlases[0], scales=(DisplayScale(0, 1),) * 4)
    with pytest.raises(InputError, match="display scales"):
        gallery_page(cells, [other, *atlases[1:]], sample="A")
    with pytest.raises(InputError) as caught:
        gallery_page(cells.drop("call", "frame"), atlases, sample="A")
    assert [p.column for p in caught.value.problems] == ["call", "frame"]


def test_scale_bar_and_scales_are_stated(page: str, atlases: list[Atlas]) -> None:
    foot = " ".join(Page(page).words)
    assert "Scale bar: 10 µm" in foot
    low, high = atlases[0].scales[1].low, atlases[0].scales[1].high
    assert f"CK {low:,.0f} to {high:,.0f} counts" in foot
    assert f"--bar: {round(10 / 0.64, 2)}" in page
    assert "DAPI blue, CK green, CD45 red, HER2 yellow" in foot


def test_no_cells_at_all_are_a_page_too() -> None:
    schema = {"cell_id": pl.String, "call": pl.String, "frame": pl.Int64}
    page = Page(gallery_page(pl.DataFrame(schema=schema), [], sample="blank"))
    assert page.words.count("No cells.") == len(CLASSES)
    assert not [a for a in page.all("input") if a.get("name") == "panel"]


def test_numbers_as_ids_find_their_pictures(cells: pl.DataFrame, atlases: list[Atlas]) -> None:
    numbered = cells.with_columns(pl.col("cell_id").cast(pl.Int64))
    assert gallery_page(numbered, atlases, sample="A") == gallery_page(cells, atlases, sample="A")


def test_a_missing_her2_class_is_said_of_tumour_cells_only(page: str, cells: pl.DataFrame) -> None:
    words = Page(page).words
    tumour = cells.filter(pl.col("her2_class").is_null(), call="ctc").height
    others = cells.filter(pl.col("her2_class").is_null(), pl.col("call") != "ctc").height
    assert tumour
    assert others
    assert words.count(her2_words(None)) == tumour
