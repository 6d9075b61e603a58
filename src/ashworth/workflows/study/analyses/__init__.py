"""What `[[analyses]]` of a study file ask for: one module per kind.

A kind has three places:

- its settings: a model in `workflows/study/analysis_settings.py` (fields, defaults, limits);
- its work: a module here, named as the kind, with
  ``run(context: Context, request: <its model>, anchor: str) -> AnalysisResult``. It reads rows from
  the `Context` (`context.rows(...)`: patients at risk on their clock, aligned with covariates),
  calls public estimators, and returns report blocks and tables. `anchor` is a unique word of
  lower-case letters, digits and hyphens: figure names and ids of subsections begin with it;
- its documentation: a section of `docs/reference/analyses.md`, one row per field.

An `EstimationError` that leaves `run` becomes a remark in the report. Better: catch it for each
endpoint, so that the others still stand (`context.each_endpoint`).
"""
