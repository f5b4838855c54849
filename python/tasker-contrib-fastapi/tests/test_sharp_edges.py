"""The table of sharp edges names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
TABLE = TESTS.parents[2] / "docs" / "architecture" / "core-sharp-edges.md"


@pytest.mark.skipif(not TABLE.exists(), reason="outside of the repository (sdist)")
def test_every_named_test_exists() -> None:
    named: set[tuple[str, str]] = set()
    for line in TABLE.read_text().splitlines():
        file = ""
        for found, test in re.findall(r"`([\w/]*\.py)?(?:::(\w+))?`", line):
            file = found or file
            if file.startswith("_internal") or not file:
                continue
            assert (TESTS / file).is_file(), f"{file} in: {line}"
            if test:
                named.add((file, test))
    assert len(named) > 40
    missing = [n for n in sorted(named) if f"def {n[1]}(" not in (TESTS / n[0]).read_text()]
    assert missing == []
