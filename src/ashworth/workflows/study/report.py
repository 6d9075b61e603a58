"""Results to the report: which sections, in which order."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from ashworth.definitions import Reference as Source
from ashworth.definitions import references
from ashworth.figures import Figure
from ashworth.reports import (
    Definitions,
    KeyFigure,
    KeyFigures,
    Paragraph,
    Reference,
    References,
    Report,
    Section,
    render_html,
)
from ashworth.reports.blocks import figures_of
from ashworth.reports.numbers import count, median_limits, p_words, percent, ratio, ratio_limits
from ashworth.version import __version__
from ashworth.workflows.study.analyse import EndpointResult, StudyResults
from ashworth.workflows.study.analyses.result import FurtherAnalysis
from ashworth.workflows.study.groups import MarkerGroups
from ashworth.workflows.study.images import StudyImages
from ashworth.workflows.study.methods import (
    endpoint_text,
    methods_paragraphs,
    rule_text,
    stratified_words,
)
from ashworth.workflows.study.remark import remark_section
from ashworth.workflows.study.sections_endpoint import endpoint_section
from ashworth.workflows.study.sections_images import images_section
from ashworth.workflows.study.sections_marker import dynamics_outcome_section, marker_section
from ashworth.workflows.study.sections_patients import patients_section


def study_report(
    results: StudyResults,
    *,
    notices: Sequence[str] = (),
    images: StudyImages | None = None,
    further: Sequence[FurtherAnalysis] = (),
) -> tuple[str, list[Figure]]:
    """Write the report of a study.

    Parameters
    ----------
    results : StudyResults
        What `analyse` computed.
    notices : sequence of str
        What was assumed or left out while reading.
    images : StudyImages, optional
        Counts that came from images.
    further : sequence of FurtherAnalysis
        What the study file asked for beyond the analysis by status.

    Returns
    -------
    html : str
        One HTML file.
    figures : list of Figure
        Its figures, in order.
    """
    settings = results.settings
    sections = [
        _summary(results),
        patients_section(results),
        marker_section(results),
        None if images is None else images_section(images, results),
        *(endpoint_section(results, e) for e in results.endpoints),
        dynamics_outcome_section(results),
        *(Section(f.title, f.anchor, f.result.blocks) for f in further),
        _methods(results, further),
        _notes(results, notices),
        _references(results),
    ]
    found = tuple(s for s in sections if s is not None)
    report = Report(
        title=settings.title,
        subtitle=_subtitle(results),
        blocks=(*found, remark_section(results, found, further)),
        meta=_meta(results),
        simulated=settings.simulated,
    )
    return render_html(report), [b.figure for b in figures_of(report.blocks)]


def _subtitle(results: StudyResults) -> str:
    """What is compared, in one line."""
    if results.groups.ordinal:
        return f"Prognosis by {results.groups.name} count: {', '.join(results.groups.labels)}"
    if results.rule is not None:
        return f"Prognosis by {rule_text(results.rule)}"
    return f"{results.groups.name}: {results.groups.high} against {results.groups.low}"


def _meta(results: StudyResults) -> tuple[tuple[str, str], ...]:
    """Facts of the header."""
    settings = results.settings
    facts = [("Setting", settings.setting), ("Index event", settings.index_event)]
    if results.assay is not None:
        facts.append(("Assay", results.assay.title))
    if settings.stratify:
        facts.append(("Stratified by", ", ".join(settings.stratify)))
    facts.append(("Software", f"ashworth {__version__}"))
    return tuple(facts)


def _summary(results: StudyResults) -> Section:
    """Key figures and the findings in words."""
    settings = results.settings
    blocks: list[Paragraph | KeyFigures] = []
    if settings.description:
        blocks.append(Paragraph(settings.description.strip()))
    blocks.append(KeyFigures(_key_figures(results)))
    first = results.groups.timepoints[0].name
    blocks += [
        Paragraph(_finding(results, r), lead=f"{r.endpoint.abbreviation}.")
        for r in results.results
        if r.survival.analysis.timepoint == first and r.models is not None
    ]
    if settings.source:
        blocks.append(Paragraph(settings.source.strip(), lead="Data."))
    return Section("Summary", "summary", tuple(blocks))


def _key_figures(results: StudyResults) -> tuple[KeyFigure, ...]:
    """Numbers at a glance."""
    groups, point = results.groups, results.groups.timepoints[0]
    members = groups.at(point.name)
    high = int(members["high"].sum())
    share = percent(high / members.height) if members.height else "–"
    items = [
        KeyFigure(
            "Patients", count(results.patients.height), f"{count(members.height)} assessable"
        ),
        KeyFigure(groups.high, f"{share}%", f"{count(high)} patients, {point.title.lower()}"),
    ]
    first = results.results[0]
    if first.survival.hazard_ratio is not None:
        r = first.survival.hazard_ratio
        words = ratio_limits(r["estimate"], r["lower"], r["upper"])
        limits = words.split(" ", 1)[1].strip("()") if "(" in words else ""
        level = f"{100 * results.settings.level:g}% CI {limits}"
        kind = stratified_words(results.settings) or "unadjusted"
        label = f"Hazard ratio, {first.endpoint.abbreviation}, {kind}"
        items.append(KeyFigure(label, ratio(r["estimate"]), level))
    followed = _follow_up(results)
    median = median_limits(*followed.survival.follow_up).split(" (")[0]
    unit = results.settings.time_unit
    detail = f"reverse Kaplan-Meier, {followed.endpoint.abbreviation}"
    items.append(KeyFigure("Median follow-up", f"{median} {unit}", detail))
    return tuple(items)


def _follow_up(results: StudyResults) -> EndpointResult:
    """Result whose censoring tells follow-up: survival if the study has it."""
    for result in results.results:
        endpoint = result.endpoint
        deaths = all(kind.startswith("death") for kind in endpoint.event_kinds)
        if deaths and not endpoint.competing:
            return result
    return results.results[0]


def _finding(results: StudyResults, result: EndpointResult) -> str:
    """One endpoint in a sentence or two."""
    survival, groups = result.survival, results.groups
    assert result.models is not None
    alone = _ratios(result.models.univariable, groups)
    test = f", log-rank {p_words(survival.test.p_value)}" if survival.test else ""
    kind = stratified_words(results.settings)
    head = f"Hazard ratio against {groups.labels[0]}{f' ({kind})' if kind else ''}"
    text = f"{head}: {alone}{test}."
    medians = {
        str(label): median_limits(*curve.quantile(0.5))
        for label, curve in survival.curves.groups.items()
    }
    present = [f"{medians[g]} ({g})" for g in reversed(groups.labels) if g in medians]
    text += f" Median in {results.settings.time_unit}: {', '.join(present)}."
    if results.codings:
        text += f" Adjusted: {_ratios(result.models.multivariable, groups)}."
    return text


def _ratios(rows: pl.DataFrame, groups: MarkerGroups) -> str:
    """Hazard ratios of the marker's groups, e.g. '2.36 (2.14-2.59, >= 5 CTC)'."""
    mine = rows.head(len(groups.labels)).filter(~pl.col("is_reference"))
    return ", ".join(
        f"{ratio_limits(r['estimate'], r['lower'], r['upper'])} for {r['label']}"
        for r in mine.iter_rows(named=True)
    )


def _methods(results: StudyResults, further: Sequence[FurtherAnalysis]) -> Section:
    """Methods and definitions."""
    items = [(e.abbreviation, endpoint_text(e)) for e in results.endpoints]
    if results.rule is not None:
        items.insert(0, (f"{results.rule.id}, version {results.rule.version}", results.rule.title))
    if results.assay is not None:
        assay = results.assay
        text = (
            f"{assay.title}. Capture: {assay.capture} Identification: {assay.identification} "
            f"Clusters: {assay.clusters.note} Apoptotic cells: {assay.apoptotic.note}"
        )
        items.insert(1, (f"{assay.id}, version {assay.version}", text))
    texts = [*methods_paragraphs(results), *(f.result.methods for f in further if f.estimated)]
    paragraphs = tuple(Paragraph(p) for p in dict.fromkeys(t for t in texts if t))
    return Section("Methods", "methods", (*paragraphs, Definitions(tuple(items))))


def _notes(results: StudyResults, notices: Sequence[str]) -> Section | None:
    """What was assumed and what is left out."""
    lines = [*notices, *results.notes]
    if not lines:
        return None
    return Section("Notes on the data", "notes", tuple(Paragraph(line) for line in lines))


def _references(results: StudyResults) -> Section | None:
    """Documents that the definitions in use rest on."""
    used = [d for d in (results.assay, results.rule, results.dynamics_rule) if d is not None]
    keys = sorted({k for d in (*used, *results.endpoints) for k in d.cited()})
    known = references()
    items = tuple(_reference(known[k]) for k in keys)
    return Section("References", "references", (References(items),)) if items else None


def _reference(entry: Source) -> Reference:
    """One entry of the reference list."""
    title = f" {entry.title.rstrip('.')}." if entry.title else ""
    year = f", {entry.year}" if entry.year else ""
    text = f"{entry.authors.rstrip('.')}.{title} {entry.journal}{year}."
    return Reference(text, entry.doi or "")
