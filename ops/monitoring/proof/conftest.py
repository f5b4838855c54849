"""One stack for all tests of the proof."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    started = Stack(folder)
    try:
        started.postgres()
        started.recovery()
        started.server()
        started.worker()
        started.shop()
        started.exporter()
        yield started
    finally:
        started.end()
