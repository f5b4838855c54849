"""The table of sharp edges names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
FOLDERS = (TESTS, TESTS.parents[1] / "tasker-contrib" / "tests")
TABLE = TESTS.parents[2] / "docs" / "architecture" / "core-sharp-edges.md"


def texts(file: str) -> list[str]:
    """A file of this package's tests, or of those of tasker-contrib."""
    return [path.read_text() for folder in FOLDERS if (path := folder / file).is_file()]


@pytest.mark.skipif(not TABLE.exists(), reason="outside of the repository (sdist)")
def test_every_named_test_exists() -> None:
    named: set[tuple[str, str]] = set()
    for line in TABLE.read_text().splitlines():
        file = ""
        for found, test in re.findall(r"`([\w/]*\.py)?(?:::(\w+))?`", line):
            file = found or file
            if file.startswith("_internal") or not file:
                continue
            assert texts(file), f"{file} in: {line}"
            if test:
                named.add((file, test))
    assert len(named) > 40
    missing = [
        (file, test)
        for file, test in sorted(named)
        if not any(f"def {test}(" in text for text in texts(file))
    ]
    assert missing == []
