"""The reference pages name everything that exists; the documentation builds."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

import ashworth.enumeration
import ashworth.evidence
import ashworth.registries
import ashworth.survival
import ashworth.trials
from ashworth.cli.main import app
from ashworth.workflows.study.analysis_settings import REQUESTS, Seeded
from ashworth.workflows.study.settings import (
    Covariate,
    InputSettings,
    StudySettings,
    TimePoint,
)

DOCS = Path(__file__).parents[2] / "docs"
SECTIONS = {
    "": StudySettings,
    "input": InputSettings,
    "timepoints": TimePoint,
    "covariates": Covariate,
}


def rows(page: str) -> str:
    return "\n".join(
        line for line in (DOCS / page).read_text(encoding="utf-8").splitlines() if "|" in line[:2]
    )


def section(heading: str) -> str:
    """Text of the page study-toml under a second-level heading that names the section."""
    text = (DOCS / "reference/study-toml.md").read_text(encoding="utf-8")
    parts = re.split(r"(?m)^## ", text)
    if not heading:
        nested = [p for p in parts if not re.match(r"`\[", p)]
        return "\n".join(nested)
    (part,) = [p for p in parts if re.match(rf"`\[+{heading}[.\]]", p)]
    return part


@pytest.mark.parametrize("name", SECTIONS)
def test_every_key_of_study_toml_is_described_with_its_default(name):
    text = section(name)
    for key, field in SECTIONS[name].model_fields.items():
        if key in ("input", "columns", "covariates", "timepoints", "analyses") and not name:
            assert re.search(rf"(?m)^## `\[+{key}[.\]]", "\n" + whole_page()), key
            continue
        assert_described(text, key, field)


def assert_described(text: str, key: str, field: FieldInfo) -> None:
    """A row of the key, with its default."""
    row = re.search(rf"(?m)^\| `{key}` \|(.*)$", text)
    assert row, f"{key} has no row"
    if field.is_required():
        assert "required" in row[1], key
    elif isinstance(field.default, str | int | float) and field.default != "":
        shown = str(field.default).lower() if isinstance(field.default, bool) else None
        wanted = shown or f"{field.default:g}" if not isinstance(field.default, str) else None
        wanted = wanted or f'"{field.default}"'
        assert f"`{wanted}`" in row[1], f"{key}: default {wanted}"


@pytest.mark.parametrize("kind", REQUESTS)
def test_every_kind_of_analysis_is_described_with_its_keys(kind):
    text = (DOCS / "reference/analyses.md").read_text(encoding="utf-8")
    shared, *parts = re.split(r"(?m)^## ", text)
    (part,) = [p for p in parts if p.startswith(f"`{kind}`")]
    own = {k: f for k, f in REQUESTS[kind].model_fields.items() if k not in Seeded.model_fields}
    for key, field in own.items():
        if key != "kind":
            assert_described(part, key, field)
    assert set(re.findall(r"(?m)^\| `(\w+)` \|", part)) == set(own) - {"kind"}
    assert all(f"`{key}`" in shared for key in Seeded.model_fields)


def whole_page() -> str:
    return (DOCS / "reference/study-toml.md").read_text(encoding="utf-8")


def test_no_row_describes_a_key_that_does_not_exist():
    keys = {k for model in SECTIONS.values() for k in model.model_fields}
    assert set(re.findall(r"(?m)^\| `(\w+)` \|", whole_page())) <= keys


@pytest.mark.parametrize(
    "room",
    [
        ashworth.survival,
        ashworth.enumeration,
        ashworth.evidence,
        ashworth.trials,
        ashworth.registries,
    ],
    ids=lambda r: r.__name__,
)
def test_every_public_name_stands_on_its_page(room):
    pages = (DOCS / "reference").glob(f"{room.__name__.split('.')[1]}*.md")
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    described = re.findall(rf"auto\w+:: {room.__name__}\.(\w+)", text)
    assert sorted(described) == sorted(room.__all__)


def commands(parent, prefix=()):
    """All commands with the options that a user can give."""
    for name in parent:
        if name.startswith("-"):
            continue
        child = parent[name]
        path = (*prefix, name)
        inner = [n for n in child if not n.startswith("-")]
        if inner:
            yield from commands(child, path)
        else:
            options = {
                n
                for a in child.assemble_argument_collection()
                for n in a.names
                if n.startswith("--") and not n.startswith("--no-")
            }
            yield " ".join(path), options


def test_every_command_and_option_is_described():
    text = (DOCS / "reference/commands.md").read_text(encoding="utf-8")
    found = dict(commands(app))
    assert len(found) >= 5
    for command, options in found.items():
        (part,) = re.findall(rf"(?ms)^## `ashworth {command}.*?(?=^## |\Z)", text)
        for option in options:
            positional = option[2:].upper()
            assert f"`{option}`" in part or f"`{positional}`" in part, f"{command} {option}"


def test_the_picture_is_small_and_said_to_be_simulated():
    picture = DOCS / "images" / "report-metastatic.png"
    assert picture.stat().st_size < 300_000
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    assert "**simulated**" in readme.split("report-metastatic.png")[1][:300]


@pytest.mark.slow
def test_the_documentation_builds_without_warnings(tmp_path):
    pytest.importorskip("sphinx")
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html",
         "-d", str(tmp_path / "trees"), str(DOCS), str(tmp_path / "html")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    assert (tmp_path / "html" / "index.html").is_file()
