"""The review: no number without a record, and exactly the dependent numbers change."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser

import pytest

from ashworth.errors import DefinitionError
from ashworth.reports.living import plain
from ashworth.reports.living_html import render_living_html
from ashworth.reports.living_pdf import render_living_pdf
from ashworth.workflows.review.build import build_document, build_review
from ashworth.workflows.review.record_book import RecordBook
from ashworth.workflows.review.template import loose_numbers, texts

NUMBER = re.compile(r"(?<![A-Za-z0-9/-])\d")
OWN = ("button", "a", "svg", "style", "title")
LISTS = ("references",)


@pytest.fixture(scope="module")
def document():
    return build_document()


@pytest.fixture(scope="module")
def page(document):
    return render_living_html(document)


class Walk(HTMLParser):
    """Texts outside buttons, links, figures, sources and the reference list; and the sources."""

    def __init__(self) -> None:
        super().__init__()
        self.depth: list[str] = []
        self.loose: list[str] = []
        self.opened: list[str] = []
        self.there: list[str] = []
        self.ids: list[str] = []
        self.anchors: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag, attrs):
        facts = dict(attrs)
        inside = tag in OWN or facts.get("class") in (*LISTS, "source")
        if tag not in ("meta", "br", "link", "input"):
            self.depth.append("own" if inside or "own" in self.depth[-1:] else tag)
        if "data-source" in facts:
            self.opened.append(facts["data-source"])
            assert facts["popovertarget"] == f"source-{facts['data-source']}"
        if facts.get("class") == "source":
            self.there.append(facts["id"].removeprefix("source-"))
        if "id" in facts:
            self.ids.append(facts["id"])
        href = facts.get("href", "")
        if href.startswith("#"):
            self.anchors.append(href[1:])
        elif href:
            self.outside.append(href)

    def handle_endtag(self, tag):
        if self.depth:
            self.depth.pop()

    def handle_data(self, data):
        if "own" not in self.depth[-1:] and NUMBER.search(data):
            self.loose.append(data.strip())


def test_every_number_of_the_page_has_its_record(page):
    walk = Walk()
    walk.feed(page)
    assert walk.loose == []
    assert len(walk.opened) > 500
    assert set(walk.opened) == set(walk.there)
    assert len(walk.there) == len(set(walk.there))
    assert set(walk.anchors) <= set(walk.ids)
    assert all(h.startswith(("https://doi.org/", "https://clinicaltrials.gov/"))
               for h in walk.outside)  # fmt: skip


def test_the_walk_can_fail():
    walk = Walk()
    walk.feed("<main><p>It was 5 of them</p><button>6</button></main>")
    assert walk.loose == ["It was 5 of them"]


def test_templates_hold_no_digit_of_their_own():
    for path in texts():
        assert loose_numbers(path.read_text(encoding="utf-8")) == [], path
    assert loose_numbers("it was 5 of [[a/b]]") == ["it was 5 of [[a/b]]"]
    assert loose_numbers("Nine studies") == ["Nine studies"]
    assert loose_numbers("HER2 in S0500 and [[a/b-2y|group >= 5]]") == []


def test_the_same_records_give_the_same_bytes(document, page):
    again = build_document()
    assert render_living_html(again) == page
    assert render_living_pdf(again) == render_living_pdf(document)


def test_a_changed_record_changes_exactly_what_depends_on_it(document):
    book = RecordBook()
    studies = dict(book.studies)
    old = studies["detect"]
    changed = tuple(_longer(s) if s.id == "iii-clearance-os" else s for s in old.statistics)
    studies["detect"] = old.model_copy(update={"statistics": changed})
    book.__dict__["studies"] = studies
    new = build_document(book=book)
    pairs = list(zip(document.lines(), new.lines(), strict=True))
    different = [(plain(a), plain(b)) for a, b in pairs if plain(a) != plain(b)]
    assert different
    for before, after in different:
        assert "42.4" in before
        assert before.replace("42.4", "43.9") == after
    sources = {s.id: s for s in document.sources()}
    moved = [s.id for s in new.sources() if s.id in sources and sources[s.id] != s]
    assert "detect-iii-clearance-os" in moved
    assert all("iii-clearance-os" in id for id in moved)


def _longer(statistic):
    first, *others = statistic.groups
    assert first.value == 42.4
    return statistic.model_copy(
        update={"groups": (first.model_copy(update={"value": 43.9}), *others)}
    )


def test_unverified_numbers_never_reach_the_review(page):
    assert "20.5 months" not in re.sub(r"<svg[\s\S]*?</svg>", "", page)
    with pytest.raises(DefinitionError, match="unverified"):
        RecordBook().number("detect/iii-os|p")


@pytest.mark.parametrize(
    ("reference", "words"),
    [("nobody/os", "no study 'nobody'"), ("stic-ctc/osss", "no statistic"),
     ("stic-ctc/os-medians|group X", "no group 'X'"), ("observed:nothing", "nothing computed"),
     ("stic-ctc/funnel:nothing", "no step"), ("stic-ctc/randomised|p", "no p-value")],
)  # fmt: skip
def test_a_reference_that_no_record_answers_is_an_error(reference, words):
    with pytest.raises(DefinitionError, match=words):
        RecordBook().number(reference)


def test_the_command_writes_page_pdf_and_citations(tmp_path):
    built = build_review(out=tmp_path / "review")
    folder = tmp_path / "review"
    assert (folder / "review.pdf").read_bytes().startswith(b"%PDF")
    entries = json.loads((folder / "references.json").read_text(encoding="utf-8"))
    keys = [c.key for c in built.document.citations]
    assert [e["id"] for e in entries] == keys
    assert (folder / "references.bib").read_text(encoding="utf-8").count("@article{") == len(keys)
    assert built.seconds < 60


@pytest.mark.chromium
def test_numbers_open_by_mouse_and_by_keyboard(page, tmp_path):
    programs = ("chromium", "chromium-browser", "google-chrome")
    chromium = next(filter(None, map(shutil.which, programs)))
    path = tmp_path / "review.html"
    path.write_text(page, encoding="utf-8")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page()
        said: list[str] = []
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        asked: list[str] = []
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(path.as_uri())
        buttons = tab.locator("button.number")
        for i in range(0, buttons.count(), 40):
            button = buttons.nth(i)
            source = tab.locator(f"#{button.get_attribute('popovertarget')}")
            button.click()
            assert source.is_visible()
            tab.keyboard.press("Escape")
            assert not source.is_visible()
            button.focus()
            tab.keyboard.press("Enter")
            assert source.is_visible()
            tab.keyboard.press("Escape")
        assert said == []
        assert [u for u in asked if not u.startswith(("file:", "data:"))] == []
        browser.close()


def test_no_id_of_the_page_stands_twice(page):
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_without_a_pdf_none_is_named(tmp_path):
    built = build_review(out=tmp_path / "out", pdf=False)
    assert not (tmp_path / "out" / "review.pdf").exists()
    assert "review.pdf" not in "\n".join(built.lines())
    assert built.to_dict()["pdf"] is None
