"""Every effective value, and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .._internal import core_keys
from .._internal._contract import CONFIG_KEYS, SETTINGS
from .._internal.mode import decision
from .sections import OUR_DEFAULTS, leaves

if TYPE_CHECKING:
    from .model import TaskerSettings


class Explained(NamedTuple):
    """One effective value.

    Attributes:
        name: the setting, or Core's dotted key.
        value: as text, secrets masked.
        source: `option`, `environment NAME`, `file PATH` or `default`; for a mode that was decided
            also the reason.
        core_key: Core's key that gets the value; None for settings of this package.
        doc: what it does.
    """

    name: str
    value: str
    source: str
    core_key: str | None
    doc: str


def explained(settings: TaskerSettings) -> list[Explained]:
    """Every effective value with its source, secrets masked."""
    rows: list[Explained] = []
    by_name = {setting.name: setting for setting in SETTINGS.values()}
    chosen, sources = settings.core_values(), settings.core_sources()
    for name, info in leaves(type(settings)):
        if name == "core":
            continue
        setting = by_name.get(name)
        value = settings.value(name)
        doc = (info.description or "").strip()
        source = settings.source(name)
        if setting is not None:
            if value is None:  # perhaps it was set by Core's own path
                value = chosen.get(setting.path, _default(setting.path))
                source = sources.get(setting.path, source)
            doc = doc or setting.doc
        elif name == "mode" and value == "auto":
            decided = decision(settings)
            value, source = decided.mode, f"{source}: auto, because {decided.reason}"
        path = setting.path if setting else None
        rows.append(Explained(name, core_keys.shown(path or name, value), source, path, doc))
    named = {setting.path for setting in SETTINGS.values()}
    for path, key in CONFIG_KEYS.items():
        if path in named or path.startswith("orchestration."):
            continue
        shown = core_keys.shown(path, chosen.get(path, _default(path)))
        rows.append(Explained(path, shown, sources.get(path, "default"), path, key.doc))
    return rows


def differences(one: TaskerSettings, other: TaskerSettings) -> list[str]:
    """Names of the settings in which two instances differ, secrets included."""
    ours = {row.name: row for row in explained(one)}
    theirs = {row.name: row for row in explained(other)}
    names = [name for name, row in ours.items() if row.value != theirs[name].value]
    for name, _ in leaves(type(one)):
        if name not in names and name != "core" and one.value(name) != other.value(name):
            names.append(name)  # only what is masked differs
    return names


def _default(path: str) -> Any:
    if path == "common.database.url":
        return None  # Core's file needs a URL, but a default one would be made up
    return OUR_DEFAULTS.get(path, CONFIG_KEYS[path].default)
