"""The HTML file: one file, offline, escaped, accessible, the same bytes."""

from __future__ import annotations

import itertools
import json
import re
from html.parser import HTMLParser

import pytest

from ashworth.errors import DefinitionError
from ashworth.reports import FigureBlock, Paragraph, Report, Section, render_html
from ashworth.reports.html import _json

from .sample import HOSTILE, positivity, report, table


class Page(HTMLParser):
    """Start tags and the text of each element, as a browser would read them."""

    VOID = frozenset({"meta", "img", "br", "link", "input", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag, tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [a for t, a in self.tags if t == tag]

    def words(self, tag: str) -> list[str]:
        return [text.strip() for t, text in self.texts if t == tag]


HTML = render_html(report())
PAGE = Page(HTML)


def test_every_element_is_closed() -> None:
    assert PAGE.open == []


def test_same_bytes() -> None:
    assert render_html(report()) == HTML


def test_nothing_is_loaded_from_outside() -> None:
    for tag, attributes in PAGE.tags:
        for name in ("src", "srcset", "data", "poster", "xlink:href", "action", "background"):
            assert name not in attributes, (tag, attributes)
        if "href" in attributes:
            assert tag == "a"
            assert re.match(r"#|https://doi\.org/", attributes["href"])
    assert not {"link", "iframe", "img", "object", "embed", "base"} & {t for t, _ in PAGE.tags}
    css = "".join(text for t, text in PAGE.texts if t == "style")
    assert "@import" not in css
    assert set(re.findall(r"url\((.{10})", css)) == {"data:font/"}


def test_policy_forbids_requests() -> None:
    policy = next(a["content"] for a in PAGE.attributes("meta") if "http-equiv" in a)
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy
    assert "script-src" not in render_html(report(figures=False))


def test_hostile_text_stays_text() -> None:
    types = [a.get("type") for a in PAGE.attributes("script")]
    assert types == ["application/json"] * 2 + ["text/plain", None]
    assert "onerror" not in {k for _, a in PAGE.tags for k in a}
    assert " ".join(HOSTILE.split()) in PAGE.words("p")
    assert "A study " + HOSTILE in PAGE.words("h1")
    assert "49" not in PAGE.words("p")


def test_specs_read_back_from_the_page() -> None:
    specs = [json.loads(text) for t, text in PAGE.texts if t == "script" and text.startswith("{")]
    assert specs[0] == positivity().spec
    assert "<" not in _json({"a": "</script>"})


def test_chart_library_is_there_once_and_only_with_figures() -> None:
    assert HTML.count('id="chart-library"') == 1
    assert 400_000 < len(HTML) < 2_500_000
    assert len(render_html(report(figures=False))) < 200_000
    still = Report("t", "", (Section("s", "s", (FigureBlock(positivity(), "c", explore=False),)),))
    assert "chart-library" not in render_html(still)


def test_headings_are_in_order() -> None:
    levels = [int(t[1]) for t, _ in PAGE.tags if re.fullmatch(r"h[1-6]", t)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_ids_are_unique_and_links_reach_them() -> None:
    ids = [a["id"] for _, a in PAGE.tags if "id" in a]
    assert len(ids) == len(set(ids))
    inner = [a["href"] for a in PAGE.attributes("a") if a["href"].startswith("#")]
    assert "#content" in inner
    assert {h[1:] for h in inner} <= set(ids)
    for _, attributes in PAGE.tags:
        assert set((attributes.get("aria-labelledby") or "").split()) <= set(ids)


def test_language_landmarks_and_skip_link() -> None:
    assert PAGE.attributes("html")[0]["lang"] == "en-GB"
    assert {"main", "nav", "header", "footer"} <= {t for t, _ in PAGE.tags}
    assert PAGE.attributes("a")[0]["href"] == "#content"
    assert all(a.get("aria-label") for a in PAGE.attributes("button"))


def test_tables_say_what_their_headings_head() -> None:
    assert {a["scope"] for a in PAGE.attributes("th")} == {"col", "row", "rowgroup"}
    assert len(PAGE.attributes("caption")) == 2
    assert "<b>Table 1.</b>" in HTML
    assert "<b>Table 2.</b>" in HTML
    assert "<b>Figure 2.</b> Flow" in HTML


def test_figures_carry_their_description() -> None:
    assert "Own words" in PAGE.words("desc")
    assert all(a.get("role") == "img" for a in PAGE.attributes("svg"))


def test_notices_always_and_banner_when_simulated() -> None:
    assert any("Research use only. Not a medical device." in w for w in PAGE.words("p"))
    assert "SIMULATED DATA: no real patient" in HTML
    assert 'content: "SIMULATED DATA"' in HTML
    real = render_html(report(figures=False, simulated=False))
    assert "SIMULATED DATA" not in real
    assert "Research use only. Not a medical device. Second notice." in real


def test_numbers_are_aligned_on_the_point() -> None:
    tails = re.findall(
        r'<span class="whole">([^<]*)</span><span class="tail" style="([^"]*)">', HTML
    )
    assert [t for t, _ in tails[:2]] == ["1", "12"]
    assert len({style for _, style in tails}) == 1


@pytest.mark.parametrize("wrong", ["", "Upper", "two words", 'a"b'])
def test_ids_that_are_no_ids_are_refused(wrong: str) -> None:
    with pytest.raises(DefinitionError, match="lower-case"):
        render_html(Report("t", "", (Section("s", wrong, (Paragraph("x"),)),)))


def test_one_name_for_two_figures_is_refused() -> None:
    twice = (FigureBlock(positivity(), "a"), FigureBlock(positivity(), "b"))
    with pytest.raises(DefinitionError, match="positivity"):
        render_html(Report("t", "", (Section("s", "s", twice),)))


def test_text_contrast_is_at_least_aa() -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    pairs = [("#1a1a1a", "#ffffff"), ("#555555", "#ffffff"), ("#0b3c6f", "#ffffff")]
    pairs += [("#4d3800", "#fff3cd"), ("#595959", "#ffffff"), ("#1a1a1a", "#9fb6cf")]
    for ink, ground in pairs:
        assert (luminance(ground) + 0.05) / (luminance(ink) + 0.05) >= 4.5


def test_no_clock_in_the_page() -> None:
    visible = re.sub(r"<(script|style).*?</\1>", "", HTML, flags=re.DOTALL)
    assert not re.search(r"20\d\d-\d\d-\d\d|\d\d:\d\d:\d\d", visible)


def test_cells_beside_the_columns_are_refused() -> None:
    bad = table().rows[1]
    assert len(bad.cells) == len(table().columns)
    from ashworth.reports import Row, Table

    with pytest.raises(DefinitionError, match="cells"):
        render_html(
            Report("t", "", (Section("s", "s", (Table(table().columns, (Row(("a",)),), "c"),)),))
        )
