"""What can go wrong between here and a registry, each with a name."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

from ashworth.errors import AshworthError

FaultKind = Literal[
    "gave_up", "refused", "not_json", "wrong_content", "total_changed", "empty_pages",
    "token_repeated", "incomplete", "record_twice", "wrong_record", "nothing_found", "too_many",
    "data_changed", "asked_to_wait", "disk",
]  # fmt: skip
ANEW = "run the same command again; if the fault stays, begin anew with --anew"


class FetchError(AshworthError):
    """A registry was not read to the end, and why; nothing half-read is given out.

    Attributes
    ----------
    kind : str
        gave_up: no usable answer in the bounded tries. refused: the registry says that the question
        is wrong. not_json, wrong_content: an answer that is none. total_changed, incomplete,
        record_twice, empty_pages, token_repeated: the pages do not add up. wrong_record: another
        record than asked for. nothing_found, too_many: no record, or more than the registry hands
        out. data_changed: the registry's data changed during the fetch. asked_to_wait: longer
        than this program waits. disk: a file could not be written.
    url : str
    found, remedy : str
    """

    def __init__(self, kind: FaultKind, url: str, found: str, remedy: str = ANEW) -> None:
        self.kind, self.url, self.found, self.remedy = kind, url, found, remedy
        super().__init__(f"{url}: {kind.replace('_', ' ')}: {found}; mend: {remedy}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by the arguments."""
        return partial(type(self), self.kind, self.url, self.found, self.remedy), ()
