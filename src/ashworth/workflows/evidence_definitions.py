"""Write out the studies of the evidence base, for `definitions show` and the reference page."""

from __future__ import annotations

from collections.abc import Iterator

from ashworth.definitions.evidence_models import Group, Statistic, Study
from ashworth.definitions.loader import load_all

Row = tuple[str, str, str]


def study_rows(study: Study) -> Iterator[Row]:
    """Yield item, value and source of everything a study says."""
    yield "kind", study.study_kind.replace("_", " "), ""
    yield "setting", study.setting, ""
    yield "specimen", study.specimen.replace("_", " "), ""
    for name in ("population", "assay", "timepoints", "countries", "phase"):
        if text := getattr(study, name):
            yield name, text, ""
    if study.cutoff:
        yield "cut-off", study.cutoff.text, ""
    if study.volume_ml:
        yield "volume", f"{study.volume_ml:g} ml", ""
    yield "cohort", ", with patients of ".join((study.cohort, *study.contains)), ""
    for name, text in study.sample_size.items():
        yield f"planning: {name}", text, ""
    for step in study.funnel:
        yield f"patients: {step.step}", str(step.n), _source(step.document, step.origin)
    for statistic in study.statistics:
        yield statistic.id, said(statistic), _source(statistic.document, statistic.origin)
    for conflict in study.conflicts:
        for saying in conflict.sayings:
            item = f"conflict: {conflict.about}"
            yield item, saying.says, _source(saying.document, saying.origin)


def studies_section() -> Iterator[str]:
    """Yield the lines of the chapter on studies: one table."""
    yield "## Studies\n"
    yield (
        "Every printed number stands in `definitions/data/study/<id>.yaml` with its document and "
        "its origin; [the evidence base](evidence-base.md) says how to ask for it. *Contains*: "
        "cohorts whose patients are (partly) among its own.\n"
    )
    names = ("id", "title", "setting", "specimen", "cohort", "contains", "review reference",
             "statistics", "unverified", "conflicts")  # fmt: skip
    yield _line(names)
    yield "|" + "---|" * len(names)
    for study in load_all("study"):
        if isinstance(study, Study):
            yield _line(_cells(study))


def said(statistic: Statistic) -> str:
    """Write one statistic in one line: estimate, limits with level, groups, p, counts."""
    parts = [_estimate(statistic), *(_group(g, statistic.unit) for g in statistic.groups)]
    if statistic.p:
        relation = "" if statistic.p.relation == "=" else f"{statistic.p.relation} "
        parts.append(f"p {relation or '= '}{statistic.p.value:g}")
    tail = "; ".join(part for part in (*parts, statistic.note) if part)
    return f"{statistic.label}: {tail}" if tail else statistic.label


def _estimate(s: Statistic) -> str:
    unit = f" {s.unit}" if s.unit else ""
    text = f"{s.value:g}{unit}" if s.value is not None else ""
    if s.lower is not None and s.upper is not None and s.level is not None:
        text += f" ({s.level:.0%} {s.lower:g} to {s.upper:g})"
    counts = _counts(s.events, s.n)
    return " ".join(part for part in (text, f"[{counts}]" if counts else "") if part)


def _group(g: Group, unit: str) -> str:
    counts = _counts(g.events, g.n)
    if g.person_years is not None:
        counts = f"{counts or '?'} in {g.person_years:g} person-years"
    value = f"{g.value:g}{' ' + unit if unit else ''}" if g.value is not None else ""
    limits = f"({g.lower:g} to {g.upper:g})" if g.lower is not None else ""
    text = " ".join(p for p in (value, limits, f"[{counts}]" if counts else "") if p)
    return f"{g.label} {text}".strip()


def _counts(events: int | None, n: int | None) -> str:
    if events is not None and n is not None:
        return f"{events} of {n}"
    return f"{events}" if events is not None else f"n {n}" if n is not None else ""


def _source(document: str, origin: str) -> str:
    tails = {"unverified": ", UNVERIFIED", "derived": ", derived here"}
    return document + tails.get(origin, "")


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _cells(s: Study) -> tuple[str, ...]:
    unverified = sum(x.origin == "unverified" for x in s.statistics)
    return (
        f"`{s.id}`", s.title, s.setting, s.specimen.replace("_", " "), f"`{s.cohort}`",
        ", ".join(f"`{c}`" for c in s.contains), ", ".join(map(str, s.review_references)),
        str(len(s.statistics)), str(unverified), str(len(s.conflicts)),
    )  # fmt: skip
