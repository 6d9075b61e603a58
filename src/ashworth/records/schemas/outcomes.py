"""What happened to patients, and what was derived: events, statuses, dynamics."""

from __future__ import annotations

import dataframely as dy

from ashworth.records.columns import choice, day, integer, number, probability, text

DEATHS = ("death_breast_cancer", "death_other_cause", "death_unknown_cause")
OUTCOME_KINDS = (
    "ipsilateral_invasive_recurrence",
    "regional_recurrence",
    "distant_recurrence",
    "recurrence_unspecified",
    "contralateral_invasive_breast_cancer",
    "second_primary_non_breast",
    "dcis_ipsilateral",
    "dcis_contralateral",
    "progression",
    *DEATHS,
    "last_contact",
    "last_disease_assessment",
    "surgery",
    "pcr",
    "no_pcr",
)


class Outcomes(dy.Schema):
    """One row per dated fact of a patient's course; events are derived from it."""

    patient_id = text("Pseudonym of the patient.", key=True)
    day = day("Day of the fact.", key=True)
    kind = choice("What happened.", *OUTCOME_KINDS, key=True)


class Events(dy.Schema):
    """One row per patient and endpoint: time at risk and how it ended."""

    patient_id = text("Pseudonym of the patient.", key=True)
    endpoint = text("Id of the endpoint's definition, e.g. idfs.", key=True)
    entry_day = day("Day at which the patient comes under observation.", required=True)
    exit_day = day("Day of the event or of the censoring.", required=True)
    event_code = integer(
        "0: censored, 1: event, 2 and above: competing events.", 0, 20, required=True,
        remedy="0: censored, 1: event, 2 and above: competing events of the endpoint",
    )  # fmt: skip


class Statuses(dy.Schema):
    """One row per patient, time point and positivity rule."""

    patient_id = text("Pseudonym of the patient.", key=True)
    timepoint = text("Time point.", key=True)
    rule = text("Id of the positivity rule's definition.", key=True)
    rule_version = integer("Version of the rule.", 1, required=True)
    specimen_day = day("Earliest draw of that time point: the clock starts here.")
    status = choice("Status.", "positive", "negative", "not_assessable", required=True)
    level = text("Level of an ordinal rule.")
    reason = text("Why the status is what it is.")
    n_cells = integer("Cells counted.", 0, unit="cells")
    denominator_kind = choice("What was searched.", "volume_ml", "nucleated_cells")
    denominator = number("How much was searched.", 0, unit="ml or cells", above=True)
    rate = number("Cells per unit of the rule.", 0)
    rate_lower = number("Lower limit of the rate.", 0)
    rate_upper = number("Upper limit of the rate.", 0)
    interval_method = text("Method of the limits.")
    prior = text("Population prior of the probabilities; 'none' without a cohort.")
    agreement_probability = probability("Probability that a second tube gives the same status.")
    prob_at_least_cutoff = probability("Probability that the true rate reaches the cut-off.")


class Dynamics(dy.Schema):
    """One row per patient, pair of time points and rule."""

    patient_id = text("Pseudonym of the patient.", key=True)
    from_timepoint = text("Earlier time point.", key=True)
    to_timepoint = text("Later time point.", key=True)
    rule = text("Id of the dynamics rule's definition.", key=True)
    rule_version = integer("Version of the rule.", 1, required=True)
    dynamics_class = text("Class; empty where one of the two is not assessable.")
    from_day = day("Day of the earlier draw.")
    to_day = day("Day of the later draw.")
    n_from = integer("Cells at the earlier draw.", 0, unit="cells")
    n_to = integer("Cells at the later draw.", 0, unit="cells")
    denominator_from = number("Searched at the earlier draw.", 0, unit="ml or cells", above=True)
    denominator_to = number("Searched at the later draw.", 0, unit="ml or cells", above=True)
    change_p_value = probability("P value of the exact conditional test of change.")
    change_direction = choice("Direction of the change of the rate.", "up", "down", "none")
    reason = text("Why there is no class.")
