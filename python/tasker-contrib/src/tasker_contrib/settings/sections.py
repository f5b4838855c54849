"""The groups of settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_origin

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic.fields import FieldInfo

from .._internal._contract import SETTINGS

#: Where Core's own default is not safe for an app, by Core's path. Core's notifications reach every
#: worker of a namespace with the step inside, and its claim is not atomic: two workers run the same
#: step. A read from the queue gives it to one.
OUR_DEFAULTS = {SETTINGS["worker.delivery"].path: "PollingOnly"}


class Section(BaseModel):
    """A group of settings."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class DatabaseSettings(Section):
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


class OrchestrationSettings(Section):
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


class WorkerSettings(Section):
    """How steps are executed."""

    concurrency: int | None = None
    """Steps that one process executes at the same time (1 to 10000)."""
    delivery: str | None = None
    """How steps reach the worker. `PollingOnly` (default) gives each step to one worker. `Hybrid`
    is faster; a second worker on the namespace needs tasker-recovery then, else steps run twice."""


class QueueSettings(Section):
    """Messaging; must be equal on the server and all workers."""

    backend: str | None = None
    """`pgmq` or `rabbitmq`."""
    worker_namespace: str | None = None
    """Prefix of the worker queues."""
    visibility_timeout: int | None = None
    """Seconds for which a message that was read is hidden (1 to 3600)."""


def leaves(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """The settings of a model by dotted name, groups resolved."""
    for name, info in model.model_fields.items():
        annotation = info.annotation
        # In Python 3.10 tuple[str, ...] passes for a type.
        generic = get_origin(annotation) is not None
        if not generic and isinstance(annotation, type) and issubclass(annotation, Section):
            yield from leaves(annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", info


def flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """A nested mapping by dotted names."""
    for key, item in value.items():
        if isinstance(item, Mapping):
            yield from flat(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", item
