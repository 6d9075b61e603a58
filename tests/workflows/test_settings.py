import pytest

from ashworth.errors import InputError
from ashworth.workflows.study.settings import load_settings

HEAD = 'title = "t"\nsetting = "early"\nindex_event = "diagnosis"\nendpoints = ["os"]\n'
COUNTED = HEAD + 'assay = "cellsearch-ctc"\nrule = "ctc-early-1"\n[[timepoints]]\nname = "b"\n'


def problems(tmp_path, text):
    path = tmp_path / "study.toml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_settings(path)
    return caught.value.problems


def test_a_counted_marker(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(COUNTED)
    settings = load_settings(path)
    assert settings.counted
    assert settings.timepoints[0].title == "b"


def test_all_faults_come_at_once_with_their_keys(tmp_path):
    found = problems(
        tmp_path,
        'title = "t"\nsetting = "late"\nendpoint = ["os"]\nlevel = 2\n[input]\ndecimal = ";"',
    )
    assert {p.column for p in found} == {
        "setting", "endpoint", "level", "input.decimal", "index_event", "endpoints",
    }  # fmt: skip
    hint = next(p for p in found if p.column == "endpoint")
    assert "did you mean 'endpoints'" in hint.remedy


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD, "declare either a rule"),
        (HEAD + 'marker = "nodes"\n', "needs cut"),
        (HEAD + 'rule = "ctc-early-1"\n', "needs assay"),
        (HEAD + 'rule = "ctc-early-1"\nassay = "cellsearch-ctc"\n', "needs [[timepoints]]"),
        (COUNTED + '[[timepoints]]\nname = "b"\n', "only once"),
        (HEAD + 'marker = "n"\ncut = 4\ndynamics = "ctc-clearance"\n', "no timepoints"),
    ],
)
def test_contradictions(tmp_path, text, message):
    assert message in problems(tmp_path, text)[0].allowed


@pytest.mark.parametrize("raw", [b"\xff\xfe\x00", b"title = ", b"a = 1\na = 2\n"])
def test_not_toml(tmp_path, raw):
    (tmp_path / "study.toml").write_bytes(raw)
    with pytest.raises(InputError):
        load_settings(tmp_path / "study.toml")


def test_no_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_settings(tmp_path / "study.toml")


TWO_DRAWS = COUNTED + '[[timepoints]]\nname = "c"\n'


@pytest.mark.parametrize(
    ("text", "column", "found", "remedy"),
    [
        ('kind = "windos"', "analyses, entry 1", "kind 'windos'", "did you mean 'windows'?"),
        ("breaks = [2]", "analyses, entry 1", "no kind", "see docs/reference/analyses.md"),
        (
            'kind = "windows"\nbreaks = [2]\nat = [3]', "analyses, entry 1 (windows).at",
            "an unknown key", "remove it",
        ),
        (
            'kind = "landmark"', "analyses, entry 1 (landmark).at", "nothing",
            "add 'at' to study.toml",
        ),
        (
            'kind = "windows"\nbreaks = 2', "analyses, entry 1 (windows).breaks", "2",
            "correct the value",
        ),
        (
            'kind = "windows"\nbreaks = [0]', "analyses, entry 1 (windows).breaks.0", "0",
            "correct the value",
        ),
        (
            'kind = "windows"\nbreaks = [5, 2]', "analyses, entry 1 (windows).breaks", "[5, 2]",
            "correct the value",
        ),
        (
            'kind = "cut_point"\nminimum_share = 0.6',
            "analyses, entry 1 (cut_point).minimum_share", "0.6", "correct the value",
        ),
    ],
)  # fmt: skip
def test_faults_of_analyses_are_in_our_words(tmp_path, text, column, found, remedy):
    (fault,) = problems(tmp_path, TWO_DRAWS + "[[analyses]]\n" + text)
    assert (fault.column, fault.found, fault.remedy) == (column, found, remedy)
    assert "tag" not in fault.allowed
    assert "tuple" not in fault.allowed


def test_a_key_below_a_table_is_told_its_place(tmp_path):
    (fault,) = problems(tmp_path, COUNTED + 'subgroups = ["er_status"]')
    assert fault.column == "timepoints.0.subgroups"
    assert "above the first [table]" in fault.remedy


def test_all_analyses_are_checked_at_once(tmp_path):
    text = (
        '[[analyses]]\nkind = "penalised"\nendpoints = ["rfs"]\ntimepoint = "x"\n'
        '[[analyses]]\nkind = "persistence"\nfirst = "c"\nsecond = "b"\n'
        '[[analyses]]\nkind = "persistence"\nsecond = "b"\n'
    )
    (fault,) = problems(tmp_path, TWO_DRAWS + text)
    for part in (
        "entry 1 (penalised): endpoint rfs", "time point x", "entry 2 (persistence): no time point",
        "entry 3 (persistence): second = 'b' is not after first = 'b': immortal time",
    ):  # fmt: skip
        assert part in fault.allowed
