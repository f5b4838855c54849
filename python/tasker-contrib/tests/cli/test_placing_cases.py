"""The rules of placing files, with the cases that the generators of all languages run."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from tasker_contrib.cli import names
from tasker_contrib.cli.errors import CliProblem, UsageProblem
from tasker_contrib.cli.place import (
    Ask,
    OnConflict,
    Verdict,
    plan,
    plan_undo,
    undo,
    write,
)
from tasker_contrib.cli.render import RenderedFile

FOLDER = Path(__file__).parents[4] / "xtask/contract/placing-cases"
NAMES = yaml.safe_load((FOLDER / "names.yaml").read_text())
CASES = sorted(path for path in FOLDER.glob("*.yaml") if path.name != "names.yaml")

ERRORS = {
    "conflict": "exist with other content, nothing was written",
    "outside": "refusing to write outside",
    "twice": "two generated files have the same path",
    "in_the_way": "is a folder|is a file",
}


def tree(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()
    }


def put(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        folder = path if name.endswith("/") else path.parent
        folder.mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_text(text)


def rendered(files: dict[str, str]) -> list[RenderedFile]:
    return [RenderedFile(PurePosixPath(path), text) for path, text in files.items()]


def generate(root: Path, step: dict[str, Any]) -> dict[str, str]:
    """What the command line does with these files, one word for each."""
    answers = step.get("answers")
    dry_run = step.get("dry_run", False)
    ask: Ask | None = None
    if dry_run:
        ask = lambda path, difference: False  # noqa: E731
    elif answers is not None:
        ask = lambda path, difference: answers[str(path.relative_to(root))]  # noqa: E731
    placed = plan(root, rendered(step["generate"]), OnConflict(step["rule"]), ask)
    if not dry_run:
        write(placed)
    words = {}
    for item in placed:
        is_conflict = dry_run and item.verdict is Verdict.SKIP
        words[str(item.path.relative_to(root))] = "conflict" if is_conflict else item.verdict.value
    return words


def take_back(root: Path, step: dict[str, Any]) -> dict[str, str]:
    files = rendered(step["undo"])
    undone = plan_undo(root, files)
    if not step.get("dry_run", False):
        undo(root, undone)
    return {str(file.path): item.fate.value for file, item in zip(files, undone, strict=True)}


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_case(case: Path, tmp_path: Path) -> None:
    what = yaml.safe_load(case.read_text())
    root, outside = tmp_path / "project", tmp_path / "outside"
    root.mkdir()
    put(outside, {"file.txt": "theirs\n"})
    put(root, what.get("before", {}))
    for link, target in what.get("links", {}).items():
        (root / link).symlink_to(target)
    for step in what["steps"]:
        if "write" in step:
            put(root, step["write"])
            continue
        act = generate if "generate" in step else take_back
        if "error" not in step:
            assert list(act(root, step).items()) == list(step["expect"].items())
            continue
        with pytest.raises(CliProblem, match=ERRORS[step["error"]]) as raised:
            act(root, step)
        for name in step["names"]:
            assert name in str(raised.value)
    after = tree(root)
    for link, target in what.get("links", {}).items():
        if target.startswith("../outside"):
            after.pop(link, None)
    assert after == what["after"]
    assert tree(outside) == {"file.txt": "theirs\n"}, "nothing outside of the project changes"
    empty = [path for path in root.rglob("*") if path.is_dir() and not any(path.iterdir())]
    made_empty = [root / name for name in what.get("before", {}) if name.endswith("/")]
    assert [path for path in empty if path not in made_empty] == []


@pytest.mark.parametrize("name", NAMES["accepted"])
def test_names_that_are_accepted(name: str) -> None:
    assert re.fullmatch("[a-z][a-z0-9_]*", names.handler_name(name))


@pytest.mark.parametrize("name", NAMES["refused"])
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(UsageProblem):
        names.handler_name(name)
