"""Printed numbers checked against each other.

The numbers are those of the source review and of the papers that it cites. Barnard and Boschloo
are compared with scipy, which nobody here wrote. scipy wants the groups as columns; with the
groups as rows it fixes the numbers of events instead, which is what `_transposed` reproduces.
"""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashworth.definitions.evidence_models import Group, Statistic
from ashworth.errors import InputError
from ashworth.evidence import check_statistics, p_values_of_counts
from ashworth.evidence.consistency import intervals
from ashworth.evidence.consistency.counts import farrington_manning
from ashworth.evidence.consistency.rounding import whole_counts

REFERENCE = Path(__file__).parents[2] / "reference/evidence/consistency.json"
R = json.loads(REFERENCE.read_text(encoding="utf-8"))
NAMES = ("fisher_two_sided", "fisher_less", "fisher_greater", "chi_square", "chi_square_yates",
         "score_less")  # fmt: skip


def row(**fields):
    """One statistic as a table."""
    full = {"study": "A", "measure": "proportion", "origin": "publication"} | fields
    return {k: [v] for k, v in full.items()}


def rows(*many):
    names = dict.fromkeys(k for one in many for k in one)
    return {k: [one.get(k, [None])[0] for one in many] for k in names}


def verdict(check, table):
    """The one finding of a check."""
    (found,) = [f for f in check_statistics(table).findings if f.check == check]
    return found


def two(a, n, b, m, **fields):
    """Two groups' counts."""
    return row(events_1=a, n_1=n, events_2=b, n_2=m, group_1="one", group_2="two", **fields)


def ratio(value, lower, upper, **fields):
    return row(measure="hazard_ratio", value=value, lower=lower, upper=upper,
               **{"level": 0.95} | fields)  # fmt: skip


# --- p-values of counts ---------------------------------------------------------------------------


@pytest.mark.parametrize("case", R["tables"], ids=lambda c: "-".join(map(str, c["table"])))
def test_p_values_equal_r(case):
    p = p_values_of_counts(*case["table"]).p_values
    # ratios of factorials: about 1e-12; the far tail of chi-square 5e-12
    np.testing.assert_allclose([p[k] for k in NAMES], case["p"], rtol=2e-11)


PAPER, REVIEW = (5, 29, 4, 29), (5, 31, 4, 32)


@pytest.mark.parametrize(
    ("test", "paper", "review"),
    [
        ("fisher_less", 0.7649, 0.7791),
        ("fisher_greater", 0.5000, 0.4791),
        ("fisher_two_sided", 1.0000, 0.7323),
        ("mid_p_less", 0.6324, 0.6500),
        ("mid_p_two_sided", 0.7351, 0.7000),
        ("chi_square", 0.7169, 0.6807),
        ("chi_square_yates", 1.0000, 0.9590),
        ("likelihood_ratio", 0.7166, 0.6805),
        ("boschloo_less_transposed", 0.6540, 0.6645),
        ("boschloo_less", 0.6751, 0.7064),
        ("barnard_two_sided", 0.8146, 0.7693),
        ("score_less", 0.6412, 0.6592),
    ],
)
def test_every_variant_of_the_treat_ctc_p_value(test, paper, review):
    for counts, expected in ((PAPER, paper), (REVIEW, review)):
        assert p_values_of_counts(*counts).p_values[test] == pytest.approx(expected, abs=5e-4)


def test_score_test_with_a_margin():
    assert farrington_manning(*PAPER, 0.1)[1] == pytest.approx(0.7521, abs=5e-5)
    assert farrington_manning(*REVIEW, 0.1)[1] == pytest.approx(0.7608, abs=5e-5)
    assert farrington_manning(*PAPER, 0.0)[0] == pytest.approx(
        p_values_of_counts(*PAPER).p_values["score_less"], rel=1e-9
    )


def test_barnard_and_boschloo_equal_scipy():
    from scipy.stats import barnard_exact, boschloo_exact

    for a, n, b, m in (PAPER, (2, 8, 6, 9)):
        columns = np.array([[a, b], [n - a, m - b]])
        p = p_values_of_counts(a, n, b, m).p_values
        for table, end in ((columns, ""), (columns.T, "_transposed")):
            found = [p[f"{k}{end}"] for k in ("barnard_two_sided", "boschloo_less")]
            theirs = [barnard_exact(table).pvalue, boschloo_exact(table, "less").pvalue]
            np.testing.assert_allclose(found, theirs, rtol=1e-6)


@pytest.mark.parametrize("counts", [(1, 7, 5, 9), (2, 8, 6, 9), (5, 9, 26, 54)])
def test_barnard_equals_the_sum_over_tables_ordered_by_fractions(counts):
    from scipy.stats import binom

    a, n, b, m = counts

    def score(i, j):
        share = Fraction(i + j, n + m)
        variance = share * (1 - share) * (Fraction(1, n) + Fraction(1, m))
        return (Fraction(i, n) - Fraction(j, m)) ** 2 / variance if variance else Fraction(0)

    inside = np.array([[score(i, j) >= score(a, b) for j in range(m + 1)] for i in range(n + 1)])
    share = np.linspace(0, 1, 4001)[:, None]
    p = (binom.pmf(range(n + 1), n, share) @ inside * binom.pmf(range(m + 1), m, share)).sum(1)
    found = p_values_of_counts(*counts).p_values["barnard_two_sided"]
    assert found == pytest.approx(p.max(), rel=1e-5)
    assert found >= p.max() - 1e-12


def test_scipy_loses_a_tied_table_to_rounding():
    """5/31 against 4/32 exchanged: 0.7768 by scipy, which leaves out two tables whose score
    equals the observed one but for 4e-16; with them the p-value is 0.8825."""
    from scipy.stats import barnard_exact

    theirs = barnard_exact(np.array([[5, 26], [4, 28]])).pvalue
    ours = p_values_of_counts(*REVIEW).p_values["barnard_two_sided_transposed"]
    assert (round(theirs, 4), round(ours, 4)) == (0.7768, 0.8825)


@given(st.integers(1, 9), st.integers(1, 9), st.data())
@settings(max_examples=15, deadline=None)
def test_exchanging_groups_exchanges_sides(n, m, data):
    a, b = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    one, other = p_values_of_counts(a, n, b, m).p_values, p_values_of_counts(b, m, a, n).p_values
    for name, p in one.items():
        swapped = name.replace("less", "?").replace("greater", "less").replace("?", "greater")
        assert math.isnan(p) or 0 <= p <= 1
        np.testing.assert_allclose(p, other[swapped], rtol=1e-7, atol=1e-12)


def test_refused_counts():
    with pytest.raises(InputError, match="5 of 4"):
        p_values_of_counts(5, 4, 1, 0)


def test_one_sided_fisher_alone_gives_0765():
    found = verdict("p from counts", two(*PAPER, p="0.765"))
    assert found.verdict == "holds only if"
    assert found.condition == "the test was Fisher one-sided (one lower)"
    named = verdict("p from counts", two(*PAPER, p="0.765", p_test="fisher_less"))
    assert named.verdict == "holds"


def test_another_recorded_denominator_is_found():
    table = rows(two(*REVIEW, p="0.765", statistic="review"), two(*PAPER, statistic="paper"))
    found = verdict("p from counts", table)
    assert found.verdict == "holds only if"
    assert "5/29 against 4/29 (as in paper) by Fisher one-sided (one lower)" in found.condition
    assert verdict("p from counts", two(*REVIEW, p="0.765")).verdict == "cannot hold"


def test_no_test_gives_the_p_of_the_nodes():
    found = verdict("p from counts", two(136, 692, 299, 1334, p="<0.001"))
    assert found.verdict == "cannot hold"
    assert "chi-square 0.1513" in found.arithmetic
    assert verdict("p from counts", two(136, 692, 299, 1334, p="0.15")).verdict == "holds"


@pytest.mark.parametrize("counts", [(16, 23, 14, 18)])
def test_counts_behind_rounded_shares(counts):
    given_counts = verdict("p from counts", two(*counts, p="0.726"))
    shares = verdict(
        "p from counts", row(value_1="69.6", n_1=23, value_2="77.8", n_2=18, p="0.726")
    )
    assert given_counts.verdict == shares.verdict == "holds"


def test_log_rank_p_values_are_not_judged_by_counts():
    found = verdict("p from counts", two(1, 40, 5, 46, p="0.5", p_test="log_rank"))
    assert found.verdict == "cannot be checked"
    over_time = verdict("p from counts", two(3, 40, 7, 46, p="0.205", outcome="relapse"))
    assert "log-rank" in over_time.condition


def test_sign_tests():
    assert [intervals.sign_test(k, k)[0] for k in (10, 6)] == pytest.approx(
        R["sign"][:2], rel=1e-12
    )
    assert intervals.sign_test(3, 11)[0] == pytest.approx(R["sign"][2], rel=1e-12)
    assert verdict("sign test", row(events=10, n=10, p="0.002", p_test="sign")).verdict == "holds"
    assert verdict("sign test", row(events=9, n=10, p="0.002", p_test="sign")).verdict == (
        "cannot hold"
    )
    unnamed = verdict("p from counts", row(events=10, n=10, p="0.002"))
    assert unnamed.condition == "it is of an exact sign test"


# --- shares ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "n", "printed", "exact", "wilson"),
    [
        (95, 1317, "7.2", "5.87-8.75", "5.94-8.74"),
        (63, 95, "66.3", "55.89-75.69", ""),
        (2814, 10307, "27.3", "26.44-28.17", ""),
        (26, 547, "4.8", "3.13-6.89", ""),
        (16, 206, "7.8", "", ""),
        (123, 595, "20.7", "", ""),
        (123, 319, "38.6", "", ""),
        (53, 58, "91.4", "", ""),
        (4, 58, "6.9", "", ""),
        (7, 23, "30.4", "13.21-52.92", ""),
        (7, 18, "38.9", "17.30-64.25", ""),
    ],
)
def test_shares_with_their_limits(events, n, printed, exact, wilson):
    found = verdict("share", row(events=events, n=n, value=printed))
    assert found.verdict == "holds"
    assert f"{exact} (Clopper-Pearson)" in found.arithmetic or not exact
    assert f"{wilson} (Wilson)" in found.arithmetic or not wilson


@pytest.mark.parametrize(
    ("events", "n", "printed", "condition"),
    [
        (43, 51, "83", "the denominator is 52, not 51"),
        (118, 154, "78.7", "the denominator is 150, not 154"),
        (5, 11, "46", "it was rounded twice (45.45, 45.5, 46)"),
        (136, 692, "19.6", "it was cut off instead of rounded (19.653)"),
    ],
)
def test_shares_that_hold_only_under_a_condition(events, n, printed, condition):
    found = verdict("share", row(events=events, n=n, value=printed))
    assert (found.verdict, found.condition) == ("holds only if", condition)


def test_a_share_of_another_recorded_denominator():
    label = rows(row(statistic="a", events=14, n=118, value="9.1"), row(statistic="b", n=154))
    assert verdict("share", label).condition == "the denominator is 154 (as in b)"
    alone = verdict("share", row(events=100, n=755, value="13.5"))
    assert (alone.verdict, alone.condition) == ("cannot hold", "13.5 % of 755 would be 102")


def test_27_of_546_is_not_48_percent():
    assert verdict("whole counts", row(value="4.8", n=546)).arithmetic == "26 of 546 rounds to it"
    assert verdict("share", row(events=27, n=546, value="4.8")).verdict != "holds"
    nothing = verdict("whole counts", row(value="7", n=63))
    assert nothing.verdict == "cannot hold"


def test_country_shares_admit_one_reading():
    shares = {f"value_{k}": v for k, v in enumerate(("41", "12", "10", "9", "5"), 1)}
    found = verdict("whole counts", row(n=58, **shares))
    assert found.verdict == "holds"
    assert found.arithmetic == "only 24/7/6/5/3, sum 45; others 13 (22.4 %)"
    assert verdict("whole counts", row(n=58, **shares | {"value_2": "13"})).verdict == "cannot hold"


@given(st.integers(1, 400), st.data())
def test_the_true_count_is_among_the_whole_counts(n, data):
    x = data.draw(st.integers(0, n))
    assert x in whole_counts(round(100 * x / n, 1), 1, n)


def test_sums():
    def arms(*numbers):
        return {f"n_{k}": v for k, v in enumerate(numbers, 1)}

    holds = verdict("sum", row(measure="count", n=595, **arms(276, 31, 165, 123)))
    assert (holds.verdict, holds.arithmetic) == ("holds", "276 + 31 + 165 + 123 = 595")
    value = check_statistics(row(measure="count", value=93, n=63, **arms(31, 32)))
    assert [f.verdict for f in value.findings] == ["holds", "holds only if"]
    less = verdict("sum", row(measure="count", n=595, **arms(276, 31, 165, 122)))
    assert less.condition == "1 of 595 belong to no group"


@pytest.mark.parametrize(("lower", "verdict_"), [("3.0", "holds"), ("4.0", "holds only if")])
def test_limits_of_a_share(lower, verdict_):
    table = row(events=18, n=353, value="5.1", lower=lower, upper="7.9", level=0.95)
    assert verdict("limits of a share", table).verdict == verdict_


# --- ratios ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "lower", "upper", "z", "p", "events"),
    [
        ("1.82", "1.47", "2.26", 5.46, 5e-8, 332),
        ("1.97", "1.51", "2.59", 4.93, 8e-7, 211),
        ("2.11", "1.49", "2.99", 4.20, 2.6e-5, 127),
        ("1.12", "1.02", "1.25", 2.18, 0.029, None),
        ("1.16", "0.99", "1.37", 1.79, 0.073, None),
        ("3.91", "2.04", "7.52", 4.10, 4e-5, 36),
        ("13.1", "4.7", "36.3", 4.93, 8e-7, 15),
        ("6.25", "4.34", "9.09", 9.72, 2.6e-22, 112),
        ("0.85", "0.69", "1.03", -1.59, 0.112, 383),
        ("0.53", "0.36", "0.78", -3.22, 0.0013, 103),
        ("1.19", "0.84", "1.69", 0.98, 0.33, 126),
        ("1.33", "0.90", "1.95", 1.45, 0.148, 103),
        ("0.63", "0.46", "0.86", -2.89, 0.0038, 157),
        ("0.45", "0.34", "0.59", None, None, 202),
        ("1.23", "1.06", "1.43", 2.71, 0.0067, None),
        ("1.30", "1.12", "1.52", 3.37, 0.00076, None),
    ],
)
def test_what_limits_imply(value, lower, upper, z, p, events):
    i = intervals.RatioInterval(float(value), float(lower), float(upper), 0.95, 2)
    assert z is None or i.z == pytest.approx(z, abs=0.006)
    assert p is None or i.p_value == pytest.approx(p, rel=0.06)
    assert events is None or round(i.events) == events
    assert verdict("log-symmetry", ratio(value, lower, upper)).verdict == "holds"


@pytest.mark.parametrize(
    ("value", "lower", "upper", "p", "expected"),
    [
        ("1.23", "1.06", "1.43", "<0.006", "holds only if"),
        ("1.23", "1.06", "1.42", "0.007", "holds"),
        ("1.23", "1.06", "1.43", "<0.002", "cannot hold"),
        ("1.30", "1.12", "1.52", "<0.001", "holds"),
        ("0.85", "0.69", "1.03", "0.11", "holds"),
        ("0.53", "0.36", "0.78", "0.001", "holds"),
        ("1.19", "0.84", "1.69", "0.34", "holds"),
        ("0.63", "0.46", "0.86", "0.00373", "holds"),
        ("1.33", "0.90", "1.95", "0.15", "holds"),
        ("1.82", "1.47", "2.26", "0.03", "cannot hold"),
        ("1.82", "1.47", "2.26", ">0.05", "cannot hold"),
    ],
)
def test_p_from_an_interval(value, lower, upper, p, expected):
    found = verdict("p from interval", ratio(value, lower, upper, p=p))
    assert found.verdict == expected


def test_paddy_says_what_the_printed_numbers_give():
    found = verdict("p from interval", ratio("1.23", "1.06", "1.43", p="<0.006"))
    assert "p = 0.0067 from 95 % limits; rounding leaves 0.0045 to 0.0097" in found.arithmetic
    assert "is not < 0.006" in found.condition


def test_the_level_that_a_p_value_implies():
    i = intervals.RatioInterval(1.23, 1.06, 1.43, 0.95, 2)
    assert intervals.level_from_p(i, i.p_value) == pytest.approx(0.95)
    narrow = ratio("1.50", "1.15", "1.95", p="0.012")
    found = verdict("p from interval", narrow)
    assert found.verdict == "holds only if"
    assert "90 %" in found.condition
    one_sided = verdict("p from interval", ratio("1.50", "1.00", "2.25", p="0.0245"))
    assert "one-sided" in one_sided.condition


def test_implied_against_recorded_events():
    assert verdict("implied events", ratio("0.85", "0.69", "1.03", events=382)).verdict == "holds"
    few = ratio("0.85", "0.69", "1.03", events=182, contrast="CTC against none")
    found = verdict("implied events", few)
    assert (found.verdict, found.condition) == (
        "cannot hold", "two groups need more than 182 events for it")  # fmt: skip
    unit = verdict("implied events", ratio("0.85", "0.69", "1.03", events=182))
    assert (unit.verdict, "per unit of a marker" in unit.condition) == ("holds only if", True)
    assert verdict("implied events", ratio("13.1", "4.7", "36.3", events=23)).verdict == "holds"
    assert verdict("implied events", ratio("1.2", "1.1", "1.3", n=150)).verdict != "holds"


def test_rare_tests_are_a_condition():
    found = verdict("p from counts", two(20, 110, 28, 90, p="0.04"))
    assert found.verdict == "holds only if"
    tests = "mid-p two-sided, Barnard two-sided or Boschloo two-sided"
    assert found.condition == f"the test was {tests}"


def test_one_interval_at_two_levels():
    two_levels = [ratio("0.94", "0.81", "1.09", level=level, statistic=s, outcome="pfs",
                        document=s) for s, level in (("a", 0.9), ("b", 0.95))]  # fmt: skip
    found = verdict("one interval, two levels", rows(*two_levels))
    assert "implied events 491 and 697" in found.arithmetic


def test_imeneo_is_within_tolerance_and_a_misprint_is_not():
    for printed in (("1.09", "0.65", "1.69"), ("2.63", "1.42", "4.54"), ("3.83", "2.08", "6.66")):
        assert verdict("log-symmetry", ratio(*printed)).verdict == "holds"
    assert verdict("log-symmetry", ratio("2.93", "1.42", "4.54")).verdict == "holds only if"
    logs = verdict("log-symmetry", ratio("0.60", "0.20", "1.00"))
    assert "symmetric without the logarithm" in logs.condition


def test_a_ratio_without_limits():
    assert verdict("interval", row(measure="hazard_ratio", value=5.14)).verdict == (
        "cannot be checked"
    )
    implied = verdict("interval", row(measure="hazard_ratio", value="0.61", p="0.0040"))
    assert "about 136 events" in implied.arithmetic


def test_ratio_of_counts():
    found = verdict("ratio of counts", two(*PAPER, measure="risk_ratio", value="1.25"))
    assert found.verdict == "holds"
    assert verdict("ratio of counts", two(*PAPER, measure="odds_ratio", value="1.30")).verdict == (
        "holds"
    )
    assert verdict("ratio of counts", two(*PAPER, measure="odds_ratio", value="1.80")).verdict == (
        "cannot hold"
    )
    d = intervals.newcombe((5, 4), (29, 29))
    np.testing.assert_allclose(d, (0.0345, -0.159, 0.226), atol=6e-4)


def test_standard_error_of_the_logarithm():
    own = ratio("1.82", "1.47", "2.26", standard_error=0.1097)
    assert verdict("standard error", own).verdict == "holds"
    natural = verdict("standard error", ratio("1.82", "1.47", "2.26", standard_error=0.1997))
    assert "of the ratio, not of its logarithm" in natural.condition


# --- survival, medians, rates, designs ------------------------------------------------------------


def survival_row(value, lower, upper, n):
    return row(measure="survival", value=value, lower=lower, upper=upper, n=n, level=0.95)


def test_survival_limits_against_patients():
    low, high = intervals.log_log_limits(30, 32)
    np.testing.assert_allclose([30 / 32, low, high], R["survivors_30_of_32"], rtol=1e-10)
    found = verdict("survival limits", survival_row("93.8", "77.3", "98.4", 32))
    assert found.verdict == "holds"
    assert "30/32" in found.arithmetic
    fewer = verdict("survival limits", survival_row("84.8", "63.4", "94.2", 31))
    assert (fewer.verdict, "effective n 24.5" in fewer.arithmetic) == ("holds", True)
    assert verdict("survival limits", survival_row("84.8", "63.4", "94.2", 21)).verdict == (
        "cannot hold"
    )


def test_contrast_of_two_survival_shares():
    table = row(measure="survival", level=0.95, group_1="observation", value_1="93.8",
                lower_1="77.3", upper_1="98.4", n_1=32, group_2="trastuzumab", value_2="84.8",
                lower_2="63.4", upper_2="94.2", n_2=31)  # fmt: skip
    assert "2.58 (0.46-14.4), p = 0.28" in verdict("contrast of survival", table).arithmetic


def test_medians_against_a_hazard_ratio():
    medians = {"measure": "median", "outcome": "os", "value_1": "16.0", "value_2": "36.3",
               "unit": "months", "statistic": "m"}  # fmt: skip
    alone = verdict("medians and hazard ratio", row(**medians))
    assert alone.verdict == "cannot be checked"
    assert "0.0433 and 0.0191 per month" in alone.arithmetic
    assert alone.arithmetic.endswith("= 2.27")
    for value, lower, upper, expected in (("2.4", "2.0", "2.9", "holds"),
                                          ("1.4", "1.2", "1.6", "holds only if")):  # fmt: skip
        table = rows(row(**medians), ratio(value, lower, upper, outcome="os", statistic="h"))
        assert verdict("medians and hazard ratio", table).verdict == expected


def test_rates_and_their_ratio():
    found = intervals.rate_ratio((7, 16), (32.7, 796.3))
    np.testing.assert_allclose(found, R["rates"], rtol=1e-9)
    table = row(measure="rate", unit="% per person-year", events_1=7, person_years_1=32.7,
                value_1="21.4", events_2=16, person_years_2=796.3, value_2="2.0")  # fmt: skip
    each = [f for f in check_statistics(table).findings if f.check == "rate"]
    assert [f.verdict for f in each] == ["holds", "holds"]
    assert "exact 0.0861-0.4411" in each[0].arithmetic
    assert (
        "crude rate ratio 10.65 (exact 95 % 3.71-27.4), exact p 2.1e-5"
        in verdict("rate ratio", table).arithmetic
    )
    wrong = table | {"value_1": ["24.1"]}
    assert check_statistics(wrong).findings[0].verdict == "cannot hold"


def test_a_final_zero_is_seen_beside_another_group():
    """2.0 % per person-year is read as 2: 19 of 796.3 would round to 2, not to 2.0."""
    one = Group(label="positive", events=7, person_years=32.7, value=21.4)
    for events, expected in ((16, "holds"), (19, "cannot hold")):
        two_ = Group(label="negative", events=events, person_years=796.3, value=2.0)
        s = Statistic(id="rates", label="rates", measure="rate", unit="%", groups=(one, two_),
                      document="d", document_version="v", origin="publication")  # fmt: skip
        found = check_statistics([study_of(statistics=(s,))]).findings
        assert [f.verdict for f in found if f.check == "rate"] == ["holds", expected]


def test_sizes_of_designs():
    events = [
        intervals.schoenfeld_events(1, 0.05, p, sides=1, margin=1.25) for p in (0.8, 0.85, 0.9)
    ]
    assert [round(e) for e in events] == [497, 578, 688]
    twice = [intervals.schoenfeld_events(1, 0.025, p, sides=1, margin=1.25) for p in (0.8, 0.9)]
    assert [round(e) for e in twice] == [631, 844]
    s0500 = [intervals.schoenfeld_events(1 / 1.7, 0.05, p) for p in (0.80, 0.81)]
    np.testing.assert_allclose(s0500, [111.5, 114.4], atol=0.06)
    sizes = [intervals.patients_per_group(0.863, 0.647, 0.05, p) for p in (0.8, 0.9, 0.95, 0.975)]
    assert [round(n) for n in sizes] == [61, 81, 100, 118]
    assert sizes[0] == pytest.approx(R["two_shares"], rel=1e-4)


def test_status_two_and_five_years_after_therapy():
    assert intervals.kappa(11, 85, 36, 442) == pytest.approx(0.049, abs=5e-4)
    assert p_values_of_counts(11, 96, 36, 478).p_values["fisher_two_sided"] == pytest.approx(
        0.22, abs=5e-4
    )


# --- a digit changed ------------------------------------------------------------------------------

TRUE = [
    ("share", row(events="95", n="1317", value="7.2"), "value"),
    ("share", row(events="2814", n="10307", value="27.3"), "events"),
    ("p from counts", two(16, 23, 14, 18, p="0.726"), "p"),
    ("p from interval", ratio("0.85", "0.69", "1.03", p="0.11"), "p"),
    ("p from interval", ratio("3.91", "2.04", "7.52", p="0.00004"), "upper"),
    ("log-symmetry", ratio("6.25", "4.34", "9.09"), "value"),
    ("sum", row(measure="count", n="595", n_1="276", n_2="31", n_3="165", n_4="123"), "n_3"),
    ("survival limits", survival_row("93.8", "77.3", "98.4", "32"), "n"),
    ("rate", row(measure="rate", value_1="21.4", events_1="7", person_years_1="32.7"), "value_1"),
    ("whole counts", row(value="33", n="3"), "value"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "table", "column"), TRUE)
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_a_changed_first_digit_changes_the_verdict_or_is_refused(check, table, column, data):
    assert verdict(check, table).verdict == "holds"
    text = str(table[column][0])
    place = next(k for k, c in enumerate(text) if c in "123456789")
    digit = data.draw(st.sampled_from([d for d in "123456789" if d != text[place]]))
    changed = table | {column: [text[:place] + digit + text[place + 1 :]]}
    try:
        findings = [f for f in check_statistics(changed).findings if f.check == check]
    except InputError:
        return
    assert findings
    assert findings[0] != verdict(check, table)
    larger = check == "survival limits" and int(changed[column][0]) >= 32
    assert findings[0].verdict != "holds" or larger


# --- input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (ratio("1.2", "1.0", "1.5", standard_error=0), "standard_error"),
        (ratio("1.2", "1.0", "1.5", standard_error=-0.1), "above 0"),
        (ratio("2.2", "1.0", "1.5"), "outside of its limits"),
        (ratio("1.2", "1.5", "1.0"), "limits swapped"),
        (ratio("1.2", "1.0", "1.5", level=None), "without their level"),
        (ratio("1.2", "1.0", "1.5", level=95), "write 0.95 for 95 %"),
        (ratio("1.2", "1.0", None), "one limit without the other"),
        (ratio("0.6", "1.5", "2.2"), "looks like a logarithm"),
        (ratio("1.82", "0.39", "0.82"), "limits look like logarithms"),
        (ratio("-0.6", "-0.8", "-0.4"), "look like logarithms"),
        (row(measure="hazard_ratio", value=0), "ratios above 0"),
        (row(value=101), "0 to 100"),
        (row(value_1=101, n_1=10), "value_1"),
        (two(1, 9, 2, 9, p="0"), "at most 1"),
        (two(1, 9, 2, 9, p="1.5"), "at most 1"),
        (two(10, 9, 2, 9), "10 events among 9"),
        (row(origin=None, value=5), "origin"),
        (row(origin="hearsay", value=5), "hearsay"),
        (row(measure="odds", value=5), "odds"),
        (row(value="7,2"), "--decimal comma"),
        (row(value="about 5"), "a number"),
        (row(n="2.5"), "whole number"),
        (row(valu=5), "valu"),
        ({"study": ["A"], "value": [5]}, "measure"),
        (rows(row(statistic="a", value=5), row(statistic="a", value=6)), "once more"),
        (rows(row(value=5), row(value=5)), "once more"),
        ({"study": [], "measure": [], "origin": []}, "no rows"),
        (7, "DataFrame"),
        (row(measure="rate", person_years_1=0, events_1=1), "person_years_1"),
    ],
)
def test_bad_input_is_refused_with_the_reason(table, says):
    with pytest.raises(InputError, match="(?s)" + says):
        check_statistics(table)


def test_all_faults_at_once():
    table = rows(ratio("1.2", "1.5", "1.0", study="A"), row(study="B", value=120, p="0"))
    with pytest.raises(InputError) as raised:
        check_statistics(table)
    assert [(p.row, p.column) for p in raised.value.problems] == [
        (0, "lower"), (1, "p"), (1, "value")]  # fmt: skip


def test_frames_and_mappings_agree():
    table = two(*PAPER, p="0.765")
    frame = pl.DataFrame(table)
    assert check_statistics(frame).findings == check_statistics(table).findings


def test_unverified_statistics_only_on_demand():
    table = rows(row(value=5, n=20), row(study="B", value=5, n=20, origin="unverified"))
    assert check_statistics(table).left_out == 1
    assert check_statistics(table, unverified=True).left_out == 0
    assert {f.study for f in check_statistics(table).findings} == {"A"}


def test_tables_of_the_result():
    found = check_statistics(two(*PAPER, p="0.765"))
    assert found.table().height == len(found.findings) == sum(found.counts().values())
    assert found.conflicts().height == 0
    assert (found.n, found.without_check) == (1, 0)
    assert p_values_of_counts(*PAPER).table().height == 19


def study_of(**fields):
    """A study as the evidence base has it."""
    empty = {"id": "s", "title": "S", "statistics": (), "funnel": (), "sample_size": {},
             "conflicts": ()}  # fmt: skip
    return SimpleNamespace(**empty | fields)


@pytest.mark.parametrize(("arm", "expected"), [(276, "holds"), (277, None)])
def test_steps_of_the_flow(arm, expected):
    steps = [SimpleNamespace(step=s, n=n, document="d", origin="publication")
             for s, n in (("evaluable", 595), ("low", arm), ("high", 319))]  # fmt: skip
    found = check_statistics([study_of(funnel=steps)]).findings
    assert [f.verdict for f in found] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("plan", "verdict_", "says"),
    [
        ({"margin": "hazard ratio 1.25", "alpha": "0.05 one-sided", "power": "unknown",
          "planned": "994"}, "cannot be checked", "994 is twice 497"),
        ({"effect": "hazard ratio 0.588", "alpha": "0.05 two-sided", "power": "81 %",
          "planned": "120"}, "holds", "114.2 events"),
        ({"effect": "hazard ratio 0.588", "alpha": "0.05 two-sided", "power": "81 %",
          "planned": "100"}, "cannot hold", "114.2 events"),
        ({"V": "0.863 against 0.647"}, "cannot be checked", "61 in each arm for 80 %"),
    ],
)  # fmt: skip
def test_designs(plan, verdict_, says):
    (found,) = check_statistics([study_of(sample_size=plan)]).findings
    assert found.verdict == verdict_
    assert says in found.arithmetic


def test_versions_of_a_statistic():
    same = {"outcome": "os", "contrast": "a against b"}
    pair = [row(measure="hazard_ratio", value=v, statistic=d, document=d, **same)
            for v, d in (("1.07", "abstract"), ("1.03", "talk"))]  # fmt: skip
    found = verdict("versions", rows(*pair))
    assert "1.07 and 1.03" in found.claim
    pair[1]["value"] = ["1.07"]
    assert not [f for f in check_statistics(rows(*pair)).findings if f.check == "versions"]


def test_a_share_without_its_denominator():
    found = verdict("share", row(events=18, value="44"))
    assert (found.verdict, found.arithmetic) == ("cannot be checked", "18 are 44 % of 41")


def test_conflicts_are_kept_and_unverified_sayings_are_not():
    says = [SimpleNamespace(document=d, says=d, origin=o)
            for d, o in (("a", "publication"), ("b", "unverified"))]  # fmt: skip
    conflict = SimpleNamespace(id="x", about="n", sayings=says, consequence="")
    study = study_of(conflicts=(conflict,))
    assert check_statistics([study]).conflicts()["document"].to_list() == ["a"]
    assert check_statistics([study], unverified=True).conflicts().height == 2


no_events = {f"{c}_{k}": v for k in (1, 2, 3) for c, v in (("events", 0), ("n", 10))}
all_events = no_events | {f"events_{k}": 10 for k in (1, 2, 3)}


@pytest.mark.parametrize(
    ("table", "check", "expected"),
    [
        (ratio("2.0", "0", "5.0"), "interval", "cannot be checked"),
        (ratio("1.00", "1.00", "1.00"), "interval", "cannot be checked"),
        (ratio("1.5", "1.2", "1.9", p="1e-30"), "p from interval", "cannot hold"),
        (ratio("1.5", "1.2", "1.9", p=1e-13), "p from interval", "cannot hold"),
        (ratio("1.00", "0.80", "1.25", p="0.99"), "p from interval", "holds"),
        (row(measure="hazard_ratio", value=1.5, p="1"), "interval", "cannot be checked"),
        (two(0, 12, 0, 15, p="1"), "p from counts", "holds"),
        (two(0, 10, 3, 10, measure="odds_ratio", value="0"), "ratio of counts", None),
        (row(events=12, n=12, value="100"), "share", "holds"),
        (survival_row("100", "90", "100", 20), "survival limits", "cannot be checked"),
        (row(value=5, n=0), "share", "cannot be checked"),
        (row(measure="rate", value_1=0, events_1=0, person_years_1=10), "rate", "holds"),
        (two(5000, 100000, 5100, 100000, p="0.31"), "p from counts", "holds"),
        (ratio("1.00", "0.90", "1.11", p="0.90"), "p from interval", "holds only if"),
        (row(p="0.5", **no_events), "p from counts", "cannot be checked"),
        (row(p="0.5", **all_events), "p from counts", "cannot be checked"),
    ],
)
def test_odd_but_true_numbers_do_not_crash(table, check, expected):
    if expected is None:
        with pytest.raises(InputError):
            check_statistics(table)
    else:
        assert verdict(check, table).verdict == expected


@pytest.mark.parametrize(
    "counts", [("a", 4, 1, 2), (math.nan, 4, 1, 2), (1, 4, 1.5, 2), (None,) * 4]
)
def test_counts_that_are_none_are_refused(counts):
    with pytest.raises(InputError, match="whole numbers"):
        p_values_of_counts(*counts)
