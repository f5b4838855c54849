"""Build hook: ships the generator templates of ``../tasker-cli-plugin`` inside the package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE_DATA = "tasker_contrib/_plugin"


class PluginTemplatesHook(BuildHookInterface):  # type: ignore[type-arg]
    """Copies the templates from the repository, or keeps those an sdist already carries."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the templates to this build; an editable install reads them in place instead."""
        if version == "editable":
            return
        root = Path(self.root)
        shipped = root / "src" / PACKAGE_DATA
        if shipped.is_dir():  # building the wheel from an unpacked sdist
            return
        source = root.parent / "tasker-cli-plugin"
        if not (source / "tasker-plugin.toml").is_file():
            msg = f"{source} has no tasker-plugin.toml: build from a checkout or from the sdist"
            raise FileNotFoundError(msg)
        prefix = "src/" if self.target_name == "sdist" else ""
        for name in ("tasker-plugin.toml", "templates"):
            build_data["force_include"][str(source / name)] = f"{prefix}{PACKAGE_DATA}/{name}"
