"""Printed p-values against counts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace

from scipy.special import chdtrc

from ashworth.evidence.consistency.check_shares import finding
from ashworth.evidence.consistency.counts import p_values
from ashworth.evidence.consistency.findings import Finding, Verdict
from ashworth.evidence.consistency.intervals import sign_test
from ashworth.evidence.consistency.records import RATIOS, TIME_TO_EVENT, Arm, Dossier, Record
from ashworth.evidence.consistency.rounding import agrees, listed, text_of_p, whole_counts

WORDS = {
    "fisher_two_sided": "Fisher two-sided",
    "fisher_less": "Fisher one-sided (first group lower)",
    "fisher_greater": "Fisher one-sided (first group higher)",
    "mid_p_two_sided": "mid-p two-sided",
    "mid_p_less": "mid-p one-sided (first group lower)",
    "mid_p_greater": "mid-p one-sided (first group higher)",
    "chi_square": "chi-square",
    "chi_square_yates": "chi-square with Yates' correction",
    "likelihood_ratio": "likelihood ratio",
    "score_less": "score one-sided (first group lower)",
    "score_greater": "score one-sided (first group higher)",
    "barnard_two_sided": "Barnard two-sided",
    "boschloo_two_sided": "Boschloo two-sided",
    "boschloo_less": "Boschloo one-sided (first group lower)",
    "boschloo_greater": "Boschloo one-sided (first group higher)",
    "barnard_two_sided_transposed": "Barnard two-sided (groups and outcomes exchanged)",
    "boschloo_two_sided_transposed": "Boschloo two-sided (groups and outcomes exchanged)",
    "boschloo_less_transposed": "Boschloo one-sided (lower; groups and outcomes exchanged)",
    "boschloo_greater_transposed": "Boschloo one-sided (higher; groups and outcomes exchanged)",
}
_SHOWN = ("fisher_two_sided", "fisher_less", "fisher_greater", "chi_square", "chi_square_yates")
_USUAL = ("fisher_two_sided", "chi_square", "chi_square_yates", "likelihood_ratio")
_TIMED = ("log_rank", "wald")
_NO_COUNTS = (*RATIOS, "median", "survival", "mean", "interaction", "rate", "text")
_MOST_TABLES = 36

Table = tuple[int, int, int, int]


def p_of_counts(record: Record, dossier: Dossier) -> Iterator[Finding]:
    """Check a printed p-value against the groups' counts, by every usual test."""
    if record.p is None or record.measure in _NO_COUNTS or record.p_test == "sign":
        return
    if record.p_test in _TIMED:
        yield _unchecked(record, f"a {record.p_test.replace('_', '-')} p-value needs the patients")
        return
    arms = record.arms
    if len(arms) > 2 and all(a.counted for a in arms):
        yield _several(record)
        return
    tables = _tables(record)
    if tables:
        yield _named(_of_tables(record, tables, dossier), arms[0].label)
    elif len(arms) < 2:
        yield _one_group(record)
    else:
        yield _unchecked(record, "the groups' counts are not recorded")


def _unchecked(record: Record, why: str) -> Finding:
    return finding(record, "p from counts", "cannot be checked", record.printed_p, "", why)


def _named(f: Finding, first: str) -> Finding:
    """Say which group is the first."""
    old, new = "first group", first
    return replace(
        f, arithmetic=f.arithmetic.replace(old, new), condition=f.condition.replace(old, new)
    )


def _one_group(record: Record) -> Finding:
    """A p-value without groups: perhaps a sign test."""
    if record.events is not None and record.n:
        two = sign_test(record.events, record.n)[0]
        if fits(record, two):
            claim = f"{record.printed_p} for {record.events} of {record.n}"
            text = f"sign test of {record.events} of {record.n}: {text_of_p(two)}, two-sided"
            return finding(record, "p from counts", "holds only if", claim, text,
                           "it is of an exact sign test")  # fmt: skip
    pairs = [k for k in range(2, 31) if record.p_relation == "=" and fits(record, 0.5 ** (k - 1))]
    hint = "".join(
        f"; {k} of {k} pairs in one direction give {text_of_p(0.5 ** (k - 1))} (sign test)"
        for k in pairs[:1]
    )
    return _unchecked(record, f"the groups are not recorded{hint}")


def _several(record: Record) -> Finding:
    """Pearson's chi-square over more than two groups."""
    counts = [(a.events or 0, a.n or 0) for a in record.arms]
    events, n = (sum(c[k] for c in counts) for k in (0, 1))
    if events in (0, n):
        return _unchecked(record, "none or all of the patients had the event: no test exists")
    share = events / n
    statistic = sum((x - m * share) ** 2 / (m * share * (1 - share)) for x, m in counts)
    p = float(chdtrc(len(counts) - 1, statistic))
    text = f"chi-square over {len(counts)} groups {text_of_p(p)}"
    if fits(record, p):
        return finding(record, "p from counts", "holds", record.printed_p, text)
    return finding(record, "p from counts", "holds only if", record.printed_p, text,
                   "it belongs to another test or to two of the groups")  # fmt: skip


def _tables(record: Record) -> list[Table]:
    """Tables of two groups: the counts, or all that the printed per cents admit."""
    if len(record.arms) != 2:
        return []
    choices = [_choices(a) for a in record.arms]
    if math.prod(len(c) for c in choices) > _MOST_TABLES:
        return []
    return [(*first, *second) for first, second in itertools.product(*choices)]


def _choices(arm: Arm) -> list[tuple[int, int]]:
    if not arm.n:
        return []
    if arm.events is not None:
        return [(arm.events, arm.n)]
    if arm.value is None or not 0 <= arm.value <= 100:
        return []
    return [(x, arm.n) for x in whole_counts(arm.value, arm.digits, arm.n)]


def fits(record: Record, p: float) -> bool:
    """Whether a p-value agrees with the printed one."""
    assert record.p is not None
    if math.isnan(p):
        return False
    if record.p_relation == "=":
        return agrees(p, record.p, record.p_digits)
    return p < record.p if record.p_relation == "<" else p > record.p


def _of_tables(record: Record, tables: list[Table], dossier: Dossier) -> Finding:
    """Say on which table which tests give the printed p-value."""
    claim = f"{record.printed_p} on {listed((_words(t) for t in tables[:4]), 'or')}"
    found = _fitting(record, tables)
    arithmetic = "; ".join(_shown(t, brief=len(tables) > 1) for t in tables[:4])
    best = min(found, key=lambda t: _rank(record, found[t]))
    kind = _rank(record, found[best])
    if kind == 3:
        return _elsewhere(record, tables, dossier, claim, arithmetic)
    plain = [k for k in found[best] if not k.endswith("transposed")]
    names = _usual(record, found[best]) or plain or found[best]
    arithmetic += f". {_names(names)} give{'s' if len(names) == 1 else ''} it"
    ways = [] if len(tables) == 1 else [f"the counts are {_words(best)}"]
    ways += [] if kind == 0 else [f"the test was {_names(names)}{_or_over_time(record)}"]
    verdict: Verdict = "holds only if" if ways else "holds"
    return finding(record, "p from counts", verdict, claim, arithmetic, " and ".join(ways))


def _or_over_time(record: Record) -> str:
    timed = record.outcome in TIME_TO_EVENT and record.p_test == "unknown"
    return ", or one over time (log-rank, Cox)" if timed else ""


def _fitting(record: Record, tables: list[Table]) -> dict[Table, list[str]]:
    """Tests that give the printed p; the slow ones only for known counts that no usual one fits."""
    found = {}
    for slow in (False, True)[: 2 if len(tables) == 1 else 1]:
        found = {t: [k for k, p in p_values(*t, slow=slow).items() if fits(record, p)]
                 for t in tables}  # fmt: skip
        if any(_usual(record, names) for names in found.values()):
            return found
    return found


def _elsewhere(
    record: Record, tables: list[Table], dossier: Dossier, claim: str, arithmetic: str
) -> Finding:
    """No test gives it on these counts: look at other denominators that the study records."""
    ways = []
    for other, table in _other_tables(record, tables, dossier):
        names = _fitting(record, [table])[table]
        if names:
            ways.append(f"on {_words(table)} (as in {other}) by {_names(names)}")
    text = f"{arithmetic}. No test of two groups' counts gives it"
    if ways:
        return finding(record, "p from counts", "holds only if", claim, text,
                       f"it was computed {listed(ways, 'or')}")  # fmt: skip
    if record.outcome in TIME_TO_EVENT and record.p_test == "unknown":
        return finding(record, "p from counts", "holds only if", claim, text,
                       "it is of a test over time (log-rank, Cox), not of counts")  # fmt: skip
    return finding(record, "p from counts", "cannot hold", claim, text)


def _other_tables(
    record: Record, tables: list[Table], dossier: Dossier
) -> Iterator[tuple[str, Table]]:
    """Tables of other statistics of the study with the same events and other totals."""
    seen = set(tables)
    for other in dossier.records:
        if other.id == record.id or len(other.arms) != 2:
            continue
        for table in _tables(other):
            same = any((t[0], t[2]) == (table[0], table[2]) for t in tables)
            if same and table not in seen:
                seen.add(table)
                yield other.id, table


def _rank(record: Record, names: list[str]) -> int:
    """0: a usual test (or the named one); 1: a rarer one; 2: groups exchanged; 3: none."""
    if _usual(record, names):
        return 0
    plain = [k for k in names if not k.endswith("transposed")]
    return 1 if plain else 2 if names else 3


def _usual(record: Record, names: list[str]) -> list[str]:
    if record.p_test in WORDS:
        return [k for k in names if k == record.p_test]
    return [k for k in names if k in _USUAL]


def _words(table: Table) -> str:
    return f"{table[0]}/{table[1]} against {table[2]}/{table[3]}"


def _names(names: list[str]) -> str:
    return listed((WORDS[k] for k in names), "or")


def _shown(table: Table, *, brief: bool) -> str:
    p = p_values(*table, slow=False)
    names = ("fisher_two_sided", "chi_square") if brief else _SHOWN
    values = ", ".join(f"{WORDS[k]} {text_of_p(p[k])}" for k in names if not math.isnan(p[k]))
    return f"{_words(table)}: {values}"


def sign_tests(record: Record, dossier: Dossier) -> Iterator[Finding]:
    """Check a p-value of a sign test."""
    if record.p is None or record.p_test != "sign":
        return
    if record.events is None or not record.n:
        yield finding(record, "sign test", "cannot be checked", record.printed_p, "",
                      "the number of pairs is not recorded")  # fmt: skip
        return
    two, one = sign_test(record.events, record.n)
    claim = f"{record.printed_p} for {record.events} of {record.n} pairs"
    text = f"sign test {text_of_p(two)} two-sided, {text_of_p(one)} one-sided"
    if fits(record, two):
        yield finding(record, "sign test", "holds", claim, text)
    elif fits(record, one):
        yield finding(record, "sign test", "holds only if", claim, text, "it is one-sided")
    else:
        yield finding(record, "sign test", "cannot hold", claim, text)
