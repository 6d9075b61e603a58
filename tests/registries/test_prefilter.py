"""The substrings that let most texts pass unread change no verdict."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import ashworth.workflows.review as review
from ashworth.registries.classification.rules import cell_rules
from ashworth.registries.classification.verdicts import classify, classify_fields, fields_of
from ashworth.registries.readers.files import read_registrations

HERE = Path(__file__).parents[1] / "data" / "registries"
SHIPPED = Path(review.__file__).parent / "registry"
RULES = cell_rules()
FULL = replace(
    RULES, scope_keys=("",), role_keys=("",),
    phrases=tuple(replace(p, keys=("",), also=()) for p in RULES.phrases),
)  # fmt: skip
"""The same rules without substrings: every pattern runs on every field."""


def plain_roles(fields):
    """Roles by every pattern on every whole text."""
    return tuple(dict.fromkeys(
        role.role for role in RULES.roles for name, text in fields.items()
        if RULES.tiers.get(name) in role.tiers and role.pattern.search(text.lower())
    ))  # fmt: skip


def test_every_pattern_runs_without_the_filter():
    assert all(p.may_stand_in("") for p in FULL.phrases)
    assert FULL.keys == ("",)
    assert not any(p.may_stand_in("") for p in RULES.phrases)


def test_every_record_of_the_tests_has_the_same_verdict():
    read = read_registrations([SHIPPED, HERE], on_fault="skip")
    assert len(read.records) > 30
    verdicts = [classify(r, RULES) for r in read.records]
    assert verdicts == [classify(r, FULL) for r in read.records]
    assert len({v.specimen for v in verdicts}) >= 3
    for record, verdict in zip(read.records, verdicts, strict=True):
        if verdict.tier in (1, 2, 3):
            assert verdict.roles == plain_roles(fields_of(record))


WORDS = (
    "circulating tumor tumour cancer carcinoma epithelial cell cells cluster clusters emboli "
    "blood level of in the their peripheral bone marrow bone-marrow isolated disseminated minimal "
    "disease residual micro metastases ctc CTC CTCs DTC (CTC) [CTC common toxicity criteria "
    "NCI grade 7.5 ml positive breast mammary sein Sein İstanbul ΣΑΣ cytokeratin"
)
NAMING = [
    "circulating very late tumor cells", "circulating tumour cell clusters", "CTC clusters",
    "circulating tumor microemboli", "blood levels of tumor cells",
    "tumour cells found in the peripheral blood", "zirkulierende Tumorzellen",
    "cellules tumorales circulantes", "células tumorales circulantes",
    "disseminating tumor cells", "isolated tumor cells in the bone marrow",
    "tumor cells seen in their bone marrow", "bone marrow tumor cells",
    "occult bone marrow micro metastases", "micrometastatic disease in bone marrow",
    "minimal residual disease bone marrow", "disseminierte Tumorzellen", "CTC count in 7.5 ml",
    "common toxicity criteria (CTC)", "breast cancer CTCs", "mamma carcinoma",
    "persisting CTCs", "clearance of tumour cells", "effect on clusters", "HER2 positive CTC",
    "at least 5 CTC", "CTC prognostic", "device for circulating tumor cells", "number of DTC",
]  # fmt: skip
"""Texts that name cells, or nearly."""
WORD = st.sampled_from([w for text in [WORDS, *NAMING] for w in text.split()])
GLUE = st.sampled_from([" ", " ", " ", "-", " - ", "  ", ". ", " | ", "\n"])


@st.composite
def texts(draw):
    """A text that names cells, among others, with a word lost or put in and any kind of space."""
    words = draw(st.lists(WORD, max_size=6))
    for naming in draw(st.lists(st.sampled_from(NAMING), max_size=2)):
        words += naming.split()
    if words and draw(st.booleans()):
        place = draw(st.integers(0, len(words) - 1))
        words[place : place + 1] = draw(st.lists(WORD, max_size=2))
    return "".join(word + draw(GLUE) for word in words)


TEXTS = texts()
FIELDS = st.dictionaries(st.sampled_from([*RULES.tiers, "condition_mesh"]), TEXTS, max_size=3)


@given(FIELDS)
@example({"summary": "tumor cells in the bone-marrow"})
@example({"brief_title": "minimal-residual disease", "conditions": "breast", "summary": ""})
@example({"keywords": "minimal-residual disease, bone-marrow", "conditions": "breast"})
@example({"acronym": "CTC", "summary": "common toxicity criteria (CTC)"})
def test_made_texts_have_the_same_verdict(fields):
    verdict = classify_fields(fields, RULES)
    assert verdict == classify_fields(fields, FULL)
    assert verdict.roles in ((), plain_roles(fields))
    assert bool(verdict.roles) == (bool(plain_roles(fields)) and (verdict.tier or 9) < 4)


@pytest.mark.parametrize("token", RULES.tokens, ids=lambda t: t.id)
@given(text=TEXTS)
def test_what_letters_stand_for_is_found_around_brackets_as_in_the_whole_text(token, text):
    folded = text.lower()
    whole = [m[1] for m in token.defined.finditer(folded)]
    around = token._spelled(folded)
    assert bool(whole) == bool(around)
    told = [any(re.search(token.defined_by, w) for w in words) for words in (whole, around)]
    assert told[0] == told[1]
