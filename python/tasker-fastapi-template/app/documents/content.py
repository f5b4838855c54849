"""What is read from the bytes of a document. Plain text, with a form feed between two pages."""

from __future__ import annotations

from typing import NamedTuple

PAGE_BREAK = "\f"


class NotReadable(ValueError):
    """The content is not text."""


class PageText(NamedTuple):
    number: int
    text: str
    words: int


def split_pages(content: bytes) -> list[str]:
    """Return the text of every page; there is always one at least.

    Raises:
        NotReadable: it is not UTF-8.
    """
    try:
        return content.decode("utf-8-sig").split(PAGE_BREAK)
    except UnicodeDecodeError as error:
        raise NotReadable(f"byte {error.start} is not UTF-8") from None


def read_page(number: int, text: str) -> PageText:
    """Tidy the text of a page and count its words."""
    # PostgreSQL stores no NUL in a text.
    lines = (" ".join(line.split()) for line in text.replace("\0", "").splitlines())
    tidy = "\n".join(lines).strip()
    return PageText(number, tidy, len(tidy.split()))
