"""The sizes of the literature come out of the protocol files."""

from __future__ import annotations

import pytest

from ashworth.definitions.loader import SHIPPED, Catalogue
from ashworth.errors import InputError
from ashworth.trials import load_protocol
from ashworth.trials.protocol_sizes.sizes import protocol_sizes


def found(protocol, size, quantity, **given):
    rows = [r for r in protocol_sizes(load_protocol(protocol)).rows if r.id == size]
    rows = [r for r in rows if all(r.given.get(k) == v for k, v in given.items())]
    assert len(rows) == 1, rows
    return rows[0].found[quantity]


@pytest.mark.parametrize("protocol", Catalogue().ids("protocol"))
def test_every_protocol_is_sized_in_every_version(protocol):
    for version in range(1, 2 + len(load_protocol(protocol).protocol.amendments)):
        sizes = protocol_sizes(load_protocol(protocol, version=version))
        assert sizes.rows
        assert sizes.table().height >= len(sizes.rows)


@pytest.mark.parametrize(
    ("power", "size", "events"),
    [(0.80, "events", 497), (0.85, "events", 578), (0.90, "events", 688),
     (0.80, "events-two-and-a-half-percent", 631), (0.90, "events-two-and-a-half-percent", 844)],
)  # fmt: skip
def test_stic_ctc_events(power, size, events):
    assert round(found("stic-ctc", size, "events", power=power)) == events


def test_stic_ctc_at_the_margin():
    size = "discordant-hr-at-the-margin"
    assert found("stic-ctc", size, "declared", discordant_hazard_ratio=1.5) == pytest.approx(
        0.417, abs=0.01
    )
    assert found("stic-ctc", size, "discordant_hazard_ratio_at_the_margin",
                 discordant_hazard_ratio=1.0) == pytest.approx(2.60, abs=0.05)  # fmt: skip


def test_what_printed_intervals_imply():
    assert round(found("stic-ctc", "events-from-the-interval", "events", level=0.90)) == 491
    assert round(found("stic-ctc", "events-from-the-interval", "events", level=0.95)) == 697
    assert found("stic-ctc", "deaths-from-the-interval", "events") == pytest.approx(382, abs=1.5)
    assert round(found("pada-1", "implied-events", "events")) == 136
    assert round(found("serena-6", "implied-events", "events")) == 202


def test_s0500():
    assert found("s0500", "events", "events", power=0.80) == pytest.approx(111.5, abs=0.05)
    assert found("s0500", "events", "events", power=0.81) == pytest.approx(114.40929, abs=1e-5)
    assert found("s0500", "power-at-120", "power") == pytest.approx(0.82803, abs=1e-5)
    assert found("s0500", "screening", "yield") == pytest.approx(0.207, abs=5e-4)
    assert found("s0500", "screening", "to_screen_integer") == 579


def test_detect_v():
    for power, n in ((0.80, 61), (0.90, 81), (0.95, 100), (0.975, 118)):
        assert round(found("detect-v", "per-arm", "n_per_arm", power=power)) == n
    assert found("detect-v", "power-at-121", "power") == pytest.approx(0.97, abs=0.005)


def test_treat_ctc():
    for control, experimental in ((0.50, 0.32), (0.30, 0.14)):
        rate = found("treat-ctc", "detectable", "experimental", control=control, test="pooled")
        assert rate == pytest.approx(experimental, abs=0.005)
    rate = found("treat-ctc", "detectable-ninety", "experimental", test="pooled")
    assert rate == pytest.approx(0.31, abs=0.005)
    assert found("treat-ctc", "halving", "n", test="normal") == pytest.approx(480, abs=2)
    for rates, power in (([0.172, 0.138], 0.001), ([0.069, 0.138], 0.05), ([0.05, 0.25], 0.71)):
        got = found("treat-ctc", "conditional-power", "probability", rates=rates)
        assert got == pytest.approx(power, abs=0.006)


@pytest.fixture
def sized(tmp_path):
    text = (SHIPPED / "protocol" / "stic-ctc.yaml").read_text(encoding="utf-8")

    def size(old, new):
        assert text.count(old) == 1, old
        path = tmp_path / "stic-ctc.yaml"
        path.write_text(text.replace(old, new), encoding="utf-8")
        return protocol_sizes(load_protocol(path))

    return size


def test_one_line_of_the_protocol_changes_its_size(sized):
    rows = {(r.id, r.given.get("power")): r.found for r in
            sized("    margin: 1.25\n", "    margin: 1.3\n").rows}  # fmt: skip
    assert round(rows["events", 0.80]["events"]) == 359


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("given: {hazard_ratio: 1.0, power: [0.80, 0.85, 0.90]}",
         "given: {hazard_ratio: 1.25, power: [0.80]}", "null"),
        ("given: {hazard_ratio: 1.0, power: [0.80, 0.85, 0.90]}",
         "given: {hazard_ratio: 1.0, power: [0.04]}", "power above"),
        ("given: {hazard_ratio: 1.0, power: [0.80, 0.85, 0.90]}",
         "given: {hazard_ratio: 1.0}", "give 'power' under 'given'"),
        ("    margin: 1.25\n", "    margin: unknown\n", "give 'margin' under 'given'"),
        ("given: {lower: 0.69, upper: 1.03, level: 0.95}",
         "given: {lower: 1.69, upper: 1.03, level: 0.95}", "upper"),
    ],
)  # fmt: skip
def test_sizes_that_cannot_be_computed_name_line_and_key(sized, old, new, words):
    with pytest.raises(InputError) as told:
        sized(old, new)
    lines = [str(p) for p in told.value.problems]
    assert any(words in line for line in lines), lines
    assert all("stic-ctc.yaml, row " in line and "sizes." in line for line in lines), lines
