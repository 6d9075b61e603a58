"""Small tables as text, and the look-up of one problem among many."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ashworth.errors import InputError, Problem
from ashworth.records import Expectations, read_table, read_tables

CELLSEARCH = Expectations(
    denominators={"cellsearch-ctc": "volume_ml", "dtc-icc-a45b-b3": "nucleated_cells"},
    matrices={"cellsearch-ctc": "blood", "dtc-icc-a45b-b3": "bone_marrow"},
    event_codes={"os": frozenset({0, 1})},
)
STUDY = {
    "patients": "patient_id,index_date\nP1,2001-01-01\nP2,2001-02-01\n",
    "specimens": "patient_id,specimen_id,matrix,timepoint,collected_day,volume_ml\n"
    "P1,S1,blood,baseline,0,10\nP2,S2,blood,baseline,1,10\n",
    "assay_runs": "patient_id,specimen_id,run_id,assay,outcome\n"
    "P1,S1,1,cellsearch-ctc,done\nP2,S2,1,cellsearch-ctc,done\n",
    "counts": "patient_id,specimen_id,run_id,phenotype,caller,n_cells,volume_ml,nucleated_cells\n"
    "P1,S1,1,ctc,laboratory,0,7.5,\nP2,S2,1,ctc,laboratory,6,7.5,\n",
    "outcomes": "patient_id,day,kind\nP1,900,last_contact\nP2,400,progression\n",
    "events": "patient_id,endpoint,entry_day,exit_day,event_code\nP1,os,0,900,0\nP2,os,1,400,1\n",
    "treatments": "patient_id,line,regimen,start_day,stop_day\nP1,1,paclitaxel,0,90\n",
    "assessments": "patient_id,day,method,response\nP1,80,RECIST 1.1,sd\n",
}


@pytest.fixture
def problems(tmp_path: Path) -> Callable[..., list[Problem]]:
    """Read a text as a table and return its problems."""

    def read(text: str | bytes, table: str, name: str = "table.csv", **options) -> list[Problem]:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return list(read_table(path, table, **options).problems)

    return read


@pytest.fixture
def study_problems(tmp_path: Path) -> Callable[..., list[Problem]]:
    """Read the study with some tables replaced (None: left out) and return all problems."""

    def read(**tables: str | None) -> list[Problem]:
        expectations = tables.pop("expectations", CELLSEARCH)
        sources = {}
        for name, text in (STUDY | tables).items():
            if text is not None:
                sources[name] = tmp_path / f"{name}.csv"
                sources[name].write_text(text)
        try:
            read_tables(sources, expectations=expectations)
        except InputError as error:
            return list(error.problems)
        return []

    return read


@pytest.fixture
def the() -> Callable[..., Problem]:
    """Find the one problem at a place; fails where there is none or more than one."""

    def find(problems: list[Problem], table: str, row: int | None, column: str | None) -> Problem:
        here = [p for p in problems if (p.table, p.row, p.column) == (table, row, column)]
        assert len(here) == 1, "\n".join(map(str, problems)) or "no problems at all"
        return here[0]

    return find
