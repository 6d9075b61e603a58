"""HER2 definitions: run their worked cases, show them, list them on the reference page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ashworth.classification.her2_patient import (
    Her2Verdict,
    her2_verdict_of_counts,
    her2_verdict_of_values,
)
from ashworth.classification.her2_scale import scores_of
from ashworth.definitions.her2_models import Her2Calibration, Her2Rule, Her2RuleCase
from ashworth.definitions.loader import load_all

Triple = tuple[str, str, str]
_CLASSES = tuple(f"HER2 by immunofluorescence {name}" for name in ("0", "1+", "2+", "3+"))


def calibration_answers(calibration: Her2Calibration) -> Iterator[Triple]:
    """Yield name, expected and found score of each worked case."""
    for case in calibration.cases:
        given = case.given
        signal = given.her2 - calibration.bleed_coefficient * max(given.ck, 0.0)
        relative = (signal - given.leukocyte_location) / given.leukocyte_unit
        found = int(scores_of([relative], calibration)[0])
        yield case.name, f"score {case.expect.score}", f"score {found}"


def rule_answers(rule: Her2Rule, calibrations: Mapping[str, Her2Calibration]) -> Iterator[Triple]:
    """Yield name, expected and found verdict of each worked case."""
    for case in rule.cases:
        found = _verdict(rule, case, calibrations)
        want = case.expect
        words: list[str] = [found.status]
        expected: list[str] = [want.status]
        if want.robust is not None:
            expected.append(f"robust {want.robust}")
            words.append(f"robust {found.robust_status}")
        if want.n_evaluable is not None:
            expected.append(f"{want.n_evaluable} evaluable")
            words.append(f"{found.n_evaluable} evaluable")
        yield case.name, ", ".join(expected), ", ".join(words)


def _verdict(
    rule: Her2Rule, case: Her2RuleCase, calibrations: Mapping[str, Her2Calibration]
) -> Her2Verdict:
    if rule.reads != "score":
        return her2_verdict_of_values(case.given.values, rule)
    counts = dict.fromkeys(range(4), 0)
    missing = 0
    for cells in case.given.cells:
        if cells.call not in rule.events:
            continue
        if cells.score is None:
            missing += cells.n
        else:
            counts[cells.score] += cells.n
    calibration = calibrations.get(case.given.calibration, case.given.calibration)
    return her2_verdict_of_counts(counts, rule, calibration, n_not_evaluable=missing)


def calibration_rows(calibration: Her2Calibration) -> Iterator[Triple]:
    """Yield item, value and source of everything that a calibration says."""
    c = calibration
    yield "signal", c.signal, ""
    yield "unit", c.unit.replace("_", " "), ""
    yield "bleed-through", f"{c.bleed_coefficient:g} counts per count of cytokeratin", ""
    for row in c.classes:
        text = f"median {row.median:g}, spread {row.spread:g} (arsinh), {row.n_cells} cells"
        yield _CLASSES[row.score], text, row.source
    for name, cut in zip(_CLASSES[1:], c.thresholds, strict=True):
        yield f"{name} from", f"relative signal {cut:g}", ""
    for rate in c.false_rates:
        seen = f"{rate.n_called} of {rate.n_cells} negative control cells"
        basis = rate.basis.replace("_", " ")
        yield (
            f"false {_CLASSES[rate.at_least]} or higher",
            f"{rate.rate:g} per cell ({basis}; {seen})",
            "",
        )
    yield "at least", f"{c.minimum_leukocytes} leukocytes", ""
    yield "control cells", ", ".join(f"{k.name}: {k.score}" for k in c.controls), ""
    limit = f"factor 1/{c.maximum_rescale:g} to {c.maximum_rescale:g}"
    yield "rescaled by", f"{limit}, from {c.minimum_control_cells} control cells", ""
    yield "made from", c.provenance.text, "simulated" if c.provenance.simulated else "measured"


def rule_rows(rule: Her2Rule) -> Iterator[Triple]:
    """Yield item, value and source of everything that a rule says."""
    yield "reads", rule.reads.replace("_", " "), ""
    yield "events", ", ".join(rule.events), ""
    yield "positive cell", rule.positive_text, ""
    yield "positive patient", rule.criterion.text, ""
    yield "at least", f"{rule.minimum_evaluable} evaluable", ""
    if rule.differs_from:
        yield "differs from", ", ".join(rule.differs_from), ""


def calibrations_section() -> Iterator[str]:
    """Yield the lines of the reference page on calibrations."""
    yield "## HER2 calibrations\n"
    yield "Relative signal from which a cell has a score; see [HER2 on cells](her2.md).\n"
    cuts = " | ".join(f"{name} from" for name in _CLASSES[1:])
    yield f"| id | unit | {cuts} | false-strong rate | made from |"
    yield "|---|---|---|---|---|---|---|"
    for c in load_all("her2_calibration"):
        if isinstance(c, Her2Calibration):
            cuts = " | ".join(f"{cut:g}" for cut in c.thresholds)
            made = "simulated control cells" if c.provenance.simulated else "control cells"
            unit, rate = c.unit.replace("_", " "), c.false_rate(3) or np.nan
            yield f"| `{c.id}` | {unit} | {cuts} | {100 * rate:.3g} % per cell | {made} |"


def rules_section() -> Iterator[str]:
    """Yield the lines of the reference page on rules."""
    yield "## HER2 rules\n"
    yield "| id | cells | positive cell | positive patient | at least | references |"
    yield "|---|---|---|---|---|---|"
    for r in load_all("her2_rule"):
        if isinstance(r, Her2Rule):
            references = ", ".join(f"`{key}`" for key in r.references)
            yield (
                f"| `{r.id}` | {', '.join(r.events)} | {r.positive_text} | {r.criterion.text} "
                f"| {r.minimum_evaluable} evaluable | {references} |"
            )
