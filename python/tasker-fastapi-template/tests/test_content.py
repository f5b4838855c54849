from __future__ import annotations

import pytest

from app.documents.content import NotReadable, read_page, split_pages


def test_pages_end_at_form_feeds() -> None:
    assert split_pages(b"one\ftwo\f") == ["one", "two", ""]
    assert split_pages(b"") == [""]
    assert split_pages("\ufeffwith a mark".encode()) == ["with a mark"]


def test_a_page_is_tidied_and_counted() -> None:
    assert read_page(3, "  two \t words\n\n more\0 \n") == (3, "two words\n\nmore", 3)
    assert read_page(1, " \n").words == 0


def test_what_is_not_text_is_said_with_its_place() -> None:
    with pytest.raises(NotReadable, match="byte 2 is not UTF-8"):
        split_pages(b"ab\xff")
