"""Fail if a public estimator has no reference value, or names a test that does not exist.

`bullets.txt` lists what prognosis and monitoring need; each line must be served by a row.
"""

from __future__ import annotations

import ast
import csv
import importlib
import inspect
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = (
    "ashworth.survival",
    "ashworth.enumeration",
    "ashworth.classification",
    "ashworth.evidence",
    "ashworth.trials",
    "ashworth.registries",
)


def public_functions() -> set[str]:
    """Functions (not classes, not data) among the public names of the science rooms."""
    found = set()
    for room in ROOMS:
        module = importlib.import_module(room)
        for name in module.__all__:
            if inspect.isroutine(getattr(module, name)):
                found.add(f"{room}.{name}")
    return found


def test_names(path: Path) -> set[str]:
    """Functions of a test module."""
    tree = ast.parse(path.read_text())
    return {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}


def faults() -> list[str]:
    """What is wrong with reference/coverage.csv."""
    with (ROOT / "reference" / "coverage.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    listed = {row["estimator"] for row in rows}
    problems = [f"{n}: no row in reference/coverage.csv" for n in public_functions() - listed]
    served = {name for row in rows for name in (row["serves"] or "").split("; ")}
    wanted = set((ROOT / "reference" / "bullets.txt").read_text(encoding="utf-8").splitlines())
    problems += [f"{name}: nothing in reference/coverage.csv serves it" for name in wanted - served]
    problems += [f"{n}: not in reference/bullets.txt" for n in served - wanted - {""}]
    for row in rows:
        if not (row["reference_command"] or "").strip():
            problems.append(f"{row['estimator']}: no reference command")
        place, _, test = (row["test"] or "").partition("::")
        path = ROOT / place
        if not path.is_file():
            problems.append(f"{row['estimator']}: no file {place}")
        elif test.partition("[")[0] not in test_names(path):
            problems.append(f"{row['estimator']}: no test {test} in {place}")
    return sorted(problems)


def main() -> None:
    problems = faults()
    print("\n".join(problems) or "every public estimator has a reference and a test")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
