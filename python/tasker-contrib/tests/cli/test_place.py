"""Placing files: nothing outside, nothing lost, nothing half-written."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import pytest

from tasker_contrib.cli import place
from tasker_contrib.cli.errors import CliProblem
from tasker_contrib.cli.place import OnConflict, Verdict, plan, write
from tasker_contrib.cli.render import RenderedFile


def rendered(path: str, content: str = "new\n") -> RenderedFile:
    return RenderedFile(PurePosixPath(path), content)


def snapshot(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): path.read_text() if path.is_file() else "(folder)"
        for path in sorted(root.rglob("*"))
    }


def run(root: Path, *files: RenderedFile, rule: OnConflict = OnConflict.ASK) -> list[Verdict]:
    placed = plan(root, files, rule)
    write(placed)
    return [item.verdict for item in placed]


def test_new_files_with_their_folders(tmp_path: Path) -> None:
    assert run(tmp_path, rendered("a/b/c.py"), rendered("d.py")) == [Verdict.CREATE] * 2
    assert (tmp_path / "a/b/c.py").read_text() == "new\n"
    umask = os.umask(0)
    os.umask(umask)
    assert (tmp_path / "d.py").stat().st_mode & 0o777 == 0o666 & ~umask
    assert sorted(snapshot(tmp_path)) == ["a", "a/b", "a/b/c.py", "d.py"], "no temporary files"


def test_an_identical_file_is_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text("new\n")
    before = file.stat().st_mtime_ns
    assert run(tmp_path, rendered("a.py")) == [Verdict.UNCHANGED]
    assert file.stat().st_mtime_ns == before


def test_a_conflict_writes_nothing_at_all(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text("mine\n")
    before = snapshot(tmp_path)
    with pytest.raises(CliProblem, match=r"b\.py") as raised:
        run(tmp_path, rendered("a.py"), rendered("b.py"))
    assert "--force" in (raised.value.fix or "")
    assert snapshot(tmp_path) == before


def test_force_and_skip(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text("mine\n")
    (tmp_path / "b.py").chmod(0o755)
    files = [rendered("a.py"), rendered("b.py")]
    assert run(tmp_path, *files, rule=OnConflict.SKIP) == [Verdict.CREATE, Verdict.SKIP]
    assert (tmp_path / "b.py").read_text() == "mine\n"
    assert run(tmp_path, *files, rule=OnConflict.FORCE) == [Verdict.UNCHANGED, Verdict.OVERWRITE]
    assert (tmp_path / "b.py").read_text() == "new\n"
    assert (tmp_path / "b.py").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("answer", [True, False])
def test_asking(tmp_path: Path, answer: bool) -> None:
    (tmp_path / "b.py").write_text("mine\n")
    asked: list[str] = []

    def ask(path: Path, difference: str) -> bool:
        asked.append(difference)
        return answer

    [item] = plan(tmp_path, [rendered("b.py")], OnConflict.ASK, ask)
    assert item.verdict is (Verdict.OVERWRITE if answer else Verdict.SKIP)
    assert "-mine" in asked[0]
    assert "+new" in asked[0]


@pytest.mark.parametrize("path", ["../x.py", "a/../../x.py", "/x.py", "a/../x.py"])
def test_paths_that_leave_the_project(tmp_path: Path, path: str) -> None:
    root = tmp_path / "project"
    root.mkdir()
    before = snapshot(tmp_path)
    for rule in OnConflict:
        with pytest.raises(CliProblem, match="refusing to write outside"):
            run(root, rendered("ok.py"), rendered(path), rule=rule)
    assert snapshot(tmp_path) == before


def test_links_that_leave_the_project(tmp_path: Path) -> None:
    root, outside = tmp_path / "project", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "x.py").write_text("theirs\n")
    (root / "folder").symlink_to(outside)
    (root / "file.py").symlink_to(outside / "x.py")
    (root / "dangling.py").symlink_to(outside / "new.py")
    before = snapshot(outside)
    for path in ("folder/x.py", "folder/deep/y.py", "file.py", "dangling.py"):
        with pytest.raises(CliProblem, match="refusing to write outside"):
            run(root, rendered(path), rule=OnConflict.FORCE)
    assert snapshot(outside) == before


def test_a_project_that_is_itself_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert run(tmp_path / "link", rendered("a.py")) == [Verdict.CREATE]
    assert (tmp_path / "real/a.py").is_file()


def test_folders_and_files_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "a.py").mkdir()
    (tmp_path / "b").write_text("")
    before = snapshot(tmp_path)
    with pytest.raises(CliProblem, match="is a folder"):
        run(tmp_path, rendered("ok.py"), rendered("a.py"), rule=OnConflict.FORCE)
    with pytest.raises(CliProblem, match="is a file"):
        run(tmp_path, rendered("ok.py"), rendered("b/c.py"), rule=OnConflict.FORCE)
    assert snapshot(tmp_path) == before


def test_the_same_path_twice(tmp_path: Path) -> None:
    with pytest.raises(CliProblem, match="same path"):
        run(tmp_path, rendered("a.py"), rendered("./a.py"))


def test_a_write_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "b.py").write_text("mine\n")
    before = snapshot(tmp_path)
    real = place._write_beside

    def full_disk(item: place.Placed) -> str:
        if item.path.name == "b.py":
            raise OSError(28, "No space left on device", str(item.path))
        return real(item)

    monkeypatch.setattr(place, "_write_beside", full_disk)
    with pytest.raises(CliProblem, match=r"No space left on device; nothing was changed"):
        run(tmp_path, rendered("new/a.py"), rendered("b.py"), rule=OnConflict.FORCE)
    assert snapshot(tmp_path) == before
