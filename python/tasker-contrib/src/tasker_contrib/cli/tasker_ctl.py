"""Renders generator templates with ``tasker-ctl``, when that binary is there."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path, PurePosixPath

from tasker_contrib.cli.errors import CliProblem
from tasker_contrib.cli.plugin import Template, plugin_directory
from tasker_contrib.cli.render import RenderedFile

ENV = "TASKER_CTL"
_TIMEOUT_SECONDS = 60


def find() -> str | None:
    """The ``tasker-ctl`` to use: the environment variable TASKER_CTL, then PATH.

    Raises:
        CliProblem: TASKER_CTL names something that cannot be run.
    """
    configured = os.environ.get(ENV)
    if not configured:
        return shutil.which("tasker-ctl")
    found = shutil.which(configured)
    if found is None:
        raise CliProblem(
            f"{ENV}={configured} is not an executable file",
            fix=f"correct it, or unset {ENV} to use the built-in templates",
        )
    return found


def render(binary: str, template: Template, parameters: dict[str, str]) -> list[RenderedFile]:
    """Render ``template`` with ``tasker-ctl`` into a scratch folder and read the files back.

    The folder is the working directory too: it holds a ``.config/tasker.toml`` with one plugin
    path and no remotes, so the user's own configuration cannot change what is generated, and
    ``tasker-ctl``, which overwrites silently, never sees the project.

    Raises:
        CliProblem: ``tasker-ctl`` failed or made no file.
    """
    with tempfile.TemporaryDirectory(prefix="tasker-generate-") as scratch:
        root = Path(scratch)
        (root / ".config").mkdir()
        (root / ".config" / "tasker.toml").write_text(
            f'[cli]\nplugin-paths = ["{_toml(plugin_directory())}"]\n', encoding="utf-8"
        )
        out = root / "out"
        out.mkdir()
        command = [binary, "template", "generate", template.name, "-l", "python", "-o", str(out)]
        for key, value in template.values(parameters).items():
            command += ["-p", f"{key}={value}"]
        try:
            done = subprocess.run(
                command,
                cwd=root,
                env=_environment(),
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_SECONDS,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CliProblem(f"{binary} could not be run: {error}", fix=_FIX) from error
        if done.returncode != 0:
            reason = (done.stderr or done.stdout).strip()
            raise CliProblem(
                f"{binary} exited with {done.returncode} for template '{template.name}': {reason}",
                fix=_FIX,
            )
        files = [
            RenderedFile(
                PurePosixPath(path.relative_to(out).as_posix()), path.read_text(encoding="utf-8")
            )
            for path in sorted(out.rglob("*"))
            if path.is_file()
        ]
        if not files:
            raise CliProblem(f"{binary} made no file for template '{template.name}'", fix=_FIX)
        return files


_FIX = f"check that binary (or set {ENV} to another one, or take it off PATH)"


def _environment() -> dict[str, str]:
    """Ours, without the client profile: every command of ``tasker-ctl`` looks it up.

    The scratch folder's configuration has no profiles, so the name would be an error.
    """
    return {name: value for name, value in os.environ.items() if name != "TASKER_CLIENT_PROFILE"}


def _toml(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"')
