"""The analysis of a trial's table: populations, tests and verdicts as the protocol says."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest
from scipy.stats import fisher_exact

from ashworth.errors import InputError
from ashworth.survival import cox, log_rank
from ashworth.workflows.trials.analyse import analyse_trial

ELIGIBLE = {
    "female": "true", "age": "60", "metastatic": "true", "hormone_receptor": "positive",
    "her2": "negative", "prior_lines": "0", "both_options": "true", "performance_status": "1",
    "life_expectancy": "24", "evaluable": "true",
}  # fmt: skip


def stic_rows(n=160, seed=3):
    random = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        choice = "chemotherapy" if random.random() < 0.3 else "endocrine therapy"
        ctc = int(random.poisson(random.lognormal(1, 1.5)))
        arm = "ctc" if i % 2 else "standard"
        by_count = "chemotherapy" if ctc >= 5 else "endocrine therapy"
        planned = by_count if arm == "ctc" else choice
        received = planned if random.random() < 0.9 else "endocrine therapy"
        rows.append({
            "patient_id": f"p{i}", **ELIGIBLE, "clinician_choice": choice, "ctc": str(ctc),
            "arm": arm, "received": received, "pfs_days": str(int(random.exponential(400)) + 1),
            "pfs_event": str(int(random.random() < 0.8)), "planned": planned,
        })  # fmt: skip
    rows.append({"patient_id": "young", **ELIGIBLE, "age": "17"})
    rows.append({"patient_id": "gap", **ELIGIBLE, "her2": ""})
    return rows


def write(path, rows):
    names = list(dict.fromkeys(k for row in rows for k in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, names)
        out.writeheader()
        out.writerows(rows)
    return path


@pytest.fixture(scope="module")
def rows():
    return stic_rows()


@pytest.fixture(scope="module")
def made(rows, tmp_path_factory):
    path = write(tmp_path_factory.mktemp("stic") / "stic.csv", rows)
    return analyse_trial("stic-ctc", path, simulated=True)


def test_non_inferiority_is_judged_per_protocol_on_the_protocols_interval(made, rows):
    found = next(r for r in made.results if r.analysis == "pfs-non-inferiority")
    kept = [r for r in rows if r.get("arm") and r["received"] == r["planned"]]
    assert sum(found.n.values()) == len(kept)
    assert found.left_out["not treated as the arm says, or not known"] == 160 - len(kept)
    days = [float(r["pfs_days"]) for r in kept]
    event = [r["pfs_event"] == "1" for r in kept]
    model = cox(days, event, [float(r["arm"] == "ctc") for r in kept])
    low, high = np.exp(model.confint(0.90)[0])
    assert (found.estimate, found.lower, found.upper) == pytest.approx(
        (math.exp(model.coefficients[0]), low, high), rel=1e-12
    )
    assert found.level == 0.90
    assert found.verdict.startswith("non-inferiority:" if high < 1.25 else "non-inferiority not")


def test_the_flow_counts_everybody_and_says_why(made):
    flow = made.flow
    assert flow.n == 162
    assert flow.visits["randomise"] == 160
    assert flow.visits["not-eligible"] == 1
    assert flow.not_eligible == {"adult-woman": 1}
    assert list(flow.halted) == [
        ("screen", "criterion 'her2-negative' is unknown: her2 == 'negative' is unknown "
                   "(her2 is unknown)")
    ]  # fmt: skip
    text = "\n".join(made.lines())
    assert text.startswith("SIMULATED DATA")
    assert "not a medical device" in text
    assert "os-superiority: not analysed" in text


def test_the_superiority_test_is_the_rooms_log_rank_test(rows, tmp_path):
    renamed = [{k.replace("pfs_", "os_"): v for k, v in r.items()} for r in rows]
    made = analyse_trial("stic-ctc", write(tmp_path / "t.csv", renamed))
    found = next(r for r in made.results if r.analysis == "os-superiority")
    kept = [r for r in rows if r.get("arm")]
    test = log_rank([float(r["pfs_days"]) for r in kept], [r["pfs_event"] == "1" for r in kept],
                    [r["arm"] for r in kept])  # fmt: skip
    assert found.p_value == pytest.approx(test.p_value, rel=1e-12)
    assert sum(found.n.values()) == 160


def treat_rows():
    base = {
        "age": "50", "m0": "true", "her2_central": "nonamplified", "excised": "true",
        "chemotherapy_done": "true", "chemotherapy": "adjuvant", "node_positive": "true",
        "residual_invasive": "true", "grade": "2", "tumour_size": "2", "lvef_assessed": "true",
        "er_local": "positive", "centre": "a", "consent": "true", "ctc": "1",
    }  # fmt: skip
    rows = []
    for arm, positive, seen, missing in (("trastuzumab", 5, 29, 2), ("observation", 4, 29, 3)):
        for i in range(seen + missing):
            week18 = "" if i >= seen else "2" if i < positive else "0"
            rows.append({"patient_id": f"{arm}{i}", **base, "arm": arm, "ctc_week18": week18})
    return rows


def test_treat_ctc_gives_the_trials_own_p_value(tmp_path):
    made = analyse_trial("treat-ctc", write(tmp_path / "t.csv", treat_rows()))
    found = next(r for r in made.results if r.analysis == "clearance")
    assert found.n == {"observation": 29, "trastuzumab": 29}
    assert found.events == {"observation": 25, "trastuzumab": 24}
    assert found.left_out == {"no outcome": 5}
    table = [[24, 5], [25, 4]]
    assert found.p_value == pytest.approx(fisher_exact(table, alternative="greater")[1], rel=1e-10)
    assert found.p_value == pytest.approx(0.764868, abs=1e-6)
    assert "no verdict" in found.verdict


def test_one_arm_gives_its_share(tmp_path):
    base = {"metastatic": "true", "tissue_her2": "negative", "lines": "2", "measurable": "true",
            "ctc": "3", "highest_ratio": "2.4"}  # fmt: skip
    rows = [{"patient_id": str(i), **base, "responded": str(i == 0).lower()} for i in range(11)]
    made = analyse_trial("circe-t-dm1", write(tmp_path / "t.csv", rows))
    (found,) = made.results
    assert (found.events, found.n) == ({"all": 1}, {"all": 11})
    assert (found.lower, found.upper) == pytest.approx((0.0023, 0.4128), abs=1e-4)


def test_an_arm_against_the_flow_is_a_departure(tmp_path):
    rows = [{"patient_id": "1", **ELIGIBLE, "age": "17", "arm": "ctc"}]
    made = analyse_trial("stic-ctc", write(tmp_path / "t.csv", rows))
    assert made.flow.departures == (("1", "allocated to ctc, but the flow ends at 'not-eligible'"),)


def test_bad_tables_give_all_faults_at_once(tmp_path):
    rows = [
        {"patient_id": "1", **ELIGIBLE, "arm": "cct", "pfs_days": "10", "pfs_event": "1"},
        {"patient_id": "2", **ELIGIBLE, "arm": "ctc", "pfs_days": "-3", "pfs_event": "2"},
        {"patient_id": "2", **ELIGIBLE, "arm": "ctc", "pfs_days": "5", "pfs_event": ""},
    ]
    with pytest.raises(InputError) as told:
        analyse_trial("stic-ctc", write(tmp_path / "t.csv", rows))
    assert {(p.row, p.column) for p in told.value.problems} == {(2, "arm"), (4, "patient_id")}
    rows[0]["arm"], rows[2]["patient_id"] = "ctc", "3"
    with pytest.raises(InputError) as told:
        analyse_trial("stic-ctc", write(tmp_path / "t.csv", rows))
    assert {(p.row, p.column) for p in told.value.problems} == {
        (3, "pfs_days"), (3, "pfs_event"), (4, "pfs_event"),
    }  # fmt: skip
