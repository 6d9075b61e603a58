"""Patients, their treatments and the assessments of their disease."""

from __future__ import annotations

import dataframely as dy

from ashworth.records.columns import (
    boolean,
    calendar_date,
    choice,
    day,
    integer,
    number,
    percent,
    text,
)


class Patients(dy.Schema):
    """One row per patient: what was known at the index date."""

    patient_id = text("Pseudonym of the patient, the same in every table.", key=True)
    centre = text("Centre that enrolled the patient.")
    setting = choice("Stage of disease at the index date.", "dcis", "early", "metastatic")
    age_years = number(
        "Age at the index date.", 0, 120, unit="years", remedy="give the age, not the year of birth"
    )
    menopausal_status = choice("Menopausal status.", "pre", "peri", "post", "unknown")
    histology = choice(
        "Histological type; nst: no special type (ductal).",
        "nst", "lobular", "mixed", "other", "unknown",
    )  # fmt: skip
    er_percent = percent("Tumour cells positive for the oestrogen receptor.")
    er_status = choice("Oestrogen receptor status.", "positive", "negative", "unknown")
    pr_percent = percent("Tumour cells positive for the progesterone receptor.")
    pr_status = choice("Progesterone receptor status.", "positive", "negative", "unknown")
    her2_ihc = choice("HER2 score by immunohistochemistry.", "0", "1+", "2+", "3+", "unknown")
    her2_ish = choice(
        "HER2 by in-situ hybridisation.",
        "amplified", "not_amplified", "equivocal", "not_done", "unknown",
    )  # fmt: skip
    her2_status = choice(
        "HER2 status of the primary tumour as reported.", "positive", "negative", "unknown"
    )
    ki67_percent = percent("Tumour cells positive for Ki-67.")
    grade = integer("Histological grade.", 1, 3, remedy="give 1, 2 or 3, or leave the cell empty")
    pt = text("Category of the primary tumour (pT), e.g. pT2.")
    pn = text("Category of the regional nodes (pN), e.g. pN1a.")
    m = text("Category of distant metastasis, e.g. M0, cM0(i+).")
    line = integer(
        "Line of systemic therapy for metastatic disease that starts at the index date.",
        1, 30, remedy="count lines from 1",
    )  # fmt: skip
    prior_therapy = text("Therapies before the index date, separated by semicolons.")
    sites = text("Metastatic sites at the index date, separated by semicolons.")
    de_novo = boolean("Metastatic at first diagnosis.")
    index_date = calendar_date("Calendar date of day 0.")


class Treatments(dy.Schema):
    """One row per patient and line of treatment."""

    patient_id = text("Pseudonym of the patient.", key=True)
    line = integer("Line of treatment.", 0, 30, key=True, remedy="0: (neo)adjuvant, 1: first line")
    regimen = text("Drugs or regimen.", required=True)
    start_day = day("First day of treatment.", required=True)
    stop_day = day("Last day of treatment; empty while it goes on.")


class Assessments(dy.Schema):
    """One row per assessment of the disease."""

    patient_id = text("Pseudonym of the patient.", key=True)
    day = day("Day of the assessment.", key=True)
    method = text("How the disease was assessed, e.g. RECIST 1.1.", key=True)
    response = choice(
        "Complete or partial response, stable or progressive disease, not evaluable.",
        "cr", "pr", "sd", "pd", "ne", required=True,
    )  # fmt: skip
