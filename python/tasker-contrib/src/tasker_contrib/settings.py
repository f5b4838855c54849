"""Settings of Tasker in an app: names an app's developer expects, written through to Core's keys.

Values come from, in this order: arguments, environment (`TASKER_…`, nested names joined by `__`),
`DATABASE_URL` and `TASKER_ORCHESTRATION_URL`, a TOML file (`TASKER_SETTINGS_FILE`, or `tasker.toml`
in the working directory), Core's defaults.

Example:
    ```python
    settings = TaskerSettings(
        database={"url": "postgresql://app:secret@db:5432/app", "pool_size": 20},
        handlers=["shop.handlers"],
        core={"common.mpsc_channels.event_publisher.event_queue_buffer_size": 2000},
    )
    ```
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_origin

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, ValidationError
from pydantic import field_validator as _validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from ._internal import core_keys
from ._internal._contract import CONFIG_KEYS, SETTINGS
from ._internal.mode import decision
from ._internal.names import did_you_mean
from ._internal.toml import read_toml
from .errors import TaskerConfigError

__all__ = [
    "DatabaseSettings",
    "Explained",
    "OrchestrationSettings",
    "QueueSettings",
    "TaskerSettings",
    "WorkerSettings",
]

PREFIX = "TASKER_"
FILE_VARIABLE = "TASKER_SETTINGS_FILE"
DEFAULT_FILE = "tasker.toml"

#: Plain variables that are honoured after the prefixed ones.
PLAIN_VARIABLES = {"DATABASE_URL": "database.url", "TASKER_ORCHESTRATION_URL": "orchestration.url"}

#: Where Core's own default is not safe for an app, by Core's path. Core's notifications reach every
#: worker of a namespace with the step inside, and its claim is not atomic: two workers run the same
#: step. A read from the queue gives it to one.
OUR_DEFAULTS = {SETTINGS["worker.delivery"].path: "PollingOnly"}

#: Variables with our prefix that belong to Core, to its tools or to other parts of this project.
FOREIGN_VARIABLES = frozenset(
    {
        "TASKER_CONFIG_PATH",
        "TASKER_ENV",
        "TASKER_INSTANCE_ID",
        "TASKER_INSTANCE_PORT",
        "TASKER_JWT_PUBLIC_KEY",
        "TASKER_JWT_PUBLIC_KEY_PATH",
        "TASKER_MESSAGING_BACKEND",
        "TASKER_ORCHESTRATION_GRPC_BIND_ADDRESS",
        "TASKER_TEMPLATE_PATH",
        "TASKER_WEB_BIND_ADDRESS",
        "TASKER_WORKER_GRPC_BIND_ADDRESS",
        "TASKER_WORKER_ID",
        FILE_VARIABLE,
        *PLAIN_VARIABLES,
    }
)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class DatabaseSettings(_Section):
    """Tasker's PostgreSQL, as the worker uses it."""

    url: SecretStr | None = None
    """`postgresql://user:password@host:port/database`. Also read from `DATABASE_URL`."""
    pool_size: int | None = None
    """Largest number of connections of the worker (1 to 1000)."""
    min_connections: int | None = None
    """Connections opened at start and kept (0 to 100)."""
    connect_timeout: int | None = None
    """Seconds that the worker waits for a connection of its pool (1 to 300)."""
    idle_timeout: int | None = None
    """Seconds after which an idle connection is closed (1 to 3600)."""
    max_lifetime: int | None = None
    """Seconds after which a connection is replaced (60 to 86400)."""


class OrchestrationSettings(_Section):
    """The orchestration server's REST API."""

    url: str | None = None
    """Base URL. Also read from `TASKER_ORCHESTRATION_URL`."""
    timeout_ms: int | None = None
    """Milliseconds for one call (100 to 300000)."""
    max_retries: int | None = None
    """Repetitions of a call when the server is away or overloaded (0 to 10)."""
    token: SecretStr | None = None
    """Bearer token, if the server wants one."""
    api_key: SecretStr | None = None
    """API key, if the server wants one."""
    api_key_header: str = "X-API-Key"
    """The header that carries `api_key`."""
    max_concurrency: int = Field(default=16, ge=1, le=1000)
    """Calls in flight at the same time; the server's connection pool must be larger."""


class WorkerSettings(_Section):
    """How steps are executed."""

    concurrency: int | None = None
    """Steps that one process executes at the same time (1 to 10000)."""
    delivery: str | None = None
    """How steps reach the worker. `PollingOnly` (default) gives each step to one worker. `Hybrid`
    is faster, but with a second worker on the namespace Core runs steps twice."""


class QueueSettings(_Section):
    """Messaging; must be equal on the server and all workers."""

    backend: str | None = None
    """`pgmq` or `rabbitmq`."""
    worker_namespace: str | None = None
    """Prefix of the worker queues."""
    visibility_timeout: int | None = None
    """Seconds for which a message that was read is hidden (1 to 3600)."""


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


_collected: ContextVar[list[tuple[str, dict[str, Any]]] | None] = ContextVar(
    "tasker_settings_sources", default=None
)


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
        token = _collected.set(collected)
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise TaskerConfigError(_problems(error, _sources_of(collected))) from None
        finally:
            _collected.reset(token)
        self._sources = _sources_of(collected)
        problems = [*_unknown_variables(os.environ), *self._collect_core()]
        if problems:
            raise TaskerConfigError(problems)

    @_validator("handlers", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @_validator("core", mode="before")
    @classmethod
    def _flatten(cls, value: Any) -> Any:
        return dict(_flat(value)) if isinstance(value, Mapping) else value

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
        path, required = _file()
        return (
            _Noted(settings_cls, "option", init_settings),
            _Noted(settings_cls, "environment", env_settings),
            _Noted(settings_cls, "environment", _PlainVariables(settings_cls)),
            _Noted(settings_cls, f"file {path}", _File(settings_cls, path, required)),
        )

    def _collect_core(self) -> list[str]:
        """Fill `_core_values` from our names and from `core`; return the problems."""
        problems = []
        for setting in SETTINGS.values():
            value = self._value(setting.name)
            if value is None:
                continue
            source = self.source(setting.name)
            label = f"{setting.name} = {core_keys.shown(setting.path, value)} ({source})"
            try:
                checked = core_keys.check(CONFIG_KEYS[setting.path], value)
            except core_keys.Problem as problem:
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
                    f"{label} has no effect: Core {_core_version()} never reads this key",
                    stacklevel=4,
                )
            self._core_values[path] = checked
            self._core_sources[path] = source
        return problems

    def _value(self, name: str) -> Any:
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
        rows: list[Explained] = []
        by_name = {setting.name: setting for setting in SETTINGS.values()}
        for name, info in _leaves(type(self)):
            if name == "core":
                continue
            setting = by_name.get(name)
            value = self._value(name)
            doc = (info.description or "").strip()
            source = self.source(name)
            if setting is not None:
                if value is None:  # perhaps it was set by Core's own path
                    value = self._core_values.get(setting.path, self._default(setting.path))
                    source = self._core_sources.get(setting.path, source)
                doc = doc or setting.doc
            elif name == "mode" and value == "auto":
                decided = decision(self)
                value, source = decided.mode, f"{source}: auto, because {decided.reason}"
            path = setting.path if setting else None
            text = core_keys.shown(path or name, value)
            rows.append(Explained(name, text, source, path, doc))
        named = {setting.path for setting in SETTINGS.values()}
        for path, key in CONFIG_KEYS.items():
            if path in named or path.startswith("orchestration."):
                continue
            value = self._core_values.get(path, self._default(path))
            source = self._core_sources.get(path, "default")
            rows.append(Explained(path, core_keys.shown(path, value), source, path, key.doc))
        return rows

    @staticmethod
    def _default(path: str) -> Any:
        if path == "common.database.url":
            return None  # Core's file needs a URL, but a default one would be made up
        return OUR_DEFAULTS.get(path, CONFIG_KEYS[path].default)

    def differences(self, other: TaskerSettings) -> list[str]:
        """Names of the settings in which two instances differ."""
        ours = {row.name: row for row in self.explain()}
        theirs = {row.name: row for row in other.explain()}
        names = [name for name, row in ours.items() if row.value != theirs[name].value]
        if self.database_url != other.database_url and "database.url" not in names:
            names.append("database.url")  # only the password differs
        return names


def _core_version() -> str:
    from ._internal._contract import CORE_VERSION

    return CORE_VERSION


def _leaves(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, info in model.model_fields.items():
        annotation = info.annotation
        # In Python 3.10 tuple[str, ...] passes for a type.
        generic = get_origin(annotation) is not None
        if not generic and isinstance(annotation, type) and issubclass(annotation, _Section):
            yield from _leaves(annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", info


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, Mapping):
            yield from _flat(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", item


class _Noted(PydanticBaseSettingsSource):
    """Passes a source on and keeps what it said."""

    def __init__(
        self, settings_cls: type[BaseSettings], label: str, inner: PydanticBaseSettingsSource
    ) -> None:
        super().__init__(settings_cls)
        self._label = label
        self._inner = inner

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self._inner.get_field_value(field, field_name)

    def __call__(self) -> dict[str, Any]:
        values = self._inner()
        collected = _collected.get()
        if collected is not None:
            collected.append((self._label, values))
        return values


class _PlainVariables(PydanticBaseSettingsSource):
    """`DATABASE_URL` and `TASKER_ORCHESTRATION_URL`."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for variable, name in PLAIN_VARIABLES.items():
            if variable in os.environ:
                section, key = name.split(".")
                values.setdefault(section, {})[key] = os.environ[variable]
        return values


class _File(PydanticBaseSettingsSource):
    """The TOML file."""

    def __init__(self, settings_cls: type[BaseSettings], path: Path, required: bool) -> None:
        super().__init__(settings_cls)
        self._path = path
        self._required = required

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        if not self._path.is_file():
            if self._required:
                raise TaskerConfigError(
                    f"{FILE_VARIABLE} names {str(self._path)!r}, which is not a file; "
                    "correct the path or unset the variable"
                )
            return {}
        return read_toml(self._path)


def _file() -> tuple[Path, bool]:
    named = os.environ.get(FILE_VARIABLE)
    return (Path(named), True) if named else (Path(DEFAULT_FILE), False)


def _sources_of(collected: list[tuple[str, dict[str, Any]]]) -> dict[str, str]:
    """Map each dotted name to the first source that has it."""
    found: dict[str, str] = {}
    for label, values in collected:
        plain = {
            key: value.model_dump(exclude_unset=True) if isinstance(value, BaseModel) else value
            for key, value in values.items()
        }
        for name, _ in _flat(plain):
            text = f"environment {_variable(name)}" if label == "environment" else label
            found.setdefault(name, text)
    return found


def _variable(name: str) -> str:
    """The environment variable that set a name."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        variable = PREFIX + "__".join(parts[:count]).upper()
        if variable in {key.upper() for key in os.environ}:
            return variable
    for variable, plain in PLAIN_VARIABLES.items():
        if plain == name:
            return variable
    return PREFIX + "__".join(parts).upper()


def _known_names() -> list[str]:
    leaves = [name for name, _ in _leaves(TaskerSettings)]
    return list(dict.fromkeys([*TaskerSettings.model_fields, *leaves]))


def _unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Prefixed variables that look like a misspelt setting."""
    known = {PREFIX + name.replace(".", "__").upper() for name in _known_names()}
    problems = []
    for variable in environment:
        upper = variable.upper()
        if not upper.startswith(PREFIX) or upper in known or upper in FOREIGN_VARIABLES:
            continue
        hint = did_you_mean(upper, known, cutoff=0.85)
        if "did you mean" in hint and upper.split("__")[0] not in known:
            problems.append(f"environment {variable}: unknown setting{hint}")
    return problems


def _problems(error: ValidationError, sources: dict[str, str]) -> list[str]:
    problems = []
    for detail in error.errors(include_url=False):
        name = ".".join(str(part) for part in detail["loc"])
        source = next(
            (s for n, s in sources.items() if n == name or n.startswith(f"{name}.")), "option"
        )
        if detail["type"] == "extra_forbidden":
            hint = did_you_mean(name, _known_names())
            hint = hint or "; keys of Core go into `core`, by their dotted path"
            problems.append(f"{name} ({source}): unknown setting{hint}")
            continue
        value = core_keys.shown(name, detail.get("input"))
        problems.append(f"{name} = {value} ({source}): {detail['msg']}")
    return problems
