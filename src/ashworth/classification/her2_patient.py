"""What a rule says about HER2 on one patient's tumour cells, and what false cells would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ashworth.classification.her2_chance import (
    chance_if_negative,
    exact_limits,
    false_cells_removed,
    h_score,
    reached,
)
from ashworth.classification.her2_score import NOTICE, REASONS, Her2Scores
from ashworth.definitions.her2_models import Her2Calibration, Her2Rule
from ashworth.definitions.loader import load
from ashworth.errors import InputError, Problem
from ashworth.version import __version__

Status = Literal["positive", "negative", "not_assessable"]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Her2Verdict:
    """One patient, one rule.

    Attributes
    ----------
    rule, calibration : str
        id@version of both; the calibration is ``"none"`` for values entered by hand.
    status : {"positive", "negative", "not_assessable"}
        What the rule says of the cells as they were called.
    reason : str or None
        Why the patient is not assessable.
    n_events, n_evaluable : int
        Events that the rule counts, and those of them with a score (or a value).
    n_strong : int or None
        Cells 'HER2 by immunofluorescence 3+'; None for values entered by hand.
    n_positive : int
        Cells that the rule calls positive.
    share, share_lower, share_upper : float or None
        Their share of the evaluable cells with exact (Clopper-Pearson) 95 % limits.
    h_score : float or None
        0 to 300.
    expected_false_strong : float or None
        Evaluable cells times the calibration's false-strong rate: how many strong cells to
        expect if every cell were HER2 negative.
    expected_false_strong_by_cells : float or None
        Sum of 1 - P(3+) over the cells called strong: how many of them to expect not to be 3+,
        with every class equally likely before; None without probabilities.
    false_positive_rate : float or None
        Stated rate per HER2-negative cell that the removal uses.
    chance_if_negative : float or None
        Probability that a patient with as many cells, all HER2 negative, is called positive.
    n_removed : int or None
        Positive cells removed for the robust status: what a HER2-negative patient with as many
        cells exceeds with a probability of at most 5 %. They count as score 0 and stay in the
        denominator.
    robust_status : str or None
        What the rule says without them; None where no rate is known.
    """

    rule: str
    calibration: str
    status: Status
    reason: str | None
    n_events: int
    n_evaluable: int
    n_strong: int | None
    n_positive: int
    share: float | None
    share_lower: float | None
    share_upper: float | None
    h_score: float | None
    expected_false_strong: float | None
    expected_false_strong_by_cells: float | None
    false_positive_rate: float | None
    chance_if_negative: float | None
    n_removed: int | None
    robust_status: Status | None
    positive_means: str
    criterion: str
    events: str
    method: str
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """Give the verdict as one row."""
        whole = {"n_events", "n_evaluable", "n_strong", "n_positive", "n_removed"}
        row = asdict(self)
        schema = {
            name: pl.Int64 if name in whole else pl.String if name in _TEXTS else pl.Float64
            for name in row
        }
        return pl.DataFrame([row], schema=schema)

    def text(self) -> str:
        """Say the verdict with everything that qualifies it."""
        lines = [
            f"{self.rule} (calibration {self.calibration}): {_words(self.status)}"
            + (f", {self.reason}" if self.reason else ""),
            f"  positive cell: {self.positive_means}; patient: {self.criterion}",
            f"  evaluable {self.events}: {self.n_evaluable} of {self.n_events}",
            *self._found(),
            *self._false(),
            f"  {NOTICE}",
        ]
        return "\n".join(lines)

    def _found(self) -> list[str]:
        lines = []
        if self.n_strong is not None:
            lines.append(f"  HER2 by immunofluorescence 3+: {self.n_strong} cells")
        if self.share is not None and self.share_lower is not None and self.share_upper is not None:
            limits = f"{100 * self.share_lower:.3g} to {100 * self.share_upper:.3g} %"
            share = f"{100 * self.share:.3g} % (exact 95 % limits {limits})"
            lines.append(f"  positive cells: {self.n_positive}, {share}")
        if self.h_score is not None:
            lines.append(f"  H-score by immunofluorescence: {self.h_score:.4g}")
        return lines

    def _false(self) -> list[str]:
        if self.expected_false_strong is None:
            return ["  expected false-strong cells: no rate is known for these cells"]
        by_cells = self.expected_false_strong_by_cells
        lines = [
            f"  expected false-strong cells if all were HER2 negative: "
            f"{self.expected_false_strong:.3g}"
            + (f"; by the cells' own probabilities {by_cells:.3g}" if by_cells is not None else "")
        ]
        if self.chance_if_negative is not None:
            chance = f"{100 * self.chance_if_negative:.3g} %"
            lines.append(f"  chance that as many HER2-negative cells are called positive: {chance}")
        if self.robust_status is not None:
            cells = f"{self.n_removed} false positive cell{'s' * (self.n_removed != 1)}"
            lines.append(f"  with {cells} removed: {_words(self.robust_status)}")
        return lines


_TEXTS = {
    "rule", "calibration", "status", "reason", "robust_status", "positive_means", "criterion",
    "events", "method", "version",
}  # fmt: skip


def her2_verdict(scores: Her2Scores | Sequence[Her2Scores], rule: Her2Rule | str) -> Her2Verdict:
    """Apply a rule to the scored cells of one patient and time point.

    Parameters
    ----------
    scores : Her2Scores or sequence of Her2Scores
        One cartridge, or the tubes of one time point; all by the same calibration. Control cells
        never count.
    rule : Her2Rule or str
        A rule that reads the score, or the id of one that ships.

    Returns
    -------
    Her2Verdict
        Not assessable where fewer cells are evaluable than the rule needs: without a HER2
        channel no patient is negative.

    Raises
    ------
    InputError
        For no cartridge, several calibrations, or a rule that reads values entered by hand.

    Examples
    --------
    >>> from ashworth.classification import score_her2, simulated_cells
    >>> cells = simulated_cells(np.random.default_rng(3), cells_per_class=(7, 0, 0, 1))
    >>> verdict = her2_verdict(score_her2(cells), "ctc-her2-any-strong")
    >>> verdict.status, verdict.n_evaluable, verdict.robust_status
    ('positive', 8, 'positive')
    """
    chosen = load("her2_rule", rule) if isinstance(rule, str) else rule
    cartridges = [scores] if isinstance(scores, Her2Scores) else list(scores)
    _check(cartridges, chosen)
    cells = pl.concat([s.cells for s in cartridges]).filter(
        pl.col("control").is_null() & pl.col("call").is_in(chosen.events)
    )
    known = cells.filter("her2_evaluable")
    strong = known.filter(pl.col("her2_score") == 3)
    missing = list(cells.filter(~pl.col("her2_evaluable"))["her2_reason"].unique().sort())
    return _verdict(
        chosen,
        cartridges[0].calibration,
        np.bincount(known["her2_score"].to_numpy(), minlength=4).astype(np.int64),
        n_events=cells.height,
        by_cells=float(np.sum(1.0 - strong["her2_p3"].to_numpy())),
        missing=missing,
    )


def her2_verdict_of_counts(
    counts: Mapping[int, int],
    rule: Her2Rule | str,
    calibration: Her2Calibration | str | None = None,
    *,
    n_not_evaluable: int = 0,
) -> Her2Verdict:
    """Apply a rule to numbers of cells per score, as a person or another program gives them.

    Parameters
    ----------
    counts : mapping of int to int
        Evaluable cells of the scores 0 to 3; a score left out has none.
    rule : Her2Rule or str
        A rule that reads the score.
    calibration : Her2Calibration or str, optional
        Whose false rates to use; without one nothing is said about false cells.
    n_not_evaluable : int
        Further cells without a score.

    Examples
    --------
    >>> counts = {0: 499, 3: 1}
    >>> her2_verdict_of_counts(counts, "ctc-her2-any-strong", "her2-simulated").robust_status
    'negative'
    """
    chosen = load("her2_rule", rule) if isinstance(rule, str) else rule
    used = load("her2_calibration", calibration) if isinstance(calibration, str) else calibration
    wrong = {k: v for k, v in counts.items() if k not in (0, 1, 2, 3) or v != int(v) or v < 0}
    if wrong or n_not_evaluable < 0 or chosen.reads != "score":
        found = f"counts {dict(counts)}, {n_not_evaluable} not evaluable, a rule of {chosen.reads}"
        allowed = "whole numbers of cells of the scores 0, 1, 2, 3, and a rule that reads the score"
        problem = Problem("counts", None, None, found, allowed, "correct the counts or the rule")
        raise InputError([problem], subject=f"the counts for {chosen.label}")
    tally = np.array([int(counts.get(k, 0)) for k in range(4)], np.int64)
    return _verdict(chosen, used, tally, n_events=int(tally.sum()) + n_not_evaluable)


def her2_verdict_of_values(values: Sequence[float | None], rule: Her2Rule | str) -> Her2Verdict:
    """Apply a rule to one value per cell, entered by hand (FISH ratio, CellSearch intensity).

    Parameters
    ----------
    values : sequence of float or None
        One per cell of the kind that the rule counts; None where the cell was not evaluable.
    rule : Her2Rule or str
        A rule that reads such values.

    Examples
    --------
    >>> her2_verdict_of_values([1.1, 2.1, None], "ctc-her2-fish-2-0").status
    'positive'
    >>> her2_verdict_of_values([1.1, 2.1, None], "ctc-her2-fish-2-2").status
    'negative'
    """
    chosen = load("her2_rule", rule) if isinstance(rule, str) else rule
    known = np.array([v for v in values if v is not None], float)
    if chosen.cell_at_least is None or not np.all(np.isfinite(known)) or np.any(known < 0):
        found = f"values {list(values)[:8]} for a rule that reads the {chosen.reads}"
        allowed = "numbers of at least 0 (or none) and a rule that reads values"
        problem = Problem("values", None, None, found, allowed, "correct the values or the rule")
        raise InputError([problem], subject=f"the values for {chosen.label}")
    tally = np.zeros(4, np.int64)
    tally[3] = np.sum(known >= chosen.cell_at_least)
    tally[0] = known.size - tally[3]
    return _verdict(chosen, None, tally, n_events=len(values))


def _verdict(
    rule: Her2Rule,
    calibration: Her2Calibration | None,
    counts: Counts,
    *,
    n_events: int,
    by_cells: float | None = None,
    missing: Sequence[str] = (),
) -> Her2Verdict:
    by_score, n = rule.reads == "score", int(counts.sum())
    positive = int(counts[rule.positive_scores[0] :].sum()) if by_score else int(counts[3])
    lower, upper = exact_limits(positive, n) if n else (None, None)
    false_3 = calibration.false_rate(3) if calibration else None
    rate = _removal_rate(rule, calibration) if by_score else None
    removed = None if rate is None else min(false_cells_removed(n, rate), positive)
    left = None if removed is None else _status(rule, _without(counts, removed))
    return Her2Verdict(
        rule=rule.label,
        calibration=calibration.label if calibration else "none",
        status=_status(rule, counts),
        reason=_reason(rule, n, missing),
        n_events=n_events,
        n_evaluable=n,
        n_strong=int(counts[3]) if by_score else None,
        n_positive=positive,
        share=positive / n if n else None,
        share_lower=lower,
        share_upper=upper,
        h_score=h_score(counts) if by_score and n else None,
        expected_false_strong=None if false_3 is None or not by_score else n * false_3,
        expected_false_strong_by_cells=by_cells,
        false_positive_rate=rate,
        chance_if_negative=_chance(rule, calibration, n) if by_score else None,
        n_removed=removed,
        robust_status=left,
        positive_means=rule.positive_text,
        criterion=rule.criterion.text,
        events="CTCs" if rule.events == ("ctc",) else f"events ({', '.join(rule.events)})",
        method="false positive cells removed up to the binomial 95 % point",
    )


def _status(rule: Her2Rule, counts: Counts) -> Status:
    n = int(counts.sum())
    if n < rule.minimum_evaluable:
        return "not_assessable"
    lowest = rule.positive_scores[0] if rule.reads == "score" else 3
    hit = reached(rule.criterion, int(counts[lowest:].sum()), n, counts)
    return "positive" if hit else "negative"


def _reason(rule: Her2Rule, n: int, missing: Sequence[str]) -> str | None:
    if n >= rule.minimum_evaluable:
        return None
    text = f"{n} evaluable, the rule needs {rule.minimum_evaluable}"
    return text + "".join(f"; {REASONS[m][0].lower()}{REASONS[m][1:-1]}" for m in missing)


def _removal_rate(rule: Her2Rule, calibration: Her2Calibration | None) -> float | None:
    """Stated rate of the lowest positive score for which there is one."""
    if calibration is None:
        return None
    rates = (calibration.false_rate(score) for score in rule.positive_scores)
    return next((rate for rate in rates if rate is not None), None)


def _chance(rule: Her2Rule, calibration: Her2Calibration | None, n: int) -> float | None:
    if calibration is None or n < rule.minimum_evaluable:
        return None
    rates = calibration.false_rate(2), calibration.false_rate(3)
    return chance_if_negative(rule.criterion, n, *rates, rule.positive_scores[0])


def _without(counts: Counts, removed: int) -> Counts:
    """Make score 0 of the highest cells: what harms a positive verdict most."""
    left = counts.copy()
    for score in (3, 2, 1):
        taken = min(removed, int(left[score]))
        left[score] -= taken
        left[0] += taken
        removed -= taken
    return left


def _words(status: str) -> str:
    return status.replace("_", " ")


def _check(cartridges: Sequence[Her2Scores], rule: Her2Rule) -> None:
    problems = []
    labels = sorted({s.calibration.label for s in cartridges})
    if len(labels) != 1:
        found = f"calibrations {', '.join(labels)}" if labels else "no cartridge"
        remedy = "score all cartridges of the patient by one calibration"
        problems.append(Problem("scores", None, None, found, "one calibration", remedy))
    if rule.reads != "score":
        found, allowed = f"a rule that reads the {rule.reads}", "a rule that reads the score"
        remedy = "use her2_verdict_of_values"
        problems.append(Problem("rule", None, "reads", found, allowed, remedy))
    if problems:
        raise InputError(problems, subject=f"the cells for {rule.label}")
