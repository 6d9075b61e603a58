"""Live comparison with R's rpact where it is installed: one call for all settings."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from ashworth.trials import (
    TrialCourse,
    course_events,
    hazard_of_survival,
    log_rank_accrual,
    log_rank_follow_up,
    log_rank_size,
)

pytestmark = pytest.mark.r

PROGRAM = """
if (!requireNamespace('rpact', quietly = TRUE)) { cat('absent'); quit(save = 'no') }
suppressMessages(library(rpact))
show <- function(x) cat(sprintf('%.17g', x), '\\n')
for (m in c('Schoenfeld', 'Freedman', 'HsiehFreedman')) for (r in c(0.5, 1, 2)) {
  d <- getSampleSizeSurvival(alpha = 0.05, sided = 2, beta = 0.15, hazardRatio = 0.7,
    piecewiseSurvivalTime = c(0, 6), lambda2 = c(0.06, 0.04), accrualTime = c(0, 5, 24),
    accrualIntensity = c(0.3, 0.7), accrualIntensityType = 'relative', followUpTime = 12,
    dropoutRate1 = 0.03, dropoutRate2 = 0.06, dropoutTime = 12, allocationRatioPlanned = r,
    typeOfComputation = m)
  show(c(d$eventsFixed, d$nFixed))
}
for (h in c(0.9, 1, 1.1)) {
  d <- getSampleSizeSurvival(alpha = 0.05, beta = 0.2, thetaH0 = 1.25, hazardRatio = h,
    lambda2 = log(2) / 13.9, accrualTime = c(0, 54), followUpTime = 24)
  show(c(d$eventsFixed, d$nFixed))
}
d <- getSampleSizeSurvival(hazardRatio = 0.75, beta = 0.1, lambda2 = log(2) / 12, accrualTime = 0,
  accrualIntensity = 30, followUpTime = 18)
show(c(d$nFixed, d$accrualTime))
d <- getSampleSizeSurvival(hazardRatio = 0.75, beta = 0.1, lambda2 = log(2) / 12,
  accrualTime = c(0, 24), maxNumberOfSubjects = 700)
show(c(d$nFixed, d$followUpTime))
p <- getEventProbabilities(time = c(9, 20, 40), accrualTime = c(0, 24), accrualIntensity = 800 / 24,
  piecewiseSurvivalTime = c(0, 6), lambda2 = c(0.06, 0.04), hazardRatio = 0.75,
  dropoutRate1 = 0.1, dropoutRate2 = 0.1, dropoutTime = 12)
for (x in p$overallEventProbabilities) show(c(x, 0))
"""


@pytest.fixture(scope="module")
def rpact():
    """Pairs of numbers, one per setting."""
    program = shutil.which("Rscript")
    assert program is not None
    code = f"options(warn = -1); {PROGRAM}"
    done = subprocess.run([program, "-e", code], capture_output=True, text=True, check=True)
    if "absent" in done.stdout:
        pytest.skip("rpact is not installed")
    lines = [line for line in done.stdout.splitlines() if line[:1].isdigit()]
    return [tuple(map(float, line.split())) for line in lines]


def test_sizes_and_events_equal_rpact(rpact):
    ours = []
    for method in ("schoenfeld", "freedman", "hsieh_freedman"):
        for ratio in (0.5, 1.0, 2.0):
            course = TrialCourse(
                hazard_ratio=0.7, control_hazard=(0.06, 0.04), hazard_breaks=(6.0,),
                accrual_duration=24.0, accrual_rates=(0.3, 0.7), accrual_breaks=(5.0,),
                follow_up=12.0, ratio=ratio, dropout_hazard=hazard_of_survival(0.94, 12.0),
                dropout_hazard_experimental=hazard_of_survival(0.97, 12.0),
            )  # fmt: skip
            ours.append(log_rank_size(course, alpha=0.05, sided=2, power=0.85, method=method))
    for ratio in (0.9, 1.0, 1.1):
        course = TrialCourse(control_median=13.9, hazard_ratio=ratio, accrual_duration=54.0,
                             follow_up=24.0)  # fmt: skip
        ours.append(log_rank_size(course, alpha=0.05, power=0.8, null_hazard_ratio=1.25,
                                  method="schoenfeld"))  # fmt: skip
    assert len(rpact) == len(ours) + 5
    for size, (events, patients) in zip(ours, rpact, strict=False):
        assert size.events == pytest.approx(events, rel=1e-9)
        assert size.patients == pytest.approx(patients, rel=1e-7)
    course = TrialCourse(
        hazard_ratio=0.75, control_hazard=(0.06, 0.04), hazard_breaks=(6.0,),
        accrual_duration=24.0, follow_up=16.0, dropout_hazard=hazard_of_survival(0.9, 12.0),
    )  # fmt: skip
    for time, (probability, _) in zip((9.0, 20.0, 40.0), rpact[-3:], strict=True):
        per_planned_patient = course_events(course, 1.0, time).events[0]
        assert per_planned_patient == pytest.approx(probability, rel=1e-6)  # integrates


def test_durations_equal_rpact(rpact):
    """rpact searches the duration to about 1e-6."""
    course = TrialCourse(control_median=12.0, hazard_ratio=0.75, accrual_duration=24.0,
                         follow_up=18.0)  # fmt: skip
    size = log_rank_accrual(course, 30.0, method="schoenfeld")
    ours = (size.patients, size.course.accrual_duration)
    assert ours == pytest.approx(rpact[-5], rel=1e-6)
    size = log_rank_follow_up(course, 700, method="schoenfeld")
    assert (size.patients, size.course.follow_up) == pytest.approx(rpact[-4], rel=1e-6)
