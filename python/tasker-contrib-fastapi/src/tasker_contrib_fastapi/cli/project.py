"""``tasker init``: the files of a new project."""

from __future__ import annotations

import json
import os
import shutil
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

from tasker_contrib.cli.cases import kebab_case, snake_case
from tasker_contrib.cli.errors import UsageProblem
from tasker_contrib.cli.render import RenderedFile, environment

from tasker_contrib_fastapi import __version__

_SKELETON = Path(__file__).with_name("skeleton")
_SUFFIX = ".j2"
# Core's queue name leaves 29 characters for a namespace.
_MAX_NAMESPACE = 29
_INSTALL_TASKER_DEV = (
    "  cargo install --path ops/dev-server --locked   # in a clone of tasker-contrib: tasker-dev"
)


def files(directory: Path) -> list[RenderedFile]:
    """Render the project; its names come from the folder's.

    Raises:
        UsageProblem: the folder's name has no letter to make a package name of.
    """
    folder = directory.resolve().name
    namespace = snake_case(folder.encode("ascii", "ignore").decode()).lstrip("_0123456789")
    if not namespace:
        raise UsageProblem(
            f"no project name can be made from the folder name '{folder}'",
            fix="use a folder whose name has letters, for example: tasker init shop",
        )
    namespace = namespace[:_MAX_NAMESPACE].rstrip("_")
    values = {"name": kebab_case(namespace), "namespace": namespace, "version": __version__}
    jinja = environment()
    made = []
    for source in sorted(_SKELETON.rglob(f"*{_SUFFIX}")):
        path = PurePosixPath(source.relative_to(_SKELETON).as_posix()[: -len(_SUFFIX)])
        text = source.read_text(encoding="utf-8")
        # Hidden files have no dot in the package: build tools leave dot files out.
        parts = [
            part.replace("dot_", ".", 1) if part[:4] == "dot_" else part for part in path.parts
        ]
        made.append(RenderedFile(PurePosixPath(*parts), jinja.from_string(text).render(values)))
    return made


def next_steps(directory: Path) -> str:
    """What to type now."""
    tasker_dev = [] if shutil.which("tasker-dev") else [_INSTALL_TASKER_DEV]
    lines = [
        "",
        "Next:",
        "  python -m venv .venv && . .venv/bin/activate",
        *_install_ourselves(),
        "  pip install -e '.[dev]'",
        "  pytest",
        *tasker_dev,
        "  tasker-dev up                     # PostgreSQL and Tasker, in another terminal",
        "  cp .env.example .env              # and put the two URLs that it prints there",
        "  uvicorn app.main:app --env-file .env",
    ]
    if directory.resolve() != Path.cwd():
        lines.insert(2, f"  cd {os.path.relpath(directory)}")
    return "\n".join(lines)


def _install_ourselves() -> list[str]:
    """The command for packages that did not come from an index, where pip would look for them."""
    words = []
    for name in ("tasker-contrib", "tasker-contrib-fastapi"):
        try:
            origin = distribution(name).read_text("direct_url.json")
        except PackageNotFoundError:
            origin = None
        if origin is not None:
            words.append(f"'{name}[cli] @ {json.loads(origin)['url']}'")
    return [f"  pip install {' '.join(words)}"] if words else []
