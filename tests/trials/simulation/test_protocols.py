"""`ashworth trial simulate` as a user calls it: protocols, looks, workers, resume, bad input."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from ashworth.cli.main import main
from ashworth.definitions.loader import SHIPPED
from ashworth.definitions.protocols.analyses import Looks
from ashworth.errors import DefinitionFileError, InputError
from ashworth.workflows.trials.simulate import looks_asked, simulate
from ashworth.workflows.trials.simulated import runs
from ashworth.workflows.trials.simulated.figures import simulation_figures

PROTOCOLS = sorted({p.stem.split("@")[0] for p in (SHIPPED / "protocol").glob("*.yaml")})


def measures(made, cell=0):
    return {row["measure"]: row for row in made.cells[cell].measures}


@pytest.fixture
def changed(tmp_path):
    """A protocol of the library with some text changed, in a folder of its own."""

    def write(name: str, *changes: tuple[str, str]) -> str:
        text = (SHIPPED / "protocol" / f"{name}.yaml").read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        path = tmp_path / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_simulates_from_its_own_file(name):
    made = simulate(name, replicates=3, seed=1, scenarios=["base"])
    found = measures(made)
    assert found["patients screened"]["estimate"] > 0
    assert any("SIMULATED" in line for line in made.lines())
    assert "Simulated data. Research use only; not a medical device." in list(made.lines())
    json.dumps(made.to_dict())


def test_route_shares_of_s0500_follow_from_its_assumptions(changed):
    found = measures(simulate("s0500", replicates=60, seed=1))
    low = found["share at 'arm-a'"]["estimate"]
    high = found["share at 'randomise'"]["estimate"] / (
        found["share at 'randomise'"]["estimate"] + found["share at 'arm-b'"]["estimate"]
    )
    assert low == pytest.approx(0.46, abs=0.01)
    assert high == pytest.approx(0.43, abs=0.015)
    text = (SHIPPED / "protocol" / "s0500.yaml").read_text(encoding="utf-8")
    median = text.split("median_per_ml: ")[1].split(",")[0].split("}")[0]
    more = changed("s0500", (f"median_per_ml: {median}", f"median_per_ml: {5 * float(median)}"))
    assert (
        measures(simulate(more, replicates=20, seed=1))["share at 'arm-a'"]["estimate"] < low - 0.1
    )


def test_discordant_harm_in_stic():
    made = simulate("stic-ctc", replicates=600, seed=2, scenarios=["discordant-harm"])
    found = measures(made)
    declared = found["probability of declaring non-inferiority"]
    assert abs(declared["distance"]) < 4
    assert declared["expected"] == pytest.approx(0.42, abs=0.01)
    assert found["events"]["estimate"] == pytest.approx(700, abs=5)
    assert "treated alike in both arms" in made.cells[0].reading()


def test_fewer_events_are_another_question_than_the_last_day():
    made = simulate("stic-ctc", replicates=400, seed=2, scenarios=["discordant-harm"], events=491)
    found = measures(made)
    declared = found["probability of declaring non-inferiority"]
    assert abs(declared["distance"]) < 4
    assert declared["expected"] == pytest.approx(0.256, abs=0.005)
    assert made.cells[0].score.limit_hazard_ratio == pytest.approx(1.144, abs=0.003)
    assert found["events"]["estimate"] == pytest.approx(491, abs=1)
    assert found["events"]["distance"] is None


def test_looks_of_the_protocol_and_of_the_user():
    made = simulate("s0500", replicates=300, seed=3)
    rows = made.cells[0].looks()
    (said,) = [a for a in made.cells[0].asked.assumed if "fractions" in a and "events" in a]
    expected = float(said.split("of the ")[1].split()[0])
    planned = [r["planned_events"] for r in rows]
    assert planned[:3] == pytest.approx([expected * k / 4 for k in (1, 2, 3)], abs=1)
    assert planned[3] is None
    found = measures(made)
    days = [found[f"day of look {k}"] for k in (1, 2, 3, 4)]
    assert [d["estimate"] for d in days] == pytest.approx([d["expected"] for d in days], rel=0.02)
    crossed = [found[f"ends for benefit at look {k}"]["estimate"] for k in (1, 2, 3, 4)]
    total = found["probability of a significant benefit"]
    assert sum(crossed) == pytest.approx(total["estimate"])
    assert abs(total["distance"]) < 4
    asked = looks_asked([0.5, 1.0], "pocock", "pocock")
    other = simulate(
        "stic-ctc", replicates=300, seed=3, scenarios=["base"], looks=asked, events=500
    )
    found = measures(other)
    assert [r["planned_events"] for r in other.cells[0].looks()] == [250, 500]
    crossing = {f.name: f for f in simulation_figures(other)}["crossing"].data
    assert crossing["share"].sum() == pytest.approx(1.0)
    assert crossing["expected"].sum() == pytest.approx(1.0)
    benefit = crossing.filter(outcome="benefit")["share"].sum()
    assert benefit == pytest.approx(found["probability of declaring non-inferiority"]["estimate"])
    ignoring = found["probability of declaring non-inferiority, futility ignored"]["estimate"]
    assert ignoring >= found["probability of declaring non-inferiority"]["estimate"]
    assert found["events"]["estimate"] < 500


def test_fewer_switches_bring_the_arms_together(changed):
    path = changed("circe01", ("hazard_ratio: 0.95", "hazard_ratio: 0.2"))
    made = simulate(path, replicates=400, seed=4)
    by_scenario = {c.cell.scenario: measures(made, i)["log hazard ratio"]["estimate"]
                   for i, c in enumerate(made.cells)}  # fmt: skip
    assert by_scenario["adherence-100"] < by_scenario["base"] - 0.03
    assert by_scenario["base"] < by_scenario["adherence-46"] - 0.03
    assert by_scenario["adherence-46"] < 0


def test_per_protocol_leaves_out_who_did_not_adhere(changed):
    path = changed(
        "circe01", ("control: standard,", "control: standard, population: per_protocol,")
    )
    found = measures(simulate(path, replicates=50, seed=4, scenarios=["base"]))
    assert found["patients analysed"]["estimate"] == pytest.approx(101 * 0.86, abs=2)


def test_workers_change_no_bit():
    options = {"replicates": 30, "seed": 5, "effects": [0.7, 1.0]}
    one = simulate("stic-ctc", **options)
    two = simulate("stic-ctc", **options, workers=2)
    assert one.table().equals(two.table())


def cut(kept: bytes) -> bytes:
    return kept[: len(kept) // 2]


def without_patients(kept: bytes) -> bytes:
    return kept.split(b"\n")[0] + b'\n{"count": {}, "total": {}, "squares": {}}\n'


def another_digit(kept: bytes) -> bytes:
    place = kept.rindex(b"1")
    return kept[:place] + b"2" + kept[place + 1 :]


@pytest.mark.parametrize("damage", [cut, without_patients, another_digit, lambda kept: b"\xff"])
def test_a_damaged_block_is_made_anew(tmp_path, damage):
    whole = simulate("treat-ctc", replicates=5, seed=6)
    trial = whole.trial
    store = runs.store_of(trial, tmp_path / "out")
    cell = replace(whole.cells[0].cell, store=store)
    sums = runs.run_cell(cell)
    (block,) = store.iterdir()
    kept = block.read_bytes()
    block.write_bytes(damage(kept))
    assert runs.run_cell(cell) == sums
    assert block.read_bytes() == kept


def test_an_interrupted_run_goes_on_with_the_same_numbers(tmp_path, monkeypatch):
    whole = simulate("stic-ctc", replicates=1200, seed=6, scenarios=["base"], out=tmp_path / "a")
    plain, done = runs.simulate_block_of, []

    def interrupted(*args, **options):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(options["first"])
        return plain(*args, **options)

    monkeypatch.setattr(runs, "simulate_block_of", interrupted)
    with pytest.raises(KeyboardInterrupt):
        simulate("stic-ctc", replicates=1200, seed=6, scenarios=["base"], out=tmp_path / "b")
    assert not (tmp_path / "b").exists()
    (blocks,) = tmp_path.glob(".b.*.blocks")
    kept = sorted(blocks.iterdir())
    assert len(kept) == 2
    kept[0].write_text('{"count": {', encoding="utf-8")
    again = []

    def counted(*args, **options):
        again.append(options["first"])
        return plain(*args, **options)

    monkeypatch.setattr(runs, "simulate_block_of", counted)
    resumed = simulate("stic-ctc", replicates=1200, seed=6, scenarios=["base"], out=tmp_path / "b")
    assert len(again) < len(done) + 2
    assert not set(again) >= set(done)
    assert resumed.table().equals(whole.table())
    assert list(tmp_path.glob(".b*")) == []
    for name in ("performance.csv", "performance.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--replicates", "0", "--seed", "1"], "replicates"),
        (["--replicates", "10", "--seed", "-4"], "seed"),
        (["--replicates", "10", "--seed", "seven"], "seed"),
        (["--replicates", "10"], "seed"),
        (["--seed", "1", "--patients", "1"], "patients"),
        (["--seed", "1", "--effect", "-0.5"], "effect"),
        (["--seed", "1", "--scenario", "none"], "scenario"),
        (["--seed", "1", "--analysis", "nothing"], "analysis"),
        (["--seed", "1", "--look", "0.5", "--look", "0.4"], "look"),
        (["--seed", "1", "--look", "1", "--spending", "much"], "spending"),
        (["--seed", "1", "--events", "5000"], "events"),
        (["--seed", "1", "--workers", "0"], "workers"),
    ],
)
def test_bad_options_are_named_and_nothing_is_written(arguments, said, tmp_path, capsys):
    out = tmp_path / "out"
    code = run(["trial", "simulate", "stic-ctc", *arguments, "--out", str(out)])
    captured = capsys.readouterr()
    assert code != 0
    assert said in captured.err + captured.out
    assert "Traceback" not in captured.err
    assert list(tmp_path.iterdir()) == []


def run(arguments: list[str]) -> int:
    try:
        return main(arguments) or 0
    except SystemExit as left:
        return int(left.code or 0)


def test_missing_assumptions_are_named_all_at_once(changed):
    path = changed(
        "circe01",
        ("    - {set: [ctc_response], probability: 0.58}\n", ""),
        ('    - {set: [lines], value: "2 lines"}\n', ""),
    )
    with pytest.raises((InputError, DefinitionFileError)) as caught:
        simulate(path, replicates=5, seed=1)
    for name in ("ctc_response", "lines"):
        assert name in str(caught.value)


AGE = ("quantities:\n", "quantities:\n  age: {title: Age, type: number, unit: years}\n")
OLD = 'when: "age >= 60 years"'


@pytest.mark.parametrize(
    ("change", "scenario"),
    [
        (('- {when: "not high_baseline", median_months: 35}\n        -',
          f"- {{{OLD}, median_months: 35}}\n        -"), "base"),
        (("- {when: \"arm == 'c2'\", median", f"- {{{OLD}, median"), "planned-effect"),
        (("    control: c1\n", '    control: c1\n    within: "age >= 60 years"\n'), "base"),
    ],
    ids=["case", "case of the scenario", "within"],
)  # fmt: skip
def test_a_quantity_that_outcomes_or_analyses_read_must_be_drawn(changed, change, scenario):
    path = changed("s0500", AGE, change)
    with pytest.raises(InputError, match=r"no draw of 'age'"):
        simulate(path, replicates=3, seed=1, scenarios=[scenario])


def test_ten_million_cells_are_refused_with_their_cost_before_they_are_made():
    begun = time.monotonic()
    with pytest.raises(InputError) as caught:
        simulate(
            "stic-ctc", replicates=10_000, seed=1, patients=range(500, 3000),
            effects=[0.5 + k / 4000 for k in range(2000)],
        )  # fmt: skip
    said = str(caught.value)
    assert "10,000,000 cells of 10,000 trials" in said
    assert "on one processor" in said
    assert any(unit in said for unit in ("days", "years"))
    assert time.monotonic() - begun < 20


def test_looks_for_shares_are_refused():
    with pytest.raises(InputError, match="looks"):
        simulate("treat-ctc", replicates=5, seed=1, looks=Looks(number=2))
