"""`images/` of a study: which folder belongs to which specimen."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ashworth.definitions import Assay, Catalogue
from ashworth.errors import InputError, Problem

FOLDER = "images"


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """The image folder of one specimen.

    Attributes
    ----------
    patient_id, specimen_id : str
    path : Path
    name : str
        Path below ``images/``, with ``/`` between its parts.
    """

    patient_id: str
    specimen_id: str
    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class _Specimens:
    """Who has which specimen, and of which matrix."""

    owners: Mapping[str, list[str]]
    of_patient: Mapping[str, set[str]]
    matrix: Mapping[tuple[str, str], str]


def has_image_folders(study: Path) -> bool:
    """Whether a study folder has `images/` with at least one folder in it."""
    return bool(_folders(study / FOLDER))


def find_image_folders(
    study: Path, specimens: pl.DataFrame, assay: Assay
) -> tuple[ImageFolder, ...]:
    """Match the folders of `images/` with the specimens.

    Two layouts may stand side by side: ``images/<specimen_id>/`` where only one patient has a
    specimen of that name, and ``images/<patient_id>/<specimen_id>/``. Names that begin with a
    dot are not seen.

    Parameters
    ----------
    study : Path
        The study's folder.
    specimens : polars.DataFrame
        Table `specimens`.
    assay : Assay
        Its `images` say how the images are read.

    Returns
    -------
    tuple of ImageFolder
        By patient and specimen; empty without `images/`.

    Raises
    ------
    InputError
        With all problems: an assay that does not say how images are read; a folder that names
        no specimen, one of another matrix, or several; two folders of one specimen.
    """
    folders = _folders(study / FOLDER)
    if not folders:
        return ()
    if assay.images is None:
        raise InputError([_cannot_read(assay)], subject="study.toml")
    known = _known(specimens)
    found: list[ImageFolder] = []
    problems: list[Problem] = []
    for entry in folders:
        for one in _resolve(entry, known):
            (found if isinstance(one, ImageFolder) else problems).append(one)  # type: ignore[arg-type]
    problems += _given_twice(found) + _other_matrix(found, known, assay)
    if problems:
        raise InputError(problems, subject=f"the folder {FOLDER}/")
    return tuple(sorted(found, key=lambda f: (f.patient_id, f.specimen_id)))


def _folders(folder: Path) -> list[Path]:
    """Folders in a folder, by name."""
    if not folder.is_dir():
        return []
    return sorted(d for d in folder.iterdir() if d.is_dir() and not d.name.startswith("."))


def _cannot_read(assay: Assay) -> Problem:
    catalogue = Catalogue()
    assays = (catalogue.get("assay", i) for i in catalogue.ids("assay"))
    able = ", ".join(a.id for a in assays if a.images is not None)
    return Problem(
        "study.toml", None, "assay",
        f"'{assay.id}', which does not say how images are read, beside the folder {FOLDER}/",
        f"an assay with images: {able}",
        f"choose such an assay, or move {FOLDER}/ away and give counts.csv",
    )  # fmt: skip


def _known(specimens: pl.DataFrame) -> _Specimens:
    owners: dict[str, list[str]] = {}
    of_patient: dict[str, set[str]] = {}
    matrix = {}
    rows = specimens.select("patient_id", "specimen_id", "matrix").sort("patient_id").iter_rows()
    for patient, specimen, drawn in rows:
        owners.setdefault(specimen, []).append(patient)
        of_patient.setdefault(patient, set()).add(specimen)
        matrix[patient, specimen] = drawn
    return _Specimens(owners, of_patient, matrix)


def _resolve(entry: Path, known: _Specimens) -> list[ImageFolder | Problem]:
    """What a folder of `images/` stands for: a specimen, or a patient with specimens."""
    name, inner = entry.name, _folders(entry)
    mine, owners = known.of_patient.get(name, set()), known.owners.get(name, [])
    nested = [d.name for d in inner if d.name in mine]
    if mine and (nested or not owners):
        if owners and name not in nested:
            return [_two_readings(name, owners, nested)]
        return _of_patient(entry, inner, mine)
    if not owners:
        return [_strange(name, [*known.owners, *known.of_patient])]
    if len(owners) > 1:
        return [_several(name, owners)]
    return [ImageFolder(owners[0], name, entry, name)]


def _of_patient(entry: Path, inner: list[Path], mine: set[str]) -> list[ImageFolder | Problem]:
    """Specimens of one patient's folder."""
    if not inner:
        return [
            Problem(
                f"{FOLDER}/{entry.name}", None, None, "no folder in the patient's folder",
                f"a folder per specimen: {', '.join(sorted(mine))}",
                "put the images into a folder named after the specimen",
            )
        ]  # fmt: skip
    return [
        ImageFolder(entry.name, d.name, d, f"{entry.name}/{d.name}")
        if d.name in mine
        else _strange(f"{entry.name}/{d.name}", mine, of=entry.name)
        for d in inner
    ]


def _strange(name: str, known: Iterable[str], *, of: str = "") -> Problem:
    near = difflib.get_close_matches(Path(name).name, sorted(set(known)), n=1)
    hint = f"is it '{near[0]}'? " if near else ""
    owner = f" of patient '{of}'" if of else ""
    return Problem(
        f"{FOLDER}/{name}", None, None, f"a folder that names no specimen{owner}",
        "a specimen_id of the table specimens, or a patient_id with folders per specimen",
        f"{hint}rename the folder, move it out of {FOLDER}/, or add the specimen",
    )  # fmt: skip


def _several(name: str, owners: list[str]) -> Problem:
    return Problem(
        f"{FOLDER}/{name}", None, None,
        f"a specimen_id of {len(owners)} patients ({', '.join(owners[:3])}"
        f"{', ...' if len(owners) > 3 else ''})",
        "one folder per specimen",
        f"give {FOLDER}/<patient_id>/{name}/ for each of them",
    )  # fmt: skip


def _two_readings(name: str, owners: list[str], nested: list[str]) -> Problem:
    return Problem(
        f"{FOLDER}/{name}", None, None,
        f"a name that is specimen '{name}' of patient '{owners[0]}' and also the patient with "
        f"specimen {', '.join(nested)}",
        "one meaning per folder",
        f"give {FOLDER}/{owners[0]}/{name}/ for the specimen, and only folders of specimens in "
        f"{FOLDER}/{name}/",
    )  # fmt: skip


def _given_twice(found: list[ImageFolder]) -> list[Problem]:
    seen: dict[tuple[str, str], str] = {}
    problems = []
    for folder in found:
        key = folder.patient_id, folder.specimen_id
        if key in seen:
            problems.append(
                Problem(
                    f"{FOLDER}/{folder.name}", None, None,
                    f"a second folder of specimen '{folder.specimen_id}' beside "
                    f"{FOLDER}/{seen[key]}",
                    "one folder per specimen", "keep one; two tubes are two specimens",
                )
            )  # fmt: skip
        seen.setdefault(key, folder.name)
    return problems


def _other_matrix(found: list[ImageFolder], known: _Specimens, assay: Assay) -> list[Problem]:
    return [
        Problem(
            f"{FOLDER}/{f.name}", None, None, f"images of a specimen of {drawn}",
            f"specimens of {assay.matrix}, which assay '{assay.id}' reads",
            "correct the matrix in specimens, or move the folder away",
        )
        for f in found
        if (drawn := known.matrix[f.patient_id, f.specimen_id]) != assay.matrix
    ]  # fmt: skip
