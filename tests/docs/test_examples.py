"""Every example of the README and the documentation runs, or says why not."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
import signal
import tomllib
from pathlib import Path

import pytest

from ashworth.cli.main import main
from ashworth.workflows.study.settings import load_settings

from .blocks import Block, Call, blocks_of, calls_of, shows

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [p for p in PAGES if "_build" not in p.parts]
PASSIVE = ("", "text", "yaml")
RUN = ("python", "console", "toml")


def names(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def is_directive(block: Block) -> bool:
    return block.language.startswith("{")


def whole(block: Block) -> bool:
    """A toml block that is a whole study.toml."""
    return block.language == "toml" and "title" in tomllib.loads(block.text)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder to work in, with a copy of the repository's examples."""
    files = [p for p in (ROOT / "examples" / "gbsg").iterdir() if p.is_file()]
    (tmp_path / "examples" / "gbsg").mkdir(parents=True)
    for file in files:
        shutil.copy(file, tmp_path / "examples" / "gbsg")
    monkeypatch.chdir(tmp_path)
    handler = signal.getsignal(signal.SIGTERM)
    yield tmp_path
    signal.signal(signal.SIGTERM, handler)


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_blocks_are_of_known_languages(page):
    for block in blocks_of(page):
        known = block.language in (*PASSIVE, *RUN) or is_directive(block)
        assert known, f"line {block.line}: '{block.language}'"
        if block.what == "not run":
            assert len(block.value) > 10, f"line {block.line}: say why it is not run"
        if block.what == "edit":
            assert block.language == "toml"


@pytest.mark.parametrize("page", [p for p in PAGES if blocks_of(p)], ids=names)
def test_every_example_runs(page, desk):
    """Blocks run in order, in one folder and one namespace."""
    space: dict[str, object] = {"__name__": "example"}
    printed = ""
    for block in blocks_of(page):
        where = f"{names(page)}, line {block.line}"
        if block.what == "not run" or is_directive(block):
            continue
        if block.what == "file":
            write(desk / block.value, block.text)
        if block.what == "edit":
            edit(desk / block.value, block.text, where)
        if block.what == "output":
            assert shows(tuple(block.text.splitlines()), printed), f"{where}:\n{printed}"
        elif block.language == "python":
            printed = run_python(block, space, where)
        elif block.language == "console":
            for call in calls_of(block):
                run_command(call, desk, where)
        elif whole(block):
            write(desk / "parsed" / "study.toml", block.text)
            load_settings(desk / "parsed" / "study.toml")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def edit(path: Path, lines: str, where: str) -> None:
    """Replace the lines of a study file that set the same keys."""
    text = path.read_text(encoding="utf-8")
    for line in lines.splitlines():
        key = line.partition("=")[0].strip()
        pattern = rf"(?m)^{re.escape(key)} = .*$"
        head = re.split(r"(?m)^\[", text, maxsplit=1)[0]
        within = head if re.search(pattern, head) else text
        changed, n = re.subn(pattern, lambda _, new=line: new, within)
        assert n == 1, f"{where}: '{key}' stands {n} times in {path.name}"
        text = changed + text[len(within) :]
    path.write_text(text, encoding="utf-8")


def run_python(block: Block, space: dict[str, object], where: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile("\n" * block.line + block.text, where, "exec"), space)
    return out.getvalue()


def run_command(call: Call, desk: Path, where: str) -> None:
    """Run `ashworth ...` through its main function; `cp -r A B` copies."""
    words = shlex.split(call.command)
    if words[:2] == ["cp", "-r"]:
        shutil.copytree(desk / words[2], desk / words[3])
        return
    assert words[0] == "ashworth", f"{where}: '{words[0]}' is not run here; say why"
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as left,
    ):
        main(words[1:])
    printed = out.getvalue() + err.getvalue()
    assert left.value.code == call.code, f"{where}: {call.command}\n{printed}"
    assert shows(call.shown, printed), f"{where}: {call.command} printed\n{printed}"


MACHINE = re.compile(
    r"/(?:work|tmp|root|home)/|https?://[^\s)]*(?:pypi|proxy|mirror|localhost|127\.)", re.I
)
NEVER = re.compile(
    r"\bcompliant\b|\banonymous\b|\brecommendations?\b|\bdiagnos[ei]s\b|!(?=\s|$)", re.I | re.M
)
RENDERED = ("docs/reference/tables.md", "docs/reference/definitions.md")


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_words_and_places_that_never_appear(page):
    text = page.read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```|`[^`\n]*`|<!--.*?-->", "", text, flags=re.S)
    assert not MACHINE.findall(text)
    if names(page) not in RENDERED:
        assert not NEVER.findall(prose)


def links_of(page: Path) -> list[str]:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    return [t for t in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in t]


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_links_lead_somewhere(page):
    for link in links_of(page):
        target = link.partition("#")[0]
        assert not target or (page.parent / target).exists(), link
