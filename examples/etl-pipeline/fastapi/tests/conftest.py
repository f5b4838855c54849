"""Shared fixtures."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.data import fill_cache
from app.settings import CACHE_DIR


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with the pinned data sets; fetched when this machine has not got them yet."""
    fill_cache()
    return CACHE_DIR
