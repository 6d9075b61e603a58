"""The verdict on one registration, with the words it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ashworth.registries.classification.rules import CellRules, Phrase, Token, cell_rules
from ashworth.registries.record import Registration

MENTION_TIER = 4
Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Words that speak for cells.

    Attributes
    ----------
    rule, specimen, field, words : str
    tier : int
    """

    rule: str
    specimen: str
    field: str
    tier: int
    words: str


@dataclass(frozen=True, slots=True)
class CellVerdict:
    """What a registration says about tumour cells.

    Attributes
    ----------
    specimen : {"CTC", "DTC", "both", "mention", "none"}
        ``mention``: only the summary or a description names cells.
    scope : {"breast", "other"}
    tier : int or None
        Best tier of the evidence, 1 to 4.
    evidence : tuple of Evidence
        Best tier first.
    roles : tuple of str
    supported_by_mesh : bool
    rules_version : int
    """

    specimen: str
    scope: str
    tier: int | None
    evidence: tuple[Evidence, ...]
    roles: tuple[str, ...]
    supported_by_mesh: bool
    rules_version: int

    def specimen_at(self, tier: int) -> str:
        """The specimen when only evidence up to a tier counts."""
        return _specimen([e for e in self.evidence if e.tier <= tier], MENTION_TIER)


def fields_of(record: Registration) -> dict[str, str]:
    """The texts of a record by field; lists, and other languages, are joined by bars."""
    primary = [o for o in record.outcomes if o.role == "primary"]
    others = [o for o in record.outcomes if o.role != "primary"]
    found = {
        "brief_title": record.brief_title,
        "official_title": record.official_title,
        "acronym": record.acronym,
        "conditions": " | ".join(record.conditions),
        "condition_mesh": " | ".join(record.condition_mesh),
        "intervention_names": " | ".join(i.name for i in record.interventions),
        "arm_labels": " | ".join(a.label for a in record.arms),
        "primary_outcomes": " | ".join(f"{o.measure}. {o.description}" for o in primary),
        "eligibility": record.eligibility,
        "keywords": " | ".join(record.keywords),
        "other_outcomes": " | ".join(f"{o.measure}. {o.description}" for o in others),
        "summary": record.summary,
        "description": record.description,
        "other_descriptions": " | ".join(
            [i.description for i in record.interventions] + [a.description for a in record.arms]
        ),
    }
    for other in record.translations:
        found[other.field] = " | ".join(filter(None, (found.get(other.field), other.text)))
    return {name: text for name, text in found.items() if text}


def classify(record: Registration, rules: CellRules | None = None) -> CellVerdict:
    """Class one registration by the rules.

    Examples
    --------
    >>> record = Registration("ctgov", "x", "NCT1", conditions=("Breast Cancer",),
    ...     brief_title="Therapy guided by circulating tumour cells")
    >>> verdict = classify(record)
    >>> verdict.specimen, verdict.scope, verdict.tier, verdict.evidence[0].words
    ('CTC', 'breast', 1, 'circulating tumour cells')
    """
    return classify_fields(fields_of(record), rules, mesh=(
        *record.condition_mesh, *record.intervention_mesh,
    ))  # fmt: skip


def classify_fields(
    fields: Fields, rules: CellRules | None = None, *, mesh: tuple[str, ...] = ()
) -> CellVerdict:
    """Class texts by field, e.g. ``{"brief_title": ..., "summary": ...}``."""
    rules = rules or cell_rules()
    breast = any(_says_breast(fields.get(n, "").lower(), rules) for n in rules.scope_fields)
    scope = "breast" if breast else "other"
    supported = any(term in rules.mesh for term in mesh)
    evidence = sorted(_evidence(fields, rules, breast=breast), key=lambda e: e.tier)
    best = evidence[0].tier if evidence else None
    return CellVerdict(
        _specimen(evidence, MENTION_TIER), scope, best, tuple(evidence),
        _roles(fields, rules) if best is not None and best < MENTION_TIER else (), supported,
        rules.version,
    )  # fmt: skip


def _says_breast(text: str, rules: CellRules) -> bool:
    return any(key in text for key in rules.scope_keys) and rules.breast.search(text) is not None


def _evidence(fields: Fields, rules: CellRules, *, breast: bool) -> Iterator[Evidence]:
    """Evidence of phrases by field, then of tokens; records without any key are left at once."""
    told = {name: text for name, text in fields.items() if name in rules.tiers}
    folded = {name: text.lower() for name, text in told.items()}
    named: set[str] = set()
    phrases = _possible("\n".join(folded.values()), rules)
    if phrases:
        found = [
            e for name, text in told.items()
            for e in _phrases(name, text, folded[name], phrases, rules, breast=breast)
        ]  # fmt: skip
        named = {e.specimen for e in found}
        yield from found
    for token in rules.tokens:
        if any(token.key in text for text in told.values()):
            yield from _token_evidence(told, token, rules, named=token.specimen in named)


def _possible(folded: str, rules: CellRules) -> list[Phrase]:
    """Phrases of which a key stands anywhere in the record."""
    keys = {key for key in rules.keys if key in folded}
    return [p for p in rules.phrases if not keys.isdisjoint(p.keys)] if keys else []


def _token_evidence(
    fields: Fields, token: Token, rules: CellRules, *, named: bool
) -> Iterator[Evidence]:
    """Give nothing where the record says that the letters stand for something else."""
    told = {n: t for n, t in fields.items() if token.key in t}
    if not named and any(token.means_something_else(t.lower()) for t in told.values()):
        return
    for name, text in told.items():
        yield from _tokens(name, text, token, rules, named=named)


def _phrases(
    name: str, text: str, folded: str, phrases: Sequence[Phrase], rules: CellRules, *,
    breast: bool,
) -> Iterator[Evidence]:  # fmt: skip
    shown = text if len(text) == len(folded) else folded
    for phrase in phrases:
        if not phrase.may_stand_in(folded):
            continue
        if name in phrase.not_in or (phrase.breast_only and not breast):
            continue
        match = phrase.pattern.search(folded)
        if match and _needed(phrase, folded):
            words = shown[match.start() : match.end()]
            yield Evidence(phrase.id, phrase.specimen, name, rules.tiers[name], words)


def _needed(phrase: Phrase, text: str) -> bool:
    return phrase.needs is None or phrase.needs.search(text) is not None


def _tokens(
    name: str, text: str, token: Token, rules: CellRules, *, named: bool
) -> Iterator[Evidence]:
    """An abbreviation counts once per field: beside words for cells, and never beside others."""
    for match in token.pattern.finditer(text):
        before = text[max(0, match.start() - token.window) : match.start()]
        after = text[match.end() : match.end() + token.window]
        around = f"{before} {after}".lower()
        if token.speaks_against.search(around):
            continue
        beside = token.speaks_for.search(around) or token.followed.match(after.lower())
        if named or match[0] == token.plural or beside:
            words = " ".join((before[-20:] + match[0] + after[:20]).split())
            yield Evidence(token.id, token.specimen, name, rules.tiers[name], words)
            return


def _specimen(evidence: list[Evidence], mention: int) -> str:
    if not evidence:
        return "none"
    strong = {e.specimen for e in evidence if e.tier < mention}
    if not strong:
        return "mention"
    return "both" if len(strong) > 1 else strong.pop()


def _roles(fields: Fields, rules: CellRules) -> tuple[str, ...]:
    """Roles named in a sentence with cells; no pattern reaches over a full stop or a bar."""
    told = [(tier, s) for tier, s in _sentences(fields, rules)
            if any(key in s for key in rules.role_keys)]  # fmt: skip
    found = [
        role.role for role in rules.roles
        if any(tier in role.tiers and role.stands_in(s) for tier, s in told)
    ]  # fmt: skip
    return tuple(dict.fromkeys(found))


def _sentences(fields: Fields, rules: CellRules) -> Iterator[tuple[int, str]]:
    for name, text in fields.items():
        if name in rules.tiers:
            for part in text.lower().replace("|", ".").split("."):
                yield rules.tiers[name], part
