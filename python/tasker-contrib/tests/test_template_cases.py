"""The template cases that all languages share (`xtask/contract/template-cases`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tasker_contrib.templates import load_templates, shape

CONTRACT = Path(__file__).parents[3] / "xtask/contract"
SCHEMA = "task-template.schema.json"
FILE = yaml.safe_load((CONTRACT / "template-cases/cases.yaml").read_text())


def files_of(case: dict[str, Any]) -> dict[str, Any]:
    if "files" in case:
        return dict(case["files"])
    steps = case.get("steps", [{"name": "a", "handler": {"callable": "x"}}])
    return {"a.yaml": yaml.safe_dump({**FILE["base"], "steps": steps, **case.get("top", {})})}


def write(folder: Path, name: str, content: Any) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    match content:
        case str():
            path.write_text(content)
        case {"hex": data}:
            path.write_bytes(bytes.fromhex(data))
        case {"link": target}:
            path.symlink_to(target)
        case {"nested": levels}:
            path.write_text(f"name: {'[' * levels}{']' * levels}")
        case _:
            raise AssertionError(content)


@pytest.mark.parametrize("case", FILE["cases"], ids=lambda case: case["name"])
def test_template_case(tmp_path: Path, case: dict[str, Any]) -> None:
    files = files_of(case)
    for name, content in files.items():
        write(tmp_path, name, content)
    report = load_templates(tmp_path)
    if "says" not in case:
        assert report.errors == []
        assert report.templates
        return
    words = [word.lower() for word in case["says"]]
    errors = [error.lower() for error in report.errors]
    assert any(all(word in error for word in words) for error in errors), report.errors
    assert all(any(str(tmp_path / name) in error for name in files) for error in report.errors)


def test_the_schema_is_that_of_the_contract() -> None:
    own = Path(shape.__file__).with_name(SCHEMA).read_text()
    assert own == (CONTRACT / SCHEMA).read_text()
    jsonschema.Draft202012Validator.check_schema(yaml.safe_load(own))
