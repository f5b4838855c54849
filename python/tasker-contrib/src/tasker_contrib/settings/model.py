"""All settings of an app."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, SecretStr, ValidationError
from pydantic import field_validator as _validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from typing_extensions import Self

from .._internal import core_keys
from .._internal._contract import CONFIG_KEYS, CORE_VERSION, SETTINGS
from .._internal.names import did_you_mean
from ..errors import TaskerConfigError, TaskerConfigWarning
from .explain import Explained, differences, explained
from .sections import (
    DatabaseSettings,
    OrchestrationSettings,
    QueueSettings,
    WorkerSettings,
    flat,
    leaves,
)
from .sources import (
    Noted,
    PlainVariables,
    SettingsFile,
    collected_sources,
    option_label,
    settings_file,
    sources_of,
)
from .variables import PREFIX, unknown_variables


class TaskerSettings(BaseSettings):
    """All settings. Every argument is optional; wrong ones raise at once, all in one error.

    Raises:
        TaskerConfigError: unknown names, wrong types, values outside Core's ranges, a database URL
            that would abort Core. The message has the key, the value, the limits and the source.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
        use_attribute_docstrings=True,
    )

    mode: Literal["auto", "off", "client", "worker"] = "auto"
    """What this process does: run a worker, only create tasks, nothing, or decide by itself."""
    templates: Path = Path("config/tasks")
    """Directory of the task templates."""
    handlers: Annotated[tuple[str, ...], NoDecode] = ("app.handlers",)
    """Modules (with submodules) that hold the handlers. Comma-separated in the environment."""
    drain_timeout: float = Field(default=30.0, ge=0, le=3600)
    """Seconds that running steps get at stop; 0 stops at once (see the README)."""
    log_level: Literal["trace", "debug", "info", "warn", "error", "off"] = "warn"
    """Level of the native library's console log."""
    database: DatabaseSettings = DatabaseSettings()
    """Tasker's PostgreSQL."""
    orchestration: OrchestrationSettings = OrchestrationSettings()
    """The orchestration server."""
    worker: WorkerSettings = WorkerSettings()
    """Execution of steps."""
    queues: QueueSettings = QueueSettings()
    """Messaging."""
    environment: str | None = None
    """`test`, `development` or `production`; shown in status and health."""
    core: dict[str, Any] = Field(default_factory=dict, repr=False)
    """Any other key of Core by its dotted path, e.g. `{"common.backoff.jitter_enabled": False}`."""

    _sources: dict[str, str] = PrivateAttr(default_factory=dict)
    _core_values: dict[str, Any] = PrivateAttr(default_factory=dict)
    _core_sources: dict[str, str] = PrivateAttr(default_factory=dict)

    def __init__(self, **values: Any) -> None:
        collected: list[tuple[str, dict[str, Any]]] = []
        token = collected_sources.set(collected)
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise TaskerConfigError(_problems(error, sources_of(collected))) from None
        finally:
            collected_sources.reset(token)
        self._sources = sources_of(collected)
        problems = [*unknown_variables(os.environ, _known_names()), *self._collect_core()]
        if problems:
            raise TaskerConfigError(problems)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], *, where: str) -> Self:
        """Settings from a dictionary, such as Django's `TASKER = {…}`.

        Names may be written in capitals; nested dictionaries are the groups.

        Args:
            values: they come before the environment, as arguments do.
            where: what the dictionary is called in messages, such as `settings.TASKER`.

        Raises:
            TaskerConfigError: as for the arguments.

        Example:
            ```python
            TaskerSettings.from_mapping({"DATABASE": {"POOL_SIZE": 20}}, where="TASKER")
            ```
        """
        token = option_label.set(where)
        try:
            return cls(**_lower(values, where))
        finally:
            option_label.reset(token)

    @_validator("handlers", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @_validator("core", mode="before")
    @classmethod
    def _flatten(cls, value: Any) -> Any:
        return dict(flat(value)) if isinstance(value, Mapping) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources and note what each one says."""
        path, required = settings_file()
        return (
            Noted(settings_cls, option_label.get(), init_settings),
            Noted(settings_cls, "environment", env_settings),
            Noted(settings_cls, "environment", PlainVariables(settings_cls)),
            Noted(settings_cls, f"file {path}", SettingsFile(settings_cls, path, required)),
        )

    def _collect_core(self) -> list[str]:
        """Fill `_core_values` from our names and from `core`; return the problems."""
        problems = []
        for setting in SETTINGS.values():
            value = self.value(setting.name)
            if value is None:
                continue
            source = self.source(setting.name)
            label = f"{setting.name} = {core_keys.shown(setting.path, value)} ({source})"
            try:
                checked = core_keys.check(CONFIG_KEYS[setting.path], value)
            except core_keys.Problem as problem:
                if source == "environment DATABASE_URL" and self.mode in ("client", "off"):
                    continue  # it is the application's own, and a client needs none
                problems.append(f"{label}: {problem} [Core's key {setting.path}]")
                continue
            self._core_values[setting.path] = checked
            self._core_sources[setting.path] = source
        for path, value in self.core.items():
            source = self.source(f"core.{path}")
            label = f"core[{path!r}] = {core_keys.shown(path, value)} ({source})"
            try:
                key = core_keys.lookup(path)
                checked = core_keys.check(key, value)
            except core_keys.Problem as problem:
                problems.append(f"{label}: {problem}")
                continue
            if path in self._core_values:
                name = next(s.name for s in SETTINGS.values() if s.path == path)
                problems.append(f"{label}: is also set by the setting {name!r}; keep one")
                continue
            if path.startswith("orchestration."):
                problems.append(f"{label}: is a key of the server; a worker does not read it")
                continue
            if key.inert:
                warnings.warn(
                    f"{label} has no effect: Core {CORE_VERSION} never reads this key",
                    TaskerConfigWarning,
                    stacklevel=5,
                )
            self._core_values[path] = checked
            self._core_sources[path] = source
        return problems

    def value(self, name: str) -> Any:
        """A setting as it was given, secrets in clear text; None if it was not."""
        value: Any = self
        for part in name.split("."):
            value = getattr(value, part)
        return value.get_secret_value() if isinstance(value, SecretStr) else value

    def source(self, name: str) -> str:
        """Where a setting comes from.

        Args:
            name: dotted, such as `database.pool_size`.

        Returns:
            `option`, `environment NAME`, `file PATH` or `default`.
        """
        return self._sources.get(name, "default")

    def is_in_code(self, name: str) -> bool:
        """Whether a setting comes from the program, not from the environment or a file."""
        return name in self._sources and not self.source(name).startswith(("environment ", "file "))

    def core_sources(self) -> dict[str, str]:
        """Where each of `core_values` comes from."""
        return dict(self._core_sources)

    def core_values(self) -> dict[str, Any]:
        """Core's keys that a source set, by dotted path."""
        return dict(self._core_values)

    @property
    def database_url(self) -> str:
        """The effective database URL, password included."""
        value = self._core_values.get("common.database.url")
        return str(value or CONFIG_KEYS["common.database.url"].default)

    @property
    def orchestration_url(self) -> str:
        """The effective base URL of the orchestration server, without a slash at the end."""
        path = "worker.orchestration_client.base_url"
        return str(self._core_values.get(path) or CONFIG_KEYS[path].default).rstrip("/")

    @property
    def concurrency(self) -> int:
        """The effective number of steps executed at the same time."""
        path = SETTINGS["worker.concurrency"].path
        value = self._core_values.get(path, CONFIG_KEYS[path].default)
        assert isinstance(value, int)
        return value

    @property
    def connect_timeout(self) -> int:
        """The effective number of seconds to wait for a database connection."""
        path = SETTINGS["database.connect_timeout"].path
        value = self._core_values.get(path, CONFIG_KEYS[path].default)
        assert isinstance(value, int)
        return value

    def explain(self) -> list[Explained]:
        """Every effective value with its source, secrets masked."""
        return explained(self)

    def differences(self, other: TaskerSettings) -> list[str]:
        """Names of the settings in which two instances differ."""
        return differences(self, other)


def _lower(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The same with names in small letters, also in the groups."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        name = str(key).lower()
        if name in found:
            raise TaskerConfigError(f"{where}: {key!r} is there twice, in other letters; keep one")
        inner = f"{where}[{key!r}]"
        found[name] = _lower(value, inner) if isinstance(value, Mapping) else value
    return found


def _known_names() -> list[str]:
    names = [name for name, _ in leaves(TaskerSettings)]
    return list(dict.fromkeys([*TaskerSettings.model_fields, *names]))


def _problems(error: ValidationError, sources: dict[str, str]) -> list[str]:
    problems = []
    for detail in error.errors(include_url=False):
        name = ".".join(str(part) for part in detail["loc"])
        found = (s for n, s in sources.items() if n == name or n.startswith(f"{name}."))
        source = next(found, option_label.get())
        if detail["type"] == "extra_forbidden":
            hint = did_you_mean(name, _known_names())
            hint = hint or "; keys of Core go into `core`, by their dotted path"
            problems.append(f"{name} ({source}): unknown setting{hint}")
            continue
        value = core_keys.shown(name, detail.get("input"))
        problems.append(f"{name} = {value} ({source}): {detail['msg']}")
    return problems
