"""The review's figures, each from records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from ashworth.enumeration import disagreement_probability, proportion_interval
from ashworth.errors import DefinitionError
from ashworth.evidence import NotPoolableError, find, pool_effects
from ashworth.figures import (
    positivity_figure,
    power_curve_figure,
    protocol_flow_figure,
    timeline_figure,
    world_map_figure,
)
from ashworth.reports.living import Line, Picture, Source, Words
from ashworth.trials.protocols.diagram import flow_diagram
from ashworth.trials.protocols.executable import load_protocol
from ashworth.trials.simulation.dilution import diluted_strategy
from ashworth.workflows.evidence_forests import effects_forest
from ashworth.workflows.registries.figures import overview_figure, trials_by_country
from ashworth.workflows.review.record_book import RecordBook, slug
from ashworth.workflows.review.tables import LAST_YEAR

FLOWS = {"flow-s0500": "s0500", "flow-stic": "stic-ctc", "flow-detect": "detect-iii",
         "flow-treat": "treat-ctc"}  # fmt: skip
FORESTS = {
    "forest-early": ({"setting": "early", "marker": "ctc", "outcome": "os"},
                     "Overall survival, early disease, CTC"),
    "forest-metastatic": ({"setting": "metastatic", "marker": "ctc", "outcome": "os"},
                          "Overall survival, metastatic disease, CTC"),
    "forest-marrow": ({"setting": "early", "marker": "dtc", "outcome": ("os", "dfs", "bcss")},
                      "Survival by DTC, early disease"),
}  # fmt: skip
YIELDS = (
    ("swog-s0500", ("counted again", "randomised (arm C)"), "S0500: high again on day 21"),
    ("treat-ctc", ("screened", "CTC-positive"), "Treat CTC: any CTC"),
    ("treat-ctc", ("screened", "randomised"), "Treat CTC: randomised"),
    ("detect", ("screening: counted", "screening: at least 1 CTC"), "DETECT: any CTC"),
    ("detect", ("screening: HER2 of CTC assessed", "screening: at least one strong"),
     "DETECT: a CTC strong for HER2"),
    ("circe01", ("screened", "at least 5 CTC"), "CirCe01: at least 5 CTC"),
    ("circe-t-dm1", ("screened", "HER2-amplified CTC"), "CirCe T-DM1: amplified CTC"),
    ("pada-1", ("included", "randomised"), "PADA-1: randomised"),
    ("serena-6", ("tested", "randomised"), "SERENA-6: randomised"),
)  # fmt: skip


_TOLD = ("historical", "pooled_patient_data", "meta_analysis", "trial")
_MANY = 8


def picture(name: str, book: RecordBook) -> Picture:
    """Draw one figure by its name.

    Raises
    ------
    DefinitionError
        If there is no such figure.
    """
    if name in FLOWS:
        return _flow(name, FLOWS[name], book.folders)
    if name in FORESTS:
        return _forest(name, book)
    if name not in _OTHERS:
        known = ", ".join(sorted([*FLOWS, *FORESTS, *_OTHERS]))
        raise DefinitionError(f"review: no figure '{name}'; known: {known}")
    return _OTHERS[name](name, book)


def _source(name: str, *facts: tuple[str, str]) -> Source:
    return Source(slug(f"figure {name}"), "How this figure was made", facts)


def _words(text: str) -> Line:
    return (Words(text),)


def _flow(name: str, protocol: str, folders: tuple[Path, ...]) -> Picture:
    trial = load_protocol(protocol, folders=folders)
    drawn = flow_diagram(trial)
    figure = protocol_flow_figure(drawn.boxes, drawn.arrows, name=name, title=trial.protocol.title)
    source = _source(
        name, ("drawn from", f"protocol {protocol}, version {trial.document.version}"),
        ("sha-256 of the protocol", trial.document.digest),
        ("numbers", "patients that the trial's reports print for each step"),
        ("documents", "; ".join(trial.protocol.references)),
    )  # fmt: skip
    return Picture(figure, _words("Flow of the trial, with the patients that its reports name."),
                   source)  # fmt: skip


def _forest(name: str, book: RecordBook) -> Picture:
    wanted, title = FORESTS[name]
    measures = ("hazard_ratio", "mortality_ratio", "rate_ratio")
    effects = find(**wanted, measure=measures, catalogue=book.catalogue)  # type: ignore[arg-type]
    allowed: list[str] = []
    while True:
        try:
            found = pool_effects(effects, allow=allowed)  # type: ignore[arg-type]
            break
        except NotPoolableError as refusal:
            more = [o.guard for o in refusal.obstacles if o.guard not in allowed]
            if not more:
                raise
            allowed += more
    if allowed and found.pooled is not None:
        # what a guard forbids is displayed, never pooled
        reason = "a guard forbids it: " + ", ".join(allowed)
        found = replace(found, pooled=None, reason=reason)
    favours = ("lower risk with cells", "higher risk with cells")
    figure = effects_forest(found, name=name, title=title, favours=favours,
                            estimate_title="Ratio of hazards or rates")  # fmt: skip
    source = _source(
        name, ("studies", ", ".join(sorted({f.study.id for f in effects.found}))),
        ("not pooled because of", ", ".join(allowed) or "nothing"), ("answer", found.sentence()),
        ("estimates", "as their documents print them"),
    )  # fmt: skip
    return Picture(figure, _words("Printed estimates with their limits."), source)


def _yields(name: str, book: RecordBook) -> Picture:
    rows = []
    for study_id, (above, below), words in YIELDS:
        study = book.studies.get(study_id)
        if study is None:
            continue
        steps = {s.step: s.n for s in study.funnel}
        n, hits = steps[above], steps[below]
        limits = proportion_interval(hits, n)
        rows.append({"timepoint": words, "n_positive": hits, "n": n, "proportion": hits / n,
                     "lower": float(limits.lower), "upper": float(limits.upper)})  # fmt: skip
    figure = positivity_figure(
        pl.DataFrame(rows), name=name, title="What screening yields", row_title="Trial and step",
        x_title="Share (%)", count_title="Of screened", note="Exact limits (Clopper-Pearson)",
    )  # fmt: skip
    source = _source(name, ("from", "the funnels of the studies' records"),
                     ("limits", "Clopper-Pearson, 95 %"))  # fmt: skip
    return Picture(figure, _words("Share of patients who pass a step of screening."), source)


def _cut_off(name: str, book: RecordBook) -> Picture:
    means = np.linspace(0.1, 12, 60)
    rows = []
    for cut in (1, 5):
        p = disagreement_probability(cut, 7.5, concentration=means / 7.5)
        label = f"cut-off {cut}"
        rows += [{"x": float(m), "series": label, "power": None, "mcse": None, "expected": float(v)}
                 for m, v in zip(means, p, strict=True)]  # fmt: skip
    schema = {"power": pl.Float64, "mcse": pl.Float64}
    figure = power_curve_figure(
        pl.DataFrame(rows, schema_overrides=schema), name=name, simulated=False,
        title="Two tubes of the same blood on different sides of the cut-off",
        x_title="True mean number of cells per tube", note="Poisson counts; computed, not observed",
    )  # fmt: skip
    source = _source(name, ("method", "Poisson counts, two tubes, full recovery"),
                     ("computed", "disagreement probability at each true mean"))  # fmt: skip
    return Picture(figure, _words("What a count near the cut-off means."), source)


def _dilution(name: str, book: RecordBook) -> Picture:
    trial = load_protocol("stic-ctc", folders=book.folders)
    found = diluted_strategy(trial)
    if found is None:
        raise DefinitionError("review: stic-ctc has no assumptions to compute dilution from")
    rows = [{"x": r.discordant_hazard_ratio, "series": "declared", "power": None, "mcse": None,
             "expected": r.declared} for r in found.rows]  # fmt: skip
    schema = {"power": pl.Float64, "mcse": pl.Float64}
    figure = power_curve_figure(
        pl.DataFrame(rows, schema_overrides=schema), name=name, simulated=False,
        title="Non-inferiority declared, by the harm to discordant patients",
        x_title="Hazard ratio in every discordant patient",
        note="Computed from illustrative hazards; shares of the cells as published",
    )  # fmt: skip
    source = _source(name, ("method", found.method), ("protocol", found.protocol),
                     ("assumptions", found.illustrative or "of the protocol"))  # fmt: skip
    return Picture(figure, _words("How often the trial's primary analysis would succeed."), source)


def _timeline(name: str, book: RecordBook) -> Picture:
    """Studies that the source review cites, by year; what came later has a colour of its own."""
    rows = []
    for study in book.studies.values():
        later = not study.review_references
        kind = {"blood": "blood", "plasma": "blood", "bone_marrow": "bone marrow"}.get(
            study.specimen, "other"
        )
        told = study.study_kind in _TOLD or len(study.statistics) >= _MANY
        if told and (study.review_references or study.year > LAST_YEAR):
            rows.append(
                {
                    "year": study.year,
                    "label": study.title,
                    "kind": "since the review" if later and study.year > LAST_YEAR else kind,
                }
            )
    figure = timeline_figure(
        pl.DataFrame(rows), name=name, title="A timeline of the field",
        note="Year of the publication that the record rests on",
    )  # fmt: skip
    source = _source(name, ("from", "the years of the studies' records"))
    return Picture(figure, _words("From the first sight of a tumour cell in blood on."), source)


def _landscape(name: str, book: RecordBook) -> Picture:
    found = book.landscape
    trials = found.focus()
    note = f"{len(trials)} trials in {found.n_registrations} registry records, on {found.as_of}"
    if name == "map":
        figure = world_map_figure(trials_by_country(trials), name=name, note=note,
                                  title="Trials of tumour cells by lead country")  # fmt: skip
    else:
        figure = overview_figure(trials, found, note)
    source = _source(name, ("registry records", f"{found.n_registrations}, as of {found.as_of}"),
                     ("rules", f"version {found.rules_version}"),
                     ("trials", ", ".join(t.trial.trial_id for t in trials)))  # fmt: skip
    return Picture(figure, _words("From registry records, with their date."), source)


_OTHERS: dict[str, Callable[[str, RecordBook], Picture]] = {
    "yields": _yields,
    "cut-off": _cut_off,
    "dilution": _dilution,
    "timeline": _timeline,
    "overview": _landscape,
    "map": _landscape,
}
