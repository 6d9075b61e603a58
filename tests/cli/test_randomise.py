"""`ashworth trial randomise`: open, allocate, verify, and what is refused."""

import json

import pytest

from ashworth.cli import main

pytest.importorskip("sqlalchemy")

SCHEME = """
method: permuted_blocks
arms: [standard, ctc]
factors: {site: [north, south]}
strata: [site]
block_sizes: [4]
"""
ROLES = ["administer=head", "allocate=nurse", "see=monitor", "verify=auditor", "correct=manager",
         "unblind=doctor"]  # fmt: skip


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        main(["trial", "randomise", *map(str, arguments)])
    shown = capsys.readouterr()
    return left.value.code or 0, shown.out, shown.err


@pytest.fixture
def log(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scheme.yaml").write_text(SCHEME, encoding="utf-8")
    roles = [word for role in ROLES for word in ("--role", role)]
    code, out, err = run(capsys, "open", "stic-ctc", "log.sqlite", "--scheme", "scheme.yaml",
                         "--who", "head", "--key", "log.key", "--make-key", "--rehearsal",
                         *roles)  # fmt: skip
    assert code == 0, err
    assert "log.sqlite" in out
    return "log.sqlite"


def allocate(capsys, log, patient, request, site="north"):
    return run(capsys, "allocate", log, patient, "--who", "nurse", "--request-id", request,
               "--verdict", "eligible", "--factor", f"site={site}", "--key", "log.key",
               "--json")  # fmt: skip


def test_a_block_of_four_is_balanced_exported_and_verified(log, capsys):
    arms = [json.loads(allocate(capsys, log, f"P{i}", f"r{i}")[1])["arm"] for i in range(4)]
    assert sorted(arms) == ["ctc", "ctc", "standard", "standard"]
    code, _, err = run(capsys, "export", log, "--reason", "monitoring", "--who", "monitor",
                       "--key", "log.key", "--out", "arms.csv")  # fmt: skip
    assert code == 0, err
    code, out, _ = run(capsys, "verify", log, "--who", "auditor", "--key", "log.key")
    assert code == 0
    assert "4 allocations: as written" in out
    code, out, _ = run(capsys, "verify", log, "--without-key")
    assert code == 0


@pytest.mark.parametrize(
    ("patient", "request_id", "site"), [("P0", "other", "north"), ("P9", "r9", "west")]
)
def test_a_second_request_and_an_unknown_level_are_refused(log, capsys, patient, request_id, site):
    assert allocate(capsys, log, "P0", "r0")[0] == 0
    code, out, err = allocate(capsys, log, patient, request_id, site)
    assert code == 2
    assert out == ""
    assert err.startswith("ashworth: ")


def test_faults_of_a_scheme_file_are_named_together(tmp_path, capsys):
    path = tmp_path / "scheme.yaml"
    path.write_text("methods: efron\nblocks: [4]\n", encoding="utf-8")
    code, _, err = run(capsys, "metrics", path, "--patients", 10)
    assert code == 2
    assert all(name in err for name in ("methods", "blocks", "method", "arms"))
