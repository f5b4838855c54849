"""The generator templates: where they are and what they declare (``tasker-plugin.toml``)."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasker_contrib.cli.errors import CliProblem, UsageProblem

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MANIFEST = "tasker-plugin.toml"


@dataclass(frozen=True)
class Parameter:
    """One parameter of a template; values are always text."""

    name: str
    required: bool
    default: str | None


@dataclass(frozen=True)
class Output:
    """One file a template makes; ``filename`` and ``subdir`` are templates themselves."""

    template: str
    filename: str
    subdir: str | None


@dataclass(frozen=True)
class Template:
    """A template directory with its ``template.toml``."""

    name: str
    directory: Path
    parameters: tuple[Parameter, ...]
    outputs: tuple[Output, ...]

    def values(self, given: dict[str, str]) -> dict[str, str]:
        """The parameters to render with: given values over defaults.

        Raises:
            UsageProblem: a required parameter without a value.
        """
        values = {
            parameter.name: parameter.default
            for parameter in self.parameters
            if parameter.default is not None
        }
        values.update(given)
        for parameter in self.parameters:
            if parameter.required and parameter.name not in values:
                raise UsageProblem(
                    f"template '{self.name}' needs the parameter '{parameter.name}'",
                    fix=f"give {parameter.name}=VALUE",
                )
        return values


def plugin_directory() -> Path:
    """The directory with ``tasker-plugin.toml``: inside the wheel, or beside an editable install.

    Raises:
        CliProblem: neither exists, so the installation is damaged.
    """
    package = Path(__file__).resolve().parents[1]
    # src/tasker_contrib → src → tasker-contrib → python/tasker-cli-plugin
    checkout = package.parents[2] / "tasker-cli-plugin"
    for candidate in (package / "_plugin", checkout):
        if (candidate / MANIFEST).is_file():
            return candidate
    raise CliProblem(
        f"the generator templates are missing from this installation ({package / '_plugin'})",
        fix="reinstall it: pip install --force-reinstall tasker-contrib",
    )


def load_template(name: str) -> Template:
    """Read one template of the plugin.

    Raises:
        CliProblem: the plugin has no template of that name.
    """
    root = plugin_directory()
    manifest = _read(root / MANIFEST)
    for entry in manifest["templates"]:
        if entry["name"] == name:
            directory = root / entry["path"]
            data = _read(directory / "template.toml")
            return Template(
                name=name,
                directory=directory,
                parameters=tuple(
                    Parameter(item["name"], item.get("required", False), item.get("default"))
                    for item in data.get("parameters", [])
                ),
                outputs=tuple(
                    Output(item["template"], item["filename"], item.get("subdir"))
                    for item in data["outputs"]
                ),
            )
    raise CliProblem(f"the plugin {root} has no template '{name}'")


def _read(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    return data
