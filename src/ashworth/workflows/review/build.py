"""Build the review: texts, figures and tables from records, as HTML and PDF."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ashworth.definitions.models import Reference
from ashworth.reports.living import Block, LivingDocument, Words
from ashworth.reports.living_html import render_living_html
from ashworth.reports.living_pdf import render_living_pdf
from ashworth.storage import results_folder, write_run_log
from ashworth.version import __version__
from ashworth.workflows.review.computed import computed_numbers, landscape_numbers
from ashworth.workflows.review.figures import picture
from ashworth.workflows.review.record_book import REGISTRY, RecordBook
from ashworth.workflows.review.tables import grid
from ashworth.workflows.review.template import Maker, blocks_of, line_of, texts

TITLE = "Circulating and disseminated tumour cells in breast cancer: a review that rebuilds itself"
NOTICE = "Research use only. Not a medical device."
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class BuiltReview:
    """A review on disk, with the words for a terminal."""

    document: LivingDocument
    seconds: float
    out: Path
    with_pdf: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Document for --json."""
        return {
            "title": self.document.title,
            "numbers": len(self.document.sources()),
            "citations": len(self.document.citations),
            "html": str(self.out / "review.html"),
            "pdf": str(self.out / "review.pdf") if self.with_pdf else None,
            "software_version": __version__,
        }

    def lines(self) -> Iterator[str]:
        """Text for a terminal."""
        yield f"{len(self.document.sources())} sources behind the numbers, "\
              f"{len(self.document.citations)} documents cited, {self.seconds:.0f} s"  # fmt: skip
        yield f"open: {self.out / 'review.html'}"
        if self.with_pdf:
            yield f"print: {self.out / 'review.pdf'}"
        yield f"citations: {self.out / 'references.json'}, {self.out / 'references.bib'}"
        yield NOTICE


def build_document(
    *,
    folders: tuple[Path, ...] = (),
    book: RecordBook | None = None,
    progress: Progress | None = None,
) -> LivingDocument:
    """Make the document from records.

    Parameters
    ----------
    folders : tuple of paths
        Folders with a user's own records (studies, protocols, references).
    book : RecordBook, optional
        Records to build from instead.

    Raises
    ------
    DefinitionError, DefinitionFileError
        Records with faults; a reference that no record answers.
    """
    tell = progress or (lambda *_: None)
    book = book or RecordBook(folders)
    tell("numbers", 0, 1)
    book.computed = computed_numbers(book.folders, book.catalogue.ids("protocol"))
    book.computed |= landscape_numbers(book.landscape)
    maker = Maker(lambda name: picture(name, book), lambda name: grid(name, book))
    files = texts()
    blocks: list[Block] = []
    for done, path in enumerate(files):
        tell(path.stem, done, len(files))
        blocks += blocks_of(path.read_text(encoding="utf-8"), book, maker)
    subtitle = line_of("Built by ashworth [[build:version]] from dated records.", book)
    return LivingDocument(TITLE, subtitle, (Words(NOTICE),), tuple(blocks), book.citations())


def build_review(
    *, out: Path, folders: tuple[Path, ...] = (), registry: tuple[Path, ...] = (),
    pdf: bool = True, progress: Progress | None = None,
) -> BuiltReview:  # fmt: skip
    """Build the review and write it: review.html, review.pdf, references.json and .bib.

    The same records and software give the same bytes.
    """
    started = datetime.now(UTC)
    begun = time.perf_counter()
    book = RecordBook(folders, registry or (REGISTRY,))
    document = build_document(book=book, progress=progress)
    target = out.absolute()
    references = book.references
    with results_folder(target) as folder:
        (folder / "review.html").write_text(render_living_html(document), encoding="utf-8")
        if pdf:
            (folder / "review.pdf").write_bytes(render_living_pdf(document))
        cited = {c.key: references[c.key] for c in document.citations}
        text = json.dumps([_csl(k, r) for k, r in cited.items()], indent=1, ensure_ascii=False)
        (folder / "references.json").write_text(text + "\n", encoding="utf-8")
        bibtex = "\n".join(_bibtex(k, r) for k, r in cited.items())
        (folder / "references.bib").write_text(bibtex, encoding="utf-8")
        write_run_log(folder, command="review", started_at=started, inputs=[], base=folder,
                      options={"folders": [f.name for f in folders],
                               "registry": [f.name for f in registry]})  # fmt: skip
    return BuiltReview(document, time.perf_counter() - begun, target, pdf)


def _csl(key: str, reference: Reference) -> dict[str, Any]:
    """One reference as CSL-JSON."""
    found: dict[str, Any] = {
        "id": key, "type": "article-journal", "author": [{"literal": reference.authors}],
        "container-title": reference.journal,
    }  # fmt: skip
    if reference.title:
        found["title"] = reference.title
    if reference.year is not None:
        found["issued"] = {"date-parts": [[reference.year]]}
    if reference.doi:
        found["DOI"] = reference.doi
    if reference.nct:
        found["URL"] = f"https://clinicaltrials.gov/study/{reference.nct}"
    return found


def _bibtex(key: str, reference: Reference) -> str:
    """One reference as BibTeX."""
    fields = {
        "author": "{" + reference.authors + "}", "title": reference.title,
        "journal": reference.journal, "year": reference.year, "doi": reference.doi,
    }  # fmt: skip
    lines = [f"  {name} = {{{_escaped(str(value))}}}," for name, value in fields.items() if value]
    return "\n".join([f"@article{{{key},", *lines, "}\n"])


def _escaped(text: str) -> str:
    return text.replace("&", r"\&").replace("%", r"\%").replace("_", r"\_")
