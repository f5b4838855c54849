"""Makes the copied application a project of its own: `finish.py NAME`, in the new folder."""

from __future__ import annotations

import sys
from pathlib import Path

OLD = "document-intake"

# The files that have the name of the project.
NAMED = (
    ".devcontainer/devcontainer.json",
    "README.md",
    "app/__init__.py",
    "app/main.py",
    "compose.production.yaml",
    "compose.yaml",
    "pyproject.toml",
    "values.yaml",
)

# In pyproject.toml: a line that only the template's own repository needs, and the start of a part.
LINE = "# template only"
PART = "# --- of the template's repository"


def title(name: str) -> str:
    return name.replace("-", " ").capitalize()


def without_our_own(manifest: str) -> str:
    manifest = manifest.partition(PART)[0].rstrip() + "\n"
    lines = manifest.splitlines(keepends=True)
    return "".join(line for line in lines if LINE not in line)


def finish(folder: Path, name: str) -> None:
    for file in NAMED:
        path = folder / file
        text = path.read_text().replace(OLD, name).replace(title(OLD), title(name))
        if file == "pyproject.toml":
            text = without_our_own(text)
        path.write_text(text)
    (folder / "requirements.dev.lock").rename(folder / "requirements.lock")


if __name__ == "__main__":
    finish(Path.cwd(), sys.argv[1])
