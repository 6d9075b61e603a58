"""Make report-metastatic.png: the simulated example's report, shortened to one screen.

Usage: python docs/images/report_picture.py demo/metastatic-results/report.html
Needs Chromium. Sections between the summary and the first survival curve are hidden by a style
sheet; nothing else of the report is changed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
HIDDEN = "#patients, #counts, #dynamics { display: none !important }"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    """Photograph the report named on the command line."""
    report = Path(sys.argv[1]).read_text(encoding="utf-8")
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit("Chromium is needed")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        style = f"<style>{HIDDEN}</style></head>"
        page.write_text(report.replace("</head>", style, 1), encoding="utf-8")
        target = HERE / "report-metastatic.png"
        subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--window-size=1280,1600", f"--screenshot={target}", page.as_uri()],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip


if __name__ == "__main__":
    main()
