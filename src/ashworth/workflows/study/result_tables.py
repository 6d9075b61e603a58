"""Every table that a run writes, by file name, sorted by key."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl
import polars.selectors as cs

from ashworth.workflows.study.analyse import EndpointResult, StudyResults
from ashworth.workflows.study.analyses.result import FurtherAnalysis


def result_tables(
    results: StudyResults, further: Sequence[FurtherAnalysis] = ()
) -> dict[str, pl.DataFrame]:
    """Collect the result tables of a study.

    Parameters
    ----------
    results : StudyResults
        What `analyse` computed.
    further : sequence of FurtherAnalysis
        What the study file asked for beyond it; their tables are named by anchor.

    Returns
    -------
    dict of str to polars.DataFrame
        events, table_one, cohort_flow, curves, estimates, tests, exclusions, cox_univariable,
        cox_multivariable, subgroups; for counted markers also statuses, positivity,
        distribution, repeatability, dynamics, dynamics_curves, dynamics_estimates. What cannot be
        estimated is null.
    """
    tables = {
        "events": results.events,
        "table_one": results.table_one,
        "cohort_flow": results.flow,
        "curves": _stack(results, _curves),
        "estimates": _stack(results, lambda r: r.survival.estimates),
        "tests": _tests(results),
        "exclusions": _stack(results, _exclusions),
        "cox_univariable": _stack(results, _univariable),
        "cox_multivariable": _stack(results, _multivariable),
        "subgroups": _stack(results, _subgroups),
        **_marker_tables(results),
        **{
            f"{f.anchor.replace('-', '_')}_{name}": frame
            for f in further
            for name, frame in f.result.tables.items()
        },
    }
    return {
        name: frame.with_columns(cs.float().fill_nan(None))
        for name, frame in tables.items()
        if frame.width
    }


def _stack(
    results: StudyResults, part: Callable[[EndpointResult], pl.DataFrame | None]
) -> pl.DataFrame:
    """Stack one part of every endpoint's result."""
    frames = [f for f in map(part, results.results) if f is not None and f.width]
    return pl.concat(frames, how="diagonal") if frames else pl.DataFrame()


def _labelled(result: EndpointResult, frame: pl.DataFrame | None) -> pl.DataFrame | None:
    """Put endpoint and time point in front."""
    if frame is None:
        return None
    analysis = result.survival.analysis
    head = [
        pl.lit(analysis.endpoint).alias("endpoint"),
        pl.lit(analysis.timepoint).alias("timepoint"),
    ]
    return frame.select(*head, pl.all())


def _curves(result: EndpointResult) -> pl.DataFrame | None:
    """Curve of one endpoint."""
    return _labelled(result, result.survival.curves.table())


def _exclusions(result: EndpointResult) -> pl.DataFrame | None:
    """Who has a status but is not in the analysis of one endpoint, by reason."""
    return _labelled(result, result.survival.analysis.exclusions)


def _univariable(result: EndpointResult) -> pl.DataFrame | None:
    """Univariable models of one endpoint."""
    return _labelled(result, result.models.univariable if result.models else None)


def _multivariable(result: EndpointResult) -> pl.DataFrame | None:
    """Multivariable model of one endpoint."""
    return _labelled(result, result.models.multivariable if result.models else None)


def _subgroups(result: EndpointResult) -> pl.DataFrame | None:
    """Subgroups of one endpoint."""
    return _labelled(result, result.subgroups)


def _tests(results: StudyResults) -> pl.DataFrame:
    """Log-rank tests, hazard ratios and follow-up."""
    rows = []
    for r in results.results:
        ratio, test = r.survival.hazard_ratio or {}, r.survival.test
        median, lower, upper = r.survival.follow_up
        rows.append(
            {
                "endpoint": r.endpoint.id,
                "timepoint": r.survival.analysis.timepoint,
                "n": r.survival.analysis.n,
                "events": r.survival.analysis.n_events,
                "competing": r.survival.analysis.n_competing,
                "log_rank_chi_square": None if test is None else test.statistic,
                "log_rank_df": None if test is None else test.df,
                "log_rank_p": None if test is None else test.p_value,
                "hazard_ratio": ratio.get("estimate"),
                "hazard_ratio_lower": ratio.get("lower"),
                "hazard_ratio_upper": ratio.get("upper"),
                "wald_p": ratio.get("p_value"),
                "median_follow_up": median,
                "median_follow_up_lower": lower,
                "median_follow_up_upper": upper,
                "problem": r.survival.problem,
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None)


def _marker_tables(results: StudyResults) -> dict[str, pl.DataFrame]:
    """Tables of a counted marker."""
    marker = results.marker
    if marker is None:
        return {}
    tables = {
        "statuses": marker.statuses,
        "positivity": marker.positivity,
        "distribution": marker.distribution,
        "repeatability": marker.repeatability,
    }
    if marker.dynamics is not None:
        tables["dynamics"] = marker.dynamics
    if results.by_dynamics:
        tables["dynamics_estimates"] = pl.concat([s.estimates for s in results.by_dynamics])
        tables["dynamics_curves"] = pl.concat(
            [
                s.curves.table().select(pl.lit(s.analysis.endpoint).alias("endpoint"), pl.all())
                for s in results.by_dynamics
            ]
        )
    return tables
