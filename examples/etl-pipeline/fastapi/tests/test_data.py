"""The fetch step: what it accepts, and what it says when it cannot go on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app import data


@pytest.fixture
def cache(tmp_path: Path, data_dir: Path) -> Path:
    """A full copy of the cache that a test may damage."""
    target = tmp_path / "cache"
    shutil.copytree(data_dir, target, ignore=shutil.ignore_patterns(".*"))
    return target


@pytest.fixture
def fake_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An `npm` on PATH that does what a test writes into it."""
    script = tmp_path / "bin" / "npm"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return script


def test_a_full_cache_needs_no_npm(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert data.fill_cache(cache) is False


def test_a_derived_file_is_made_again_without_npm(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cache / data.FEW).unlink()
    monkeypatch.setenv("PATH", "")
    assert data.fill_cache(cache) is True
    assert data.fill_cache(cache) is False


def test_a_missing_npm_is_explained(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cache / "airports.csv").write_text("changed")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(data.DataError, match=r"npm is not on PATH[\s\S]*Install Node\.js"):
        data.fill_cache(cache)


def test_a_failing_npm_is_quoted(cache: Path, fake_npm: Path) -> None:
    (cache / "airports.csv").unlink()
    fake_npm.write_text("#!/bin/sh\necho 'no such registry' >&2\nexit 7\n")
    with pytest.raises(data.DataError, match=r"exit code 7:\nno such registry"):
        data.fill_cache(cache)


def test_a_package_with_other_content_is_refused(cache: Path, fake_npm: Path) -> None:
    (cache / "airports.csv").unlink()
    fake_npm.write_text("#!/bin/sh\necho other > vega-datasets-3.2.1.tgz\n")
    with pytest.raises(data.DataError, match="sha256 is"):
        data.fill_cache(cache)
    assert not (cache / "airports.csv").exists()
    assert not [path.name for path in cache.iterdir() if path.name.startswith(".")]


def test_files_are_placed_and_repaired(tmp_path: Path, cache: Path) -> None:
    target = tmp_path / "target"
    data.place_files(target, cache)
    (target / "airports.csv").write_text("changed")
    (target / "mine.csv").write_text("kept")
    data.place_files(target, cache)
    assert (target / "airports.csv").read_bytes() == (cache / "airports.csv").read_bytes()
    assert (target / "mine.csv").read_text() == "kept"
    assert {path.name for path in target.iterdir()} == {*data.FILES, *data.DERIVED, "mine.csv"}


def test_as_a_command(tmp_path: Path, data_dir: Path) -> None:
    environment = {**os.environ, "ETL_DATA_DIR": str(tmp_path / "here")}
    done = subprocess.run(
        [sys.executable, "-m", "app.data"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"6 files in {tmp_path / 'here'}" in done.stdout


def test_the_damage_is_the_same_every_time(data_dir: Path) -> None:
    flights = json.loads((data_dir / "flights-5k.json").read_bytes())
    before = json.dumps(flights)
    assert data.damaged(flights) == data.damaged(flights)
    assert json.dumps(flights) == before
