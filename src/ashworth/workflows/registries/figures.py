"""Figures of a landscape: map, phase by specimen, years, and one like the review's figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import polars as pl

from ashworth.figures import Figure, count_bars_figure, world_map_figure
from ashworth.registries.landscape import OPEN_OR_PLANNED, Landscape, LandscapeTrial
from ashworth.registries.normalisation.countries import country_names

_PHASES = {"EARLY_PHASE1": "early I", "PHASE1": "I", "PHASE2": "II", "PHASE3": "III",
           "PHASE4": "IV"}  # fmt: skip
_MOST_COUNTRIES = 8


def landscape_figures(made: Landscape) -> list[Figure]:
    """Draw what a landscape shows; nothing where no trial is in focus."""
    trials = made.focus()
    if not trials:
        return []
    note = (
        f"{len(trials)} breast trials whose registrations name cells outside summaries, on "
        f"{made.as_of}; rules version {made.rules_version}"
    )
    return [
        overview_figure(trials, made, note),
        world_map_figure(trials_by_country(trials), name="map", title="Trials by lead country",
                         note=note),
        count_bars_figure(_by_phase(trials), name="phases", title="Phase by cell", note=note),
        count_bars_figure(_by_year(trials), name="years", title="Trials by year of start",
                          note=note),
    ]  # fmt: skip


def overview_figure(trials: Sequence[LandscapeTrial], made: Landscape, note: str) -> Figure:
    """One picture like the source review's: cells, countries and phases of open and planned."""
    chosen = [t for t in trials if t.status in OPEN_OR_PLANNED]
    rows = [_row("Cells", label, n) for label, n in Counter(t.specimen for t in chosen).items()]
    names = country_names()
    countries = Counter(t.values.lead_country or "not told" for t in chosen).most_common()
    rows += [_row("Country", names.get(c, c), n) for c, n in countries[:_MOST_COUNTRIES]]
    rest = sum(n for _, n in countries[_MOST_COUNTRIES:])
    rows += [_row("Country", "other", rest)] if rest else []
    rows += [_row("Phase", label, n) for label, n in
             sorted(Counter(_phase(t) for t in chosen).items())]  # fmt: skip
    if not rows:
        rows = [_row("Cells", "none open or planned", 0)]
    return count_bars_figure(
        pl.DataFrame(rows), name="overview", note=note,
        title=f"Open and planned trials on {made.as_of}",
    )  # fmt: skip


def _row(panel: str, label: str, n: int, kind: str = "trials") -> dict[str, object]:
    return {"panel": panel, "label": label, "kind": kind, "n": n}


def _phase(trial: LandscapeTrial) -> str:
    if trial.values.highest_phase:
        return _PHASES[trial.values.highest_phase]
    return "not applicable" if "NA" in trial.values.phases else "not told"


def trials_by_country(trials: Sequence[LandscapeTrial]) -> pl.DataFrame:
    """Count trials by their lead country: code, label, n."""
    names = country_names()
    counts = Counter(t.values.lead_country for t in trials if t.values.lead_country)
    rows = [{"code": c, "label": names.get(c, c), "n": n} for c, n in counts.most_common()]
    schema = {"code": pl.String, "label": pl.String, "n": pl.Int64}
    return pl.DataFrame(rows, schema=schema)


def _by_phase(trials: Sequence[LandscapeTrial]) -> pl.DataFrame:
    counts = Counter((_phase(t), t.specimen) for t in trials)
    order = [*_PHASES.values(), "not applicable", "not told"]
    rows = [
        _row("Phase", phase, n, specimen)
        for (phase, specimen), n in sorted(counts.items(), key=lambda i: order.index(i[0][0]))
    ]
    return pl.DataFrame(rows)


def _by_year(trials: Sequence[LandscapeTrial]) -> pl.DataFrame:
    counts = Counter(
        (str(t.values.start.first_day.year) if t.values.start else "not told", t.specimen)
        for t in trials
    )
    return pl.DataFrame(
        [_row("Start", year, n, kind) for (year, kind), n in sorted(counts.items())]
    )
