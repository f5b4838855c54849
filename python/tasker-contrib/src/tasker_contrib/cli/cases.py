"""Case conversion of the template filters, with the word rules of the Rust crate ``heck``.

``tasker-ctl`` converts names with heck; the in-process renderer must produce the same bytes, so
the rules (not a Python library's) are followed here: a word ends before an upper-case letter that
follows a lower-case one, and before the last letter of an upper-case run that is followed by a
lower-case letter. Digits never start a word. Everything not alphanumeric separates words.
"""

from __future__ import annotations

from collections.abc import Iterator


def words(text: str) -> Iterator[str]:
    """Split ``text`` into words.

    Example:
        >>> list(words("XMLHttpRequest v2"))
        ['XML', 'Http', 'Request', 'v2']
    """
    chunk = ""
    for character in text:
        if character.isalnum():
            chunk += character
        else:
            yield from _split_chunk(chunk)
            chunk = ""
    yield from _split_chunk(chunk)


def _split_chunk(chunk: str) -> Iterator[str]:
    start = 0
    # The case of the last cased letter of the current word: "", "lower" or "upper".
    last = ""
    for index, letter in enumerate(chunk[:-1]):
        following = chunk[index + 1]
        current = "lower" if letter.islower() else "upper" if letter.isupper() else last
        if current == "lower" and following.isupper():
            yield chunk[start : index + 1]
            start, last = index + 1, ""
        elif last == "upper" and letter.isupper() and following.islower():
            yield chunk[start:index]
            start, last = index, ""
        else:
            last = current
    if chunk:
        yield chunk[start:]


def snake_case(text: str) -> str:
    """``ProcessPayment`` → ``process_payment``."""
    return "_".join(_lower(word) for word in words(text))


def kebab_case(text: str) -> str:
    """``ProcessPayment`` → ``process-payment``."""
    return "-".join(_lower(word) for word in words(text))


def pascal_case(text: str) -> str:
    """``process-payment v2`` → ``ProcessPaymentV2``."""
    return "".join(_capital(word) for word in words(text))


def camel_case(text: str) -> str:
    """``process-payment v2`` → ``processPaymentV2``."""
    first, *rest = [*words(text)] or [""]
    return _lower(first) + "".join(_capital(word) for word in rest)


def _lower(word: str) -> str:
    # heck writes a final sigma only at the end of a word; str.lower() looks at its neighbours.
    body = "".join(letter.lower() for letter in word[:-1])
    last = word[-1:]
    return body + ("ς" if last == "Σ" else last.lower())


def _capital(word: str) -> str:
    return word[:1].upper() + _lower(word[1:])
