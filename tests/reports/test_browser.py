"""The report in a real browser, from a file, without any network."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ashworth.reports import render_html

from .sample import report

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(shutil.which, PROGRAMS), PROGRAMS[0])
pytestmark = pytest.mark.chromium
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--hide-scrollbars", "--enable-logging=stderr", "--virtual-time-budget=8000"),
)


def browse(folder: Path, page: str, *options: str, fragment: str = "") -> tuple[str, list[str]]:
    """Open a page; return the standard output and the console's lines."""
    file = folder / "report.html"
    file.write_text(page, "utf-8")
    run = subprocess.run(
        [
            CHROMIUM,
            *QUIET,
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
