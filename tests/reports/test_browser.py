"""The report in a real browser, from a file, without any network."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ashworth.reports import FigureBlock, Paragraph, Report, Section, render_html

from .sample import dynamics, report

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(shutil.which, PROGRAMS), PROGRAMS[0])
pytestmark = pytest.mark.chromium
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--hide-scrollbars", "--enable-logging=stderr", "--virtual-time-budget=8000"),
)


def browse(
    folder: Path, page: str, *options: str, fragment: str = "", real_time: bool = False
) -> tuple[str, list[str]]:
    """Open a page; return the standard output and the console's lines."""
    file = folder / "report.html"
    file.write_text(page, "utf-8")
    run = subprocess.run(
        [
            CHROMIUM,
            *(option for option in QUIET if not (real_time and "virtual" in option)),
            f"--user-data-dir={folder / 'profile'}",
            *options,
            file.as_uri() + fragment,
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return run.stdout, [line for line in run.stderr.splitlines() if "CONSOLE" in line]


def with_script(page: str, script: str) -> str:
    """Put a script at the end of the body."""
    before, end, after = page.rpartition("</body>")
    return before + script + end + after


@pytest.fixture(scope="module")
def page() -> str:
    return render_html(report())


def test_page_opens_without_a_message(tmp_path: Path, page: str) -> None:
    dom, console = browse(tmp_path, page, "--dump-dom")
    assert console == []
    assert 'data-drawn="yes"' not in dom


@pytest.mark.parametrize("name", ["positivity", "dynamics"])
def test_explore_draws_the_interactive_chart(tmp_path: Path, page: str, name: str) -> None:
    dom, console = browse(tmp_path, page, "--dump-dom", fragment=f"#explore-{name}")
    assert console == []
    live = re.search(rf'<div class="chart live[^>]*id="live-{name}"[^>]*>', dom)
    assert live
    assert 'data-drawn="yes"' in live[0]
    assert "hidden" not in live[0]
    assert dom[live.end() : live.end() + 200].startswith("<svg")
    assert dom.count('data-drawn="yes"') == 1
    assert re.search(rf'id="still-{name}"[^>]*hidden', dom)


def test_a_request_would_be_seen(tmp_path: Path, page: str) -> None:
    loading = page.replace("<main", '<img src="https://example.org/a.png"><main', 1)
    _, console = browse(tmp_path, loading, "--dump-dom")
    assert any("example.org" in line for line in console)


def test_it_prints(tmp_path: Path, page: str) -> None:
    pdf = tmp_path / "report.pdf"
    browse(tmp_path, page, "--no-pdf-header-footer", f"--print-to-pdf={pdf}")
    assert pdf.read_bytes().startswith(b"%PDF")
    if not shutil.which("pdftotext"):
        return
    text = subprocess.run(
        ["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True
    ).stdout
    pages = text.rstrip("\f").split("\f")
    assert all("SIMULATED DATA" in p for p in pages)
    assert all("Research use only. Not a medical device." in p for p in pages)
    assert "Explore" not in text
    assert "Contents" not in text


CLICK_ALL = """<script>
const frame = document.createElement("iframe");
document.body.append(frame);
frame.contentDocument.open();
const buttons = [...document.querySelectorAll("button.explore")];
buttons.forEach((button) => { button.click(); button.click(); });
const began = Date.now();
const timer = setInterval(() => {
  const drawn = document.querySelectorAll("[data-drawn] svg").length;
  if (drawn < buttons.length && Date.now() - began < 30000) return;
  clearInterval(timer);
  document.body.dataset.waited = String(Date.now() - began);
  frame.contentDocument.close();
}, 50);
</script>"""
"""Presses every button; a frame that is still being written holds back the end of loading."""


def test_all_figures_explored_at_once_share_one_library(tmp_path: Path, page: str) -> None:
    dom, console = browse(tmp_path, with_script(page, CLICK_ALL), "--dump-dom", real_time=True)
    assert console == []
    assert re.search(r'<body data-waited="[0-9]+"', dom)
    count = dom.count('class="explore"')
    assert count >= 2
    assert dom.count('data-drawn="yes"') == count
    assert dom.count('<script type="module"') == 1


def test_a_narrow_screen_cuts_no_figure(tmp_path: Path, page: str) -> None:
    measure = """<script>
    const wide = [...document.querySelectorAll(".chart:not([hidden])")]
      .filter((chart) => chart.scrollWidth > chart.clientWidth).length;
    const hints = [...document.querySelectorAll(".table, .chart")]
      .filter((box) => !getComputedStyle(box).backgroundAttachment.includes("local")).length;
    document.body.dataset.wide = `${innerWidth} ${wide} ${hints}`;
    </script>"""
    dom, _ = browse(tmp_path, with_script(page, measure), "--window-size=500,900", "--dump-dom")
    assert '<body data-wide="500 0 0"' in dom


def test_print_keeps_a_heading_with_what_follows(tmp_path: Path) -> None:
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext is not installed")
    filler = "A sentence that fills the page from margin to margin. " * 5
    for n in (19, 20, 21, 22, 23, 24):
        blocks = (*(Paragraph(filler) for _ in range(n)),)
        last = Section(
            "Heading",
            "last",
            (Paragraph("OPENING " + filler[:150]), FigureBlock(dynamics(), "Flow", explore=False)),
        )
        made = Report("A", "", (Section("Filler", "filler", blocks), last))
        pdf = tmp_path / f"{n}.pdf"
        browse(tmp_path, render_html(made), "--no-pdf-header-footer", f"--print-to-pdf={pdf}")
        text = subprocess.run(
            ["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True
        ).stdout
        (page,) = (p for p in text.split("\f") if "OPENING" in p)
        assert "Heading" in page
        assert "Figure 1" in page
