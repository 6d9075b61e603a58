"""Run what a study file asks for beyond the analysis by status."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from ashworth.errors import EstimationError
from ashworth.reports import Callout
from ashworth.workflows.study.analyses.context import Context
from ashworth.workflows.study.analyses.result import AnalysisResult, FurtherAnalysis
from ashworth.workflows.study.analysis_settings import Request

Progress = Callable[[str, int, int], None]


def run_analyses(
    context: Context, *, progress: Progress | None = None
) -> tuple[FurtherAnalysis, ...]:
    """Run the requested analyses in the order of the study file.

    Parameters
    ----------
    context : Context
        The study.
    progress : callable, optional
        Called with (label, done, total).
    """
    tell = progress or (lambda *_: None)
    requests = context.settings.analyses
    done: list[FurtherAnalysis] = []
    for place, request in enumerate(requests):
        tell(request.kind.replace("_", " "), place, len(requests))
        before = sum(f.kind == request.kind for f in done)
        anchor = request.kind.replace("_", "-") + (f"-{before + 1}" if before else "")
        result = _run(context, request, anchor)
        title = request.title or result.title
        done.append(FurtherAnalysis(request.kind, anchor, title, result))
    return tuple(done)


def _run(context: Context, request: Request, anchor: str) -> AnalysisResult:
    """One analysis; what cannot be estimated becomes a remark."""
    kind: str = request.kind  # pyrefly: ignore[missing-attribute]
    module = importlib.import_module(f"ashworth.workflows.study.analyses.{kind}")
    try:
        return module.run(context, request, anchor)
    except EstimationError as error:
        title = kind.replace("_", " ").capitalize()
        return AnalysisResult(title, (Callout("caution", f"Not estimated: {error}."),))
