"""Numbers of trials in texts, in one writing: NCT, EudraCT, EU CT (CTIS), ISRCTN, UTN."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-")
_PATTERNS = (
    ("nct", re.compile(r"(?<![A-Za-z0-9])NCT[ :-]?(\d{8})(?!\d)", re.IGNORECASE)),
    ("ctis", re.compile(r"(?<!\d)(?<!\d-)(20\d{2}-5\d{5}-\d{2})(?:-\d{2})?(?!-?\d)")),
    (
        "eudract",
        re.compile(r"(?<!\d)(?<!\d-)((?:19|20)\d{2}-[0-46-9]\d{5}-\d{2})(?!\d)(?!-\d+\b)"),
    ),
    ("isrctn", re.compile(r"(?<![A-Za-z0-9])ISRCTN[ :-]?(\d{8})(?!\d)", re.IGNORECASE)),
    ("utn", re.compile(r"(?<![A-Za-z0-9])U1111-(\d{4}-\d{4})(?![\d-])", re.IGNORECASE)),
)
_WRITTEN = {"nct": "NCT", "isrctn": "ISRCTN", "utn": "U1111-"}


def trial_ids(texts: Iterable[str]) -> tuple[str, ...]:
    """Find the numbers of trials in texts, each once, in one writing.

    A EudraCT number loses the register's prefix and its member state (``EUCTR``, ``-NL``,
    ``-3rd``), an EU CT number its resubmission (``-00``, ``-01``); the two kinds are told apart by
    the 5 that begins the middle part of every EU CT number. Any dash is a hyphen. A number with
    too many or too few digits is none.

    Examples
    --------
    >>> trial_ids(["EUCTR2013-002654-75-NL", "nct01975142"])
    ('2013-002654-75', 'NCT01975142')
    >>> trial_ids(["CTIS2023-508143-51-01", "2008-000679-90-3rd", "ISRCTN 12949496"])
    ('2023-508143-51', '2008-000679-90', 'ISRCTN12949496')
    >>> trial_ids(["NCT0197514", "2013-2654-75"])
    ()
    """
    return tuple(dict.fromkeys(name for text in texts for name in _in(text)))


@lru_cache(maxsize=4096)
def _in(text: str) -> tuple[str, ...]:
    text = text.translate(_DASHES)
    return tuple(
        _WRITTEN.get(kind, "") + match[1]
        for kind, pattern in _PATTERNS for match in pattern.finditer(text)
    )  # fmt: skip
