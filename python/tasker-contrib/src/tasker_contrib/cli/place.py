"""Places generated files in a project without losing anything that is there.

Everything is checked before the first write; contents go to temporary files beside their targets
first, and only then are these renamed, so a full disk or a refused permission leaves the project
as it was. Undoing a generation removes what is still as it was generated. The rules, with cases
that the generators of all languages run, are in the repository's ``xtask/contract/placing-cases``.
"""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tasker_contrib.cli.errors import CliProblem
from tasker_contrib.cli.render import RenderedFile


class OnConflict(Enum):
    """What to do with a file that exists with other content."""

    ASK = "ask"
    FORCE = "force"
    SKIP = "skip"


class Verdict(Enum):
    """What happens to one file."""

    CREATE = "create"
    UNCHANGED = "unchanged"
    OVERWRITE = "overwrite"
    SKIP = "skip"


@dataclass(frozen=True)
class Placed:
    """One file and what happens (or happened) to it."""

    path: Path
    verdict: Verdict
    content: str


Ask = Callable[[Path, str], bool]
"""Called with a conflicting path and its diff; true means overwrite."""


def plan(
    root: Path,
    files: Sequence[RenderedFile],
    on_conflict: OnConflict,
    ask: Ask | None = None,
) -> list[Placed]:
    """Decide what happens to each file; writes nothing.

    Args:
        root: The project; no file outside it is ever written, through links neither.
        files: What to place.
        on_conflict: The rule for files that exist with other content.
        ask: Asks the user; None when there is no terminal.

    Raises:
        CliProblem: a path leaves ``root``, is taken by a folder, cannot be written, or conflicts
            and there is nobody to ask.
    """
    base = root.resolve()
    targets = [(_inside(base, file), file) for file in files]
    seen: set[Path] = set()
    for target, file in targets:
        if target in seen:
            raise CliProblem(f"two generated files have the same path: {file.path}")
        seen.add(target)
        _writable(target, file)

    placed: list[Placed] = []
    conflicts: list[Path] = []
    for target, file in targets:
        verdict = Verdict.CREATE
        if target.exists():
            current = target.read_bytes()
            if current == file.content.encode():
                verdict = Verdict.UNCHANGED
            elif on_conflict is OnConflict.FORCE:
                verdict = Verdict.OVERWRITE
            elif on_conflict is OnConflict.SKIP:
                verdict = Verdict.SKIP
            elif ask is None:
                conflicts.append(target)
            else:
                overwrite = ask(target, _diff(target, current, file.content))
                verdict = Verdict.OVERWRITE if overwrite else Verdict.SKIP
        placed.append(Placed(target, verdict, file.content))
    if conflicts:
        listed = "\n".join(f"  {path}" for path in conflicts)
        raise CliProblem(
            f"these files exist with other content, nothing was written:\n{listed}",
            fix="run it again with --force (overwrite), --skip (keep them) or --dry-run (look)",
        )
    return placed


def write(placed: Sequence[Placed]) -> None:
    """Write what ``plan`` decided: all temporary files first, then all renames.

    Raises:
        CliProblem: the file system refused; nothing of the project was changed.
    """
    pending = [item for item in placed if item.verdict in (Verdict.CREATE, Verdict.OVERWRITE)]
    made_folders: list[Path] = []
    temporary: list[tuple[str, Path]] = []
    try:
        for item in pending:
            _make_folder(item.path.parent, made_folders)
            temporary.append((_write_beside(item), item.path))
    except OSError as error:
        for name, _ in temporary:
            Path(name).unlink(missing_ok=True)
        for folder in reversed(made_folders):
            folder.rmdir()
        raise CliProblem(
            f"cannot write {error.filename}: {error.strerror}; nothing was changed",
            fix="free the disk or correct the permissions, then run it again",
        ) from error
    for name, target in temporary:
        os.replace(name, target)


class Fate(Enum):
    """What undoing a generation does to one file."""

    REMOVE = "remove"
    EDITED = "edited"
    ABSENT = "absent"


@dataclass(frozen=True)
class Undone:
    """One file and what undoing does (or did) to it."""

    path: Path
    fate: Fate


def plan_undo(root: Path, files: Sequence[RenderedFile]) -> list[Undone]:
    """Decide what undoing the generation of ``files`` does; removes nothing.

    Args:
        root: The project.
        files: What was placed: the same templates rendered with the same parameters.

    Raises:
        CliProblem: a path leaves ``root``.
    """
    base = root.resolve()
    undone = []
    for file in files:
        target, place = _inside(base, file), base / file.path
        if place.is_symlink() or target.is_dir():
            fate = Fate.EDITED  # no generator makes those
        elif not target.exists():
            fate = Fate.ABSENT
        else:
            is_as_generated = target.read_bytes() == file.content.encode()
            fate = Fate.REMOVE if is_as_generated else Fate.EDITED
        undone.append(Undone(target, fate))
    return undone


def undo(root: Path, undone: Sequence[Undone]) -> None:
    """Remove what ``plan_undo`` decided, and folders that become empty by that.

    Raises:
        CliProblem: the file system refused; the message says what is left.
    """
    base = root.resolve()
    for item in undone:
        if item.fate is not Fate.REMOVE:
            continue
        try:
            item.path.unlink()
        except OSError as error:
            raise CliProblem(
                f"cannot remove {item.path}: {error.strerror}; it and what comes after it is left",
                fix="correct the permissions, then run it again",
            ) from error
        for folder in item.path.parents:
            if folder == base or any(folder.iterdir()):
                break
            folder.rmdir()


def _inside(base: Path, file: RenderedFile) -> Path:
    """The real path of ``file``, links resolved, which must lie in ``base``."""
    target = (base / file.path).resolve()
    if file.path.is_absolute() or ".." in file.path.parts or not target.is_relative_to(base):
        raise CliProblem(
            f"refusing to write outside {base}: {file.path} → {target}",
            fix="remove the link, or run the command in the folder it points to",
        )
    return target


def _writable(target: Path, file: RenderedFile) -> None:
    if target.is_dir():
        raise CliProblem(f"{target} is a folder, but a file of that name is to be generated")
    existing = target if target.exists() else target.parent
    while not existing.exists():
        existing = existing.parent
    if existing is not target and not existing.is_dir():
        raise CliProblem(f"{existing} is a file, but {file.path} needs it to be a folder")
    folder = existing.parent if existing is target else existing
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CliProblem(f"{folder} is not writable", fix="correct its permissions")


def _make_folder(folder: Path, made: list[Path]) -> None:
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for path in reversed(missing):
        path.mkdir()
        made.append(path)


def _write_beside(item: Placed) -> str:
    mode = item.path.stat().st_mode & 0o777 if item.path.exists() else 0o666 & ~_umask()
    handle, name = tempfile.mkstemp(prefix=f".{item.path.name}.", dir=item.path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(item.content.encode())
        os.chmod(name, mode)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    return name


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _diff(target: Path, current: bytes, wanted: str) -> str:
    return "".join(
        difflib.unified_diff(
            current.decode(errors="replace").splitlines(keepends=True),
            wanted.splitlines(keepends=True),
            fromfile=f"{target} (now)",
            tofile=f"{target} (generated)",
        )
    )
