"""The contract tables name what the installed `tasker-py` really has."""

from __future__ import annotations

import dataclasses
import enum
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import tasker_core
import tasker_core.types

from tasker_contrib._internal import _contract

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TABLES = Path(__file__).parents[3] / "xtask" / "contract"

pytestmark = pytest.mark.skipif(not TABLES.is_dir(), reason="outside of the repository (sdist)")


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads((TABLES / f"{name}.toml").read_text())


def _class_names() -> list[str]:
    """Every `Class.attribute` that a table says Core has."""
    events, health = _table("events"), _table("health")
    rows = [*events["field"], *health["component"], *_table("errors")["error"]]
    for event in events["event"]:
        rows += event["data"]
    return sorted({row["core"] for row in rows if "core" in row})


def _has(path: str) -> bool:
    owner_name, _, name = path.partition(".")
    owner = getattr(tasker_core, owner_name, None) or getattr(tasker_core.types, owner_name, None)
    if owner is None:
        return False
    if name in getattr(owner, "model_fields", {}):
        return True
    if dataclasses.is_dataclass(owner):
        return name in {field.name for field in dataclasses.fields(owner)}
    return hasattr(owner, name)


def test_the_tables_are_about_the_installed_version() -> None:
    assert version("tasker-py") == _contract.CORE_VERSION
    rows = {row["name"]: row for row in _table("core")["package"]}
    assert rows["tasker-py"]["published"] == _contract.CORE_VERSION


def test_every_event_of_core_is_real() -> None:
    names = {
        value
        for name, value in vars(tasker_core.EventNames).items()
        if not name.startswith("_") and isinstance(value, str)
    }
    named = {event["core"] for event in _table("events")["event"] if "core" in event}
    assert len(named) >= 3
    assert named <= names


@pytest.mark.parametrize("path", _class_names() if TABLES.is_dir() else [])
def test_every_field_of_core_is_real(path: str) -> None:
    assert _has(path), f"{path} is in a contract table and not in tasker-py"


def test_a_field_that_is_not_there_is_noticed() -> None:
    assert not _has("FfiStepEvent.task_uid")
    assert not _has("FfiStepEvnt.task_uuid")
    assert not _has("StepContext.checkpoint_curser")


def test_error_types_are_stored_in_cores_words() -> None:
    rows = [row for row in _table("errors")["error"] if "core" in row]
    assert len(rows) >= 5
    for row in rows:
        owner, _, name = row["core"].partition(".")
        value = getattr(getattr(tasker_core, owner), name)
        assert row["name"] == (value.value if isinstance(value, enum.Enum) else value)
