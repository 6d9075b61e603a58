"""Protocol files: the library holds, and bad files are refused with line and column."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from ashworth.definitions import load_all
from ashworth.definitions.loader import SHIPPED
from ashworth.errors import DefinitionError, DefinitionFileError
from ashworth.trials import check_protocol, concordant_share, load_protocol
from ashworth.workflows.worked_cases import run_all

LIBRARY = (
    "c-trak-tn", "circe-t-dm1", "circe01", "cometi-p2", "detect-iii", "detect-iva", "detect-ivb",
    "detect-v", "geparx-dtc", "mrd-1", "nct01545648", "pada-1", "s0500", "serena-6", "stic-ctc",
    "survive", "treat-ctc",
)  # fmt: skip
STIC = (SHIPPED / "protocol" / "stic-ctc.yaml").read_text(encoding="utf-8")


@pytest.fixture
def written(tmp_path):
    """Write STIC CTC with some lines changed, and give its path."""

    def write(*changes: tuple[str, str]) -> Path:
        text = STIC
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path = tmp_path / "stic-ctc.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refusal(path: Path) -> list[str]:
    with pytest.raises(DefinitionFileError) as told:
        load_protocol(path)
    return [str(p) for p in told.value.problems]


def test_the_library_is_whole_and_its_worked_cases_hold():
    protocols = load_all("protocol")
    assert tuple(p.id for p in protocols) == LIBRARY
    assert all(p.cases and p.unknowns and p.sizes for p in protocols)
    result = run_all(protocols)
    assert result.holds, result.text()
    assert result.n >= 60


@pytest.mark.parametrize("protocol", LIBRARY)
def test_every_version_passes_its_checks(protocol):
    versions = 1 + len(load_protocol(protocol).protocol.amendments)
    for version in range(1, versions + 1):
        checks = check_protocol(load_protocol(protocol, version=version))
        assert checks.holds, checks.table()
        assert checks.paths >= 3


def test_concordant_share_of_stic_is_that_of_the_published_cells():
    found = concordant_share(load_protocol("stic-ctc"), "standard", "ctc")
    assert found == pytest.approx((363 + 100) / 755, abs=0.005)


def test_versions_hold_from_their_day():
    first, second = (load_protocol("c-trak-tn", version=v) for v in (1, 2))
    assert first.protocol.randomisation is not None
    assert second.protocol.randomisation is None
    assert load_protocol("c-trak-tn", on=date(2020, 9, 15)).document.version == 1
    assert load_protocol("c-trak-tn", on=date(2020, 9, 16)).document.version == 2
    assert first.document.digest != second.document.digest
    treatments = [load_protocol("detect-iva", on=date(y, 6, 1)).protocol.arms["treatment"].title
                  for y in (2017, 2018)]  # fmt: skip
    assert treatments == ["Everolimus and endocrine therapy", "Ribociclib and endocrine therapy"]
    roles = [[a.role for a in load_protocol("detect-iii", version=v).protocol.analyses]
             for v in (1, 2)]  # fmt: skip
    assert roles[0][:2] == ["primary", "secondary"]
    assert roles[1][:2] == ["secondary", "primary"]


def test_a_version_without_a_date_is_not_guessed():
    with pytest.raises(DefinitionError, match="no source tells from when version 2"):
        load_protocol("detect-iii", on=date(2018, 1, 1))
    with pytest.raises(DefinitionError, match="allowed: 1 to 2"):
        load_protocol("detect-iii", version=3)
    with pytest.raises(DefinitionError, match="did you mean stic-ctc"):
        load_protocol("stic-ctcs")
    with pytest.raises(DefinitionError, match="lies before"):
        load_protocol("stic-ctc", on=date(2011, 12, 31))


def test_the_digest_is_of_the_content_not_of_the_writing(written):
    shipped = load_protocol("stic-ctc").document.digest
    assert load_protocol(written()).document.digest == shipped
    spaced = written(("phase: III\n", "\n# a remark\nphase:    'III'\n"))
    assert load_protocol(spaced).document.digest == shipped
    changed = written(('value: "ctc >= 5 cells/7.5mL"', 'value: "ctc >= 4 cells/7.5mL"'))
    assert load_protocol(changed).document.digest != shipped


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('value: "ctc >= 5 cells/7.5mL"', 'value: "cct >= 5 cells/7.5mL"', "did you mean ctc"),
        ('value: "ctc >= 5 cells/7.5mL"', 'value: "ctc >= 5"', "write the unit"),
        ('value: "ctc >= 5 cells/7.5mL"', 'value: "ctc / 0 >= 5 cells/7.5mL"', "division by zero"),
        ("next: blood}", "next: bloood}", "did you mean blood"),
        ("quantities: [ctc], next: cells}", "quantities: [ctc], next: declare}", "a cycle"),
        ("experimental: ctc\n    control: standard\n    population",
         "experimental: cct\n    control: standard\n    population", "did you mean ctc"),
        ("    margin: 1.25\n", "    margin: 1.25\n    power: 0.04\n", "a power above alpha"),
        ("    margin: 1.25\n", "", "non-inferiority, and only it, has a margin"),
        ("    margin: 1.25\n", "    margin: 1.25\n    looks: {fractions: [0.5, 0.4, 1]}\n",
         "information fractions that increase"),
        ("    margin: 1.25\n", "    margin: 1.25\n    looks: {fractions: [0.5, 1.2]}\n",
         "less than or equal to 1"),
        ("    margin: 1.25\n", "    margin: 1.25\n    looks: {fractions: [0.5]}\n",
         "a last look at fraction 1"),
        ("phase: III\n", "phase: III\nphase: II\n", "phase"),
        ("phase: III\n", "phase: III\nphases: II\n", "write 'phase' instead"),
        ("unit: cells/7.5mL, assay", "unit: cells/7mL, assay", "the unit 'cells/7mL'"),
        ("reference: stic-registry\n  include", "reference: stic-registri\n  include",
         "did you mean stic-registry"),
        ("arms: {standard: treat-standard, ctc: treat-ctc}",
         "arms: {standard: treat-standard, guided: treat-ctc}", "'guided'"),
        ("ratio: {standard: 1, ctc: 1}", "ratio: {standard: 1, ctc: 0}", "greater than or equal"),
        ("{share: 0.2689, values", "{share: 0.3689, values", "sum to 1"),
        ("assay: cellsearch-ctc, known", "assay: cellsearch-ctc, kown", "write 'known' instead"),
    ],
)  # fmt: skip
def test_bad_files_are_refused_with_their_line(written, old, new, words):
    found = refusal(written((old, new)))
    assert any(words in line for line in found), found
    assert all(re.search(r"row \d+", line) for line in found), found


def test_expressions_tell_the_column_and_all_faults_come_at_once(written):
    found = refusal(
        written(
            ('value: "ctc >= 5 cells/7.5mL"', 'value: "cct >= 5 cells/7.5mL"'),
            ("when: metastatic}", 'when: "metastasic"}'),
            ("next: blood}", "next: bloood}"),
        )
    )
    assert len(found) == 3
    line = next(i for i, t in enumerate(STIC.splitlines(), 1) if "ctc_high: {title" in t)
    column = STIC.splitlines()[line - 1].index("ctc >=") + 1
    assert any(f"row {line}, column 'derived.ctc_high.value (column {column + 1})'" in f
               or f"row {line}, column 'derived.ctc_high.value (column {column})'" in f
               for f in found), found  # fmt: skip


def findings(path: Path) -> list[str]:
    return [
        f"{f.level} {f.check}: {f.message}" for f in check_protocol(load_protocol(path)).findings
    ]


_BLOOD = "  - {id: blood, do: measure, title: CTC in 7.5 ml, quantities: [ctc], next: cells}\n"


def test_immortal_time_is_seen(written):
    late = written(
        ("known: before_randomisation}\n\nderived", "known: after_randomisation}\n\nderived"),
        ("    title: Progression-free survival, non-inferiority\n",
         "    title: Progression-free survival, non-inferiority\n    within: ctc_high\n"),
        (_BLOOD, ""),
        ("values: [clin_high], next: blood}", "values: [clin_high], next: cells}"),
        ("endpoints: [pfs, os], next", "endpoints: [pfs, os], quantities: [ctc], next"),
    )  # fmt: skip
    found = findings(late)
    assert any("immortal time: 'ctc' is known only after the randomisation" in f for f in found)


def test_arms_that_cannot_differ_are_reported(written):
    same = written(("give: \"if ctc_high then 'chemotherapy' else 'endocrine therapy'\"",
                    "give: clinician_choice"))  # fmt: skip
    assert any("always give the same treatment" in f for f in findings(same))
    assert not check_protocol(load_protocol(same)).holds


def test_unreachable_nodes_arms_and_cases_are_reported(written):
    cut = written(
        ("arms: {standard: treat-standard, ctc: treat-ctc}",
         "arms: {standard: treat-standard, ctc: treat-standard}"),
    )  # fmt: skip
    found = findings(cut)
    assert any("no way leads to node 'treat-ctc'" in f for f in found)
    assert any("policy of arm 'ctc'" in f for f in found)


def test_decisions_that_are_not_exhaustive_or_overlap_are_reported(written):
    node = ("  - {id: cells, do: derive, title: Concordant or discordant, "
            "values: [ctc_high, discordant], next: randomise}\n")  # fmt: skip
    split = written(
        (
            node,
            node.replace("next: randomise", "next: split")
            + "  - id: split\n    do: decide\n    title: Split\n    cases:\n"
            '      - {when: "ctc > 5 cells/7.5mL", next: randomise}\n'
            '      - {when: "ctc < 5 cells/7.5mL", next: randomise}\n'
            '      - {when: "ctc > 8 cells/7.5mL", next: not-eligible}\n',
        )
    )
    found = findings(split)
    assert any(f.startswith("error exhaustive: no case is true") for f in found)
    assert any("never the first true one" in f for f in found)


def test_no_python_names_a_protocol():
    source = Path(__file__).parents[2] / "src" / "ashworth"
    names = re.compile(
        r"\bstic\b|stic.ctc|s0500|treat.?ctc|detect.?(iii|iv|v)\b|circe|pada|serena|mrd.?1", re.I
    )
    for path in [*(source / "trials").rglob("*.py"), *(source / "workflows/trials").glob("*.py")]:
        code = re.sub(r'"""[\s\S]*?"""|>>>.*|#.*', "", path.read_text(encoding="utf-8"))
        assert not names.search(code), path
