"""The methods paragraph: what was done, in words, from what was in force."""

from __future__ import annotations

from ashworth.definitions import Endpoint, PositivityRule
from ashworth.version import __version__
from ashworth.workflows.study.analyse import StudyResults
from ashworth.workflows.study.groups import KINDS_OF_CELL
from ashworth.workflows.study.settings import StudySettings

INTERVALS = {"plain": "linear", "log": "log", "log-log": "log(-log)"}
TIES = {"efron": "Efron", "breslow": "Breslow"}
KIND_WORDS = {
    "ipsilateral_invasive_recurrence": "invasive recurrence in the ipsilateral breast",
    "recurrence_unspecified": "recurrence of unstated site",
    "contralateral_invasive_breast_cancer": "contralateral invasive breast cancer",
    "second_primary_non_breast": "second primary cancer outside the breast",
    "dcis_ipsilateral": "ipsilateral DCIS",
    "dcis_contralateral": "contralateral DCIS",
    "death_breast_cancer": "death from breast cancer",
    "death_other_cause": "death from another cause",
    "death_unknown_cause": "death of unknown cause",
}
PRIORS = {
    "negative_binomial": "a negative binomial population (gamma-distributed concentrations)",
    "poisson_lognormal": "a Poisson-lognormal population",
}


def methods_paragraphs(results: StudyResults) -> list[str]:
    """Write the methods of a study's report.

    Parameters
    ----------
    results : StudyResults
        What was computed.

    Returns
    -------
    list of str
        Paragraphs in plain text.
    """
    parts = [_marker(results), _clock(results), _curves(results), _models(results)]
    return [p for p in parts if p] + [_software()]


def _marker(results: StudyResults) -> str:
    """How patients were grouped."""
    settings = results.settings
    if results.rule is None or results.assay is None:
        label = settings.marker_label or settings.marker
        return (
            f"{label} at the index date ({settings.index_event}) is the counted marker: "
            f"{results.groups.high} against {results.groups.low}. Patients without a value are "
            "not analysed."
        )
    rule, assay = results.rule, results.assay
    cell = KINDS_OF_CELL.get(rule.phenotype, rule.phenotype)
    text = (
        f"{cell} were counted by {assay.title}. A specimen is positive with {rule_text(rule)} "
        f"(definition {rule.id}, version {rule.version}). The status follows the observed count. "
        "Tubes of one time point add up. A specimen with less than the required volume is positive "
        "if its count already reaches the cut-off and not assessable otherwise; counts are "
        "never rescaled to another volume."
    )
    if settings.volume_model != "none":
        text += f" Larger volumes were read by the model {settings.volume_model.replace('_', ' ')}."
    if settings.population in PRIORS:
        text += (
            " The probability that a second tube gives the same status rests on "
            f"{PRIORS[settings.population]} fitted to the specimens of each time point, with wet-"
            f"laboratory recovery {settings.recovery:g} and {settings.blank_rate:g} false positive "
            f"cells per {'ml' if rule.denominator.kind == 'volume_ml' else 'nucleated cell'}."
        )
    return text


def stratified_words(settings: StudySettings, first: str = "") -> str:
    """Say how models are stratified, e.g. 'not adjusted, stratified by centre'."""
    parts = [first] if first else []
    if settings.stratify:
        parts.append(f"stratified by {' and '.join(settings.stratify)}")
    return ", ".join(parts)


def rule_text(rule: PositivityRule) -> str:
    """Write a rule's cut-off in words, e.g. 'at least 5 CTC per 7.5 ml'."""
    cutoff = rule.cutoff()
    cell = KINDS_OF_CELL.get(rule.phenotype, rule.phenotype)
    if cutoff.at_least is None:
        return f"more than {cutoff.more_than:g} {cell} per ml"
    per = ""
    if rule.denominator.amount is not None:
        unit = "ml" if rule.denominator.kind == "volume_ml" else "nucleated cells"
        per = f" per {rule.denominator.amount:g} {unit}"
    return f"at least {cutoff.at_least} {cell}{per}"


def _clock(results: StudyResults) -> str:
    """Where time starts."""
    settings = results.settings
    if results.marker is None:
        return f"Time runs from the index date ({settings.index_event})."
    if settings.clock == "specimen":
        return (
            "Time runs from the day of the specimen that gives the status; patients whose event or "
            "last follow-up lies on or before that day are excluded and counted, so that no "
            "immortal time enters."
        )
    return (
        f"Time runs from the index date ({settings.index_event}); patients enter the risk set on "
        f"the "
        "day of the specimen that gives the status (delayed entry)."
    )


def _curves(results: StudyResults) -> str:
    """Curves, limits, tests."""
    settings = results.settings
    stratified = f" stratified by {' and '.join(settings.stratify)}" if settings.stratify else ""
    return (
        f"Curves are Kaplan-Meier estimates with {INTERVALS[settings.interval]} "
        f"{100 * settings.level:g}% limits (Greenwood); groups are compared by the log-rank "
        f"test{stratified}. Rates are events per 100 person-years with exact Poisson limits. "
        "Follow-up is the reverse Kaplan-Meier median of overall survival, else of the first "
        "endpoint." + (" Positivity has exact (Clopper-Pearson) limits." if results.marker else "")
    )


def _models(results: StudyResults) -> str:
    """Regression models."""
    settings = results.settings
    stratified = f", stratified by {' and '.join(settings.stratify)}" if settings.stratify else ""
    text = (
        f"Hazard ratios come from Cox models ({TIES[settings.ties]}'s method for "
        f"ties{stratified}), "
        "with Wald limits and p-values. "
    )
    if results.codings:
        text += (
            "The multivariable model holds all listed covariates on complete cases; patients left "
            "out for a missing value are counted under its table. "
        )
    if settings.subgroups:
        text += (
            "Interaction p-values are likelihood-ratio tests of marker by subgroup; subgroup "
            "results "
            "are exploratory. "
        )
    return text + "All p-values are two-sided and not adjusted for multiple testing."


def endpoint_text(endpoint: Endpoint) -> str:
    """Say in one sentence what counts as an event."""
    events = ", ".join(kind_words(k) for k in endpoint.event_kinds)
    text = f"{endpoint.title} ({endpoint.standard}): {events}."
    competing = [kind_words(k) for kinds in endpoint.competing.values() for k in kinds]
    if competing:
        text += f" Competing, ends the time without an event: {', '.join(competing)}."
    return text


def kind_words(kind: str) -> str:
    """Write a kind of outcome in words."""
    return KIND_WORDS.get(kind, kind.replace("_", " "))


def _software() -> str:
    """Version and notice."""
    return (
        f"Computed with ashworth {__version__}; the run log beside this report lists the inputs' "
        "digests, options and library versions. Research use only; not a medical device."
    )
