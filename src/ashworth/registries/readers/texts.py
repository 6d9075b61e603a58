"""Clean the texts of registries: carriage returns, references, runs of spaces."""

from __future__ import annotations


def tidy(text: str | None) -> str:
    r"""One line of a text; line ends of any kind and ``&#xD;`` become spaces.

    Examples
    --------
    >>> tidy("circulating&#xD;\n   tumor\r\n cells ")
    'circulating tumor cells'
    """
    if not text:
        return ""
    if "&#" in text:
        text = text.replace("&#xD;", " ").replace("&#xd;", " ").replace("&#13;", " ")
    return " ".join(text.split())


def whole(text: str) -> int | None:
    """A number of patients; None where the text is none.

    Examples
    --------
    >>> whole("120"), whole(""), whole("about 120")
    (120, None, None)
    """
    return int(text) if text.isascii() and text.isdecimal() else None


def no_number(name: str, *texts: str) -> list[str]:
    """Texts that should be numbers and are none, for `Registration.unknown_values`."""
    return [f"{name} {text}" for text in texts if text and whole(text) is None]


def once(texts: list[str]) -> tuple[str, ...]:
    """Each text once, in order, without empty ones."""
    return tuple(dict.fromkeys(t for t in texts if t))


def eligibility(inclusion: str, exclusion: str) -> str:
    """Both lists of criteria in one text, as ClinicalTrials.gov prints them."""
    parts = [("Inclusion Criteria", inclusion), ("Exclusion Criteria", exclusion)]
    return " ".join(f"{head}: {text}" for head, text in parts if text)
