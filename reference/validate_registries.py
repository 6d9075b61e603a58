"""How right are the verdicts? Precision and recall of the shipped rules, with exact intervals.

    python reference/validate_registries.py FOLDER... [--texts TEXTS.jsonl]

FOLDER: registry records. Those that are about breast cancer by a plain search for the word in
conditions, MeSH terms and titles are judged. The truth is `registries/labels.csv`, one reading of
each record by the developers, while the rules were made: it is no independent test. A record in
which no word of a broad net stands is a negative; one with such a word and without a label is named
and left out.

TEXTS: one JSON object per line with `nct_id` and `text` (title, empty line, summary): only texts
with the bare letters CTC and without a phrase for cells are judged, at any tier.

Overrides are not used: these are the rules alone. Last run in validate_registries.txt.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

from ashworth.enumeration import proportion_interval
from ashworth.registries.classification.rules import cell_rules
from ashworth.registries.classification.verdicts import classify, fields_of
from ashworth.registries.readers.files import read_registrations
from ashworth.registries.record import Registration
from ashworth.version import __version__

LABELS = Path(__file__).parent / "registries" / "labels.csv"
NET = re.compile(
    r"circulating\W+(?:\w+\W+){0,3}(?:cell|emboli)|\bctcs?\b|\bdtcs?\b|disseminat\w+\W+(?:\w+\W+)?"
    r"(?:tumou?r|cancer|cell)|cellsearch|parsortix|liquid biops|tumou?r\W+cells?\W+in\W+(?:the\W+)?"
    r"(?:bone|blood|peripheral|marrow)|isolated\W+tumou?r\W+cells|cytokeratin|"
    r"marrow\W+micro\W?metas",
    re.IGNORECASE,
)
TOXICITY = re.compile(r"nci|toxic|grade|common|version|criteria|adverse|endothelial", re.IGNORECASE)
PHRASE = re.compile(r"circulating\W+(?:\w+\W+){0,2}(?:tumou?r|cancer|carcinoma|epithelial)", re.I)
BREAST = re.compile(r"breast|mamm(?:a|ary)\b", re.IGNORECASE)


def labels(kind: str) -> dict[str, str]:
    """Labels of a set by id."""
    with LABELS.open(encoding="utf-8", newline="") as file:
        return {r["registry_id"]: r["label"] for r in csv.DictReader(file) if r["set"] == kind}


def caught(text: str) -> bool:
    """Whether a word of the net stands in a text, not beside toxicity."""
    around = (text[max(0, m.start() - 50) : m.end() + 50] for m in NET.finditer(text))
    return any(not TOXICITY.search(a) for a in around)


def measured(name: str, hits: int, n: int) -> str:
    """A share with its exact interval."""
    if n == 0:
        return f"{name} of none"
    limits = proportion_interval(hits, n)
    return (
        f"{name} {hits / n:.3f} ({hits} of {n}; 95 % {float(limits.lower):.3f} to "
        f"{float(limits.upper):.3f})"
    )


def of_records(folders: list[Path]) -> Iterator[str]:
    """Breast records at each tier cut-off."""
    truth = labels("record")
    latest: dict[str, Registration] = {}
    for record in read_registrations(folders, on_fault="skip").records:
        latest[record.registry_id] = record
    judged: list[tuple[str, str, int | None, str]] = []
    open_ones = []
    for number, record in sorted(latest.items()):
        titles = (record.brief_title, record.official_title)
        if not BREAST.search(" | ".join([*record.conditions, *record.condition_mesh, *titles])):
            continue
        if number not in truth and caught(" | ".join(fields_of(record).values())):
            open_ones.append(number)
            continue
        verdict = classify(record)
        judged.append((number, truth.get(number, "none"), verdict.tier, verdict.specimen))
    yield f"{len(judged)} breast records, without label and left out: {', '.join(open_ones) or '-'}"
    for tier in (1, 2, 3):
        said = {i for i, _, t, s in judged if t is not None and t <= tier and s != "mention"}
        true = {i for i, label, _, _ in judged if label in ("CTC", "DTC", "both")}
        right = said & true
        yield f"  tier {tier}: {measured('precision', len(right), len(said))}; " + measured(
            "recall", len(right), len(true)
        )
    specimens = [(label, s) for i, label, t, s in judged if t is not None and t <= 3 and i in truth]
    same = sum(a == b for a, b in specimens)
    yield f"  {measured('CTC, DTC or both right', same, len(specimens))}"


def of_texts(path: Path) -> Iterator[str]:
    """Texts with the bare letters."""
    truth = labels("text")
    said, true, n = set(), set(), 0
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        title, _, rest = row["text"].partition("\n")
        if PHRASE.search(row["text"]) or not re.search(r"\bCTCs?\b", row["text"]):
            continue
        n += 1
        record = Registration("ctgov", "text", row["nct_id"], brief_title=title, summary=rest)
        if classify(record).specimen != "none":
            said.add(row["nct_id"])
        if row["nct_id"] in truth:
            true.add(row["nct_id"])
    right = said & true
    yield (
        f"{n} texts with the bare letters CTC: {measured('precision', len(right), len(said))}; "
        + (measured("recall", len(right), len(true)))
    )
    yield f"  wrongly called: {', '.join(sorted(said - true)) or '-'}; missed: " + (
        ", ".join(sorted(true - said)) or "-"
    )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--texts", type=Path)
    asked = parser.parse_args()
    print(f"rules {cell_rules().version}, ashworth {__version__}; without overrides")
    for line in of_records(asked.folders):
        print(line)
    if asked.texts:
        for line in of_texts(asked.texts):
            print(line)


if __name__ == "__main__":
    main()
