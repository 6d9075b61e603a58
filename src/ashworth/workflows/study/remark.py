"""REMARK checklist: where the report answers each item, and what only the authors can add.

REMARK: reporting recommendations for tumour marker prognostic studies (McShane et al. 2005; Altman
et al. 2012). The items stand here in our words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ashworth.reports import Column, Paragraph, Row, Section, Table
from ashworth.workflows.study.analyse import StudyResults
from ashworth.workflows.study.analyses.result import FurtherAnalysis

Answer = Literal["here", "in part", "missing"]
CHECKS_OF_THE_MODEL = ("proportional_hazards", "marker_form", "penalised", "frailty", "windows")
INTERNAL_VALIDATION = ("value_added", "cut_point", "discrimination")
VARIATIONS = ("imputation", "dilution", "landmark", "pooling", "competing_risks")


@dataclass(frozen=True, slots=True)
class RemarkItem:
    """One item of the checklist.

    Attributes
    ----------
    number : int
        1 to 20.
    topic : str
        What it asks for.
    answer : {"here", "in part", "missing"}
    where : str
        Sections that answer it, or what is to be added.
    """

    number: int
    topic: str
    answer: Answer
    where: str


def remark_section(
    results: StudyResults, sections: Sequence[Section], further: Sequence[FurtherAnalysis]
) -> Section:
    """Write the checklist of a report.

    Parameters
    ----------
    results : StudyResults
    sections : sequence of Section
        Sections of the report, whose titles are named.
    further : sequence of FurtherAnalysis
        Requested analyses.
    """
    items = remark_items(results, sections, further)
    missing = sum(i.answer == "missing" for i in items)
    text = (
        "Which items of REMARK (reporting recommendations for tumour marker prognostic studies) "
        f"this report answers. {missing} of {len(items)} are missing: the authors write them, or "
        "ask for an analysis."
    )
    rows = tuple(Row((f"{i.number}. {i.topic}", i.answer, i.where)) for i in items)
    table = Table(
        (Column("Item", "left"), Column("Answer", "left"),
         Column("Where, or what to add", "left")),
        rows, "REMARK checklist.",
        ("McShane LM, et al. J Natl Cancer Inst 2005;97:1180-1184. Altman DG, et al. PLoS Med "
         "2012;9:e1001216. Items in our words.",),
    )  # fmt: skip
    return Section("REMARK checklist", "remark", (Paragraph(text), table))


def remark_items(
    results: StudyResults, sections: Sequence[Section], further: Sequence[FurtherAnalysis]
) -> tuple[RemarkItem, ...]:
    """Return all twenty items with their answers; what could not be estimated answers none."""
    further = [f for f in further if f.estimated]
    titles = {s.id: s.title for s in sections}
    return (
        *_introduction_and_patients(results, titles),
        *_design(results, titles, further),
        *_description(results, titles),
        *_analysis(results, titles, further),
        RemarkItem(19, "Interpretation in the light of hypotheses and other studies; limitations",
                   "missing", "Authors: discussion"),
        RemarkItem(20, "Implications for research and clinical value", "missing",
                   "Authors: discussion"),
    )  # fmt: skip


def _named(titles: dict[str, str], *ids: str) -> str:
    """Titles of the sections that are there."""
    return ", ".join(titles[i] for i in ids if i in titles)


def _introduction_and_patients(
    results: StudyResults, titles: dict[str, str]
) -> tuple[RemarkItem, ...]:
    """Items 1 to 5."""
    described = bool(results.settings.description)
    assay = results.assay is not None
    treated = "treatments" in results.tables_present
    return (
        RemarkItem(1, "Marker, objectives, hypotheses", "in part" if described else "missing",
                   f"{titles['summary']}; authors add hypotheses" if described
                   else "Authors: introduction (or `description` in study.toml)"),
        RemarkItem(2, "Patients: source, inclusion and exclusion criteria, stage, other disease",
                   "in part", f"{_named(titles, 'patients')}; authors add the criteria"),
        RemarkItem(3, "Treatments and how they were chosen", "in part" if treated else "missing",
                   "treatments.csv is part of the study; authors add how they were chosen"
                   if treated else "Authors, or treatments.csv"),
        RemarkItem(4, "Specimens and controls: kind, preservation, storage",
                   "in part" if assay else "missing",
                   f"{titles['methods']} (kind of specimen, volume); authors add storage" if assay
                   else "Authors: methods"),
        RemarkItem(5, "Assay: protocol, reagents, quality control, scoring, blinding",
                   "in part" if assay else "missing",
                   f"{titles['methods']} (definition {results.assay.id}); authors add reagents, "
                   "lots and blinding" if results.assay is not None else "Authors: methods"),
    )  # fmt: skip


def _design(
    results: StudyResults, titles: dict[str, str], further: Sequence[FurtherAnalysis]
) -> tuple[RemarkItem, ...]:
    """Items 6 to 11."""
    kinds = {f.kind for f in further}
    stratified = f", stratified by {' and '.join(results.settings.stratify)}"
    handled = "rule" if results.rule is not None else "cut"
    form = _titles_of(further, ("marker_form", "cut_point", "dilution"))
    checked = bool(kinds & set(CHECKS_OF_THE_MODEL))
    return (
        RemarkItem(6, "Design: prospective or not, stratification, period, follow-up", "in part",
                   f"{titles['summary']} (median follow-up"
                   f"{stratified if results.settings.stratify else ''}); authors add design and "
                   "period"),
        RemarkItem(7, "Endpoints, defined", "here", titles["methods"]),
        RemarkItem(8, "Variables examined", "here", _named(titles, "patients", "methods")),
        RemarkItem(9, "Rationale of the sample size", "missing", "Authors: methods"),
        RemarkItem(10, "Statistical methods: selection, assumptions, missing data",
                   "here" if checked else "in part",
                   titles["methods"] + ("" if checked else "; ask for proportional_hazards under "
                                        "[[analyses]] to have the assumption tested")),
        RemarkItem(11, "How marker values were handled; where cut-offs come from", "here",
                   f"{titles['methods']} ({handled})" + (f", {form}" if form else "")),
    )  # fmt: skip


def _description(results: StudyResults, titles: dict[str, str]) -> tuple[RemarkItem, ...]:
    """Items 12 to 14."""
    patients, marker = _named(titles, "patients"), _named(titles, "counts")
    return (
        RemarkItem(12, "Flow of patients, numbers and events at each step", "here", patients),
        RemarkItem(13, "Distribution of characteristics and marker; missing values", "here",
                   ", ".join(t for t in (patients, marker) if t)),
        RemarkItem(14, "Marker against standard prognostic variables", "here",
                   f"{patients} (table 1 by status)"),
    )  # fmt: skip


def _analysis(
    results: StudyResults, titles: dict[str, str], further: Sequence[FurtherAnalysis]
) -> tuple[RemarkItem, ...]:
    """Items 15 to 18."""
    endpoints = _named(titles, *(e.id for e in results.endpoints))
    modelled = any(r.models is not None for r in results.results)
    adjusted = modelled and bool(results.codings)
    ask = "Give `adjust` in study.toml"
    checks = _titles_of(further, (*CHECKS_OF_THE_MODEL, *INTERNAL_VALIDATION, *VARIATIONS))
    return (
        RemarkItem(15, "Marker and outcome: estimate, limits, curves", "here", endpoints),
        RemarkItem(16, "Multivariable models: estimates with limits for all variables",
                   "here" if adjusted else "missing", endpoints if adjusted else ask),
        RemarkItem(17, "Marker together with standard variables, whether significant or not",
                   "here" if adjusted else "missing",
                   f"{endpoints}; no variable was selected by its p-value" if adjusted else ask),
        RemarkItem(18, "Checks of assumptions, sensitivity analyses, internal validation",
                   "here" if checks else "missing", checks or "Ask for them under [[analyses]]"),
    )  # fmt: skip


def _titles_of(further: Sequence[FurtherAnalysis], kinds: Sequence[str]) -> str:
    """Titles of the requested analyses of some kinds."""
    return ", ".join(dict.fromkeys(f.title for f in further if f.kind in kinds))
