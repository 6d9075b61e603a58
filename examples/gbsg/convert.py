"""Rewrite the `lymph_node.csv` of lifelines (MIT) as the tables of this study folder.

Usage: python convert.py path/to/lymph_node.csv
"""

import csv
import sys
from pathlib import Path

HERE = Path(__file__).parent
MENOPAUSE = {"1": "pre", "2": "post"}
YES_NO = {"1": "false", "2": "true"}


def patient(row):
    return {
        "patient_id": row["id"],
        "index_date": row["diagdateb"],
        "setting": "early",
        "age_years": row["age"],
        "menopausal_status": MENOPAUSE[row["menopause"]],
        "grade": row["grade"],
        "nodes": row["nodes"],
        "tumour_size_mm": row["size"],
        "pr_fmol_per_mg": row["prog_recp"],
        "er_fmol_per_mg": row["estrg_recp"],
        "hormone_therapy": YES_NO[row["hormone"]],
    }


def facts(row):
    """Dated facts of one patient.

    The file has two clocks: recurrence-free time (`rectime`, `censrec`: recurrence or death) and
    survival time. Where both end on the same day with a death, only the death is kept: the file
    does not say whether a recurrence was seen as well.
    """
    died, ended = row["censdead"] == "1", row["censrec"] == "1"
    same_day = row["recdate"] == row["deathdate"]
    if ended and not (died and same_day):
        yield row["recdate"], "recurrence_unspecified"
    if not ended:
        yield row["recdate"], "last_disease_assessment"
    yield row["deathdate"], "death_unknown_cause" if died else "last_contact"


def main(source):
    with open(source, newline="") as stream:
        rows = list(csv.DictReader(stream))
    with open(HERE / "patients.csv", "w", newline="") as stream:
        writer = csv.DictWriter(stream, list(patient(rows[0])), lineterminator="\n")
        writer.writeheader()
        writer.writerows(patient(r) for r in rows)
    with open(HERE / "outcomes.csv", "w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["patient_id", "date", "kind"])
        writer.writerows((r["id"], date, kind) for r in rows for date, kind in facts(r))


if __name__ == "__main__":
    main(sys.argv[1])
