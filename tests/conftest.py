"""What all tests share: programs that may be absent, and the folder of reference values."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("ashworth", deadline=None)
settings.load_profile("ashworth")

ROOT = Path(__file__).resolve().parents[1]
REQUIRED = {name for name in os.environ.get("ASHWORTH_REQUIRE", "").split(",") if name}


@cache
def has_r() -> bool:
    """Rscript with the survival package."""
    program = shutil.which("Rscript")
    if program is None:
        return False
    found = subprocess.run([program, "-e", "library(survival)"], capture_output=True, check=False)
    return found.returncode == 0


@cache
def has_chromium() -> bool:
    """A Chromium or Chrome browser on the path."""
    return any(shutil.which(p) for p in ("chromium", "chromium-browser", "google-chrome"))


@cache
def has_postgres() -> bool:
    """PostgreSQL's server programs, on the path or where Debian puts them."""
    if shutil.which("initdb"):
        return True
    return any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


PROGRAMS = {"r": has_r, "chromium": has_chromium, "postgres": has_postgres}


def need(name: str) -> None:
    """Skip the test where a program is absent; fail it where ASHWORTH_REQUIRE names it."""
    if PROGRAMS[name]():
        return
    if name in REQUIRED:
        pytest.fail(f"ASHWORTH_REQUIRE names {name}, which is not installed")
    pytest.skip(f"{name} is not installed")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "postgres: needs PostgreSQL (skipped where absent)")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for name in PROGRAMS:
        if item.get_closest_marker(name):
            need(name)


@pytest.fixture(scope="session")
def reference() -> Path:
    """Folder of reference values."""
    return ROOT / "reference"
