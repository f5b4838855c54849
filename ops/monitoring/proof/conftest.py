"""One stack for all tests of the proof."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .stack import Stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    # Not pytest's folder: other runs of pytest tidy up there.
    folder = Path(tempfile.mkdtemp(prefix="tasker-monitoring-"))
    started = Stack(folder)
    try:
        started.postgres()
        started.recovery()
        started.server()
        started.worker()
        started.shop()
        started.relay()
        started.exporter()
        yield started
    finally:
        started.end()
        shutil.rmtree(folder, ignore_errors=True)
