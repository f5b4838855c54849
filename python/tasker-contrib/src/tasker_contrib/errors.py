"""Every exception this package raises, in one tree.

`PermanentError` and `RetryableError` are Core's own: raise them from a handler of any style.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ._internal.lazy import attributes

if TYPE_CHECKING:
    from tasker_core.errors import PermanentError, RetryableError

__all__ = [
    "HandlerImportError",
    "PermanentError",
    "RetryableError",
    "TaskerBackpressure",
    "TaskerClientError",
    "TaskerConfigError",
    "TaskerConfigWarning",
    "TaskerConflict",
    "TaskerContribError",
    "TaskerNotFound",
    "TaskerPermissionError",
    "TaskerServerError",
    "TaskerStartError",
    "TaskerTimeout",
    "TaskerUnavailable",
    "TaskerValidationError",
]


if not TYPE_CHECKING:
    _core = "tasker_core.errors"
    __getattr__ = attributes(__name__, {"PermanentError": _core, "RetryableError": _core})


class TaskerContribError(Exception):
    """Base of this package's own errors."""


class TaskerConfigError(TaskerContribError):
    """A setting, a task template or a handler registration is wrong; the app must not start.

    Attributes:
        problems: one text per problem, each naming what, where, why and the fix.
    """

    def __init__(self, problems: Sequence[str] | str) -> None:
        self.problems: list[str] = [problems] if isinstance(problems, str) else list(problems)
        if len(self.problems) == 1:
            super().__init__(self.problems[0])
        else:
            lines = "\n".join(f"  - {problem}" for problem in self.problems)
            super().__init__(f"{len(self.problems)} problems:\n{lines}")


class TaskerConfigWarning(UserWarning):
    """A setting has no effect."""


class HandlerImportError(TaskerConfigError):
    """A handler module could not be imported. Core would only log this."""


class TaskerStartError(TaskerContribError):
    """The worker could not start (database away, started twice with other settings, …)."""


class TaskerClientError(TaskerContribError):
    """A call to the orchestration server failed.

    Attributes:
        status: the HTTP status to answer with when this error leaves a route.
        code: the server's error code, or a word of ours.
        title: a short text for problem+json.
    """

    status: int = 502
    title: str = "Tasker call failed"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class TaskerNotFound(TaskerClientError):
    """The task, the step or the template does not exist on the server."""

    status = 404
    title = "Not found"


class TaskerConflict(TaskerClientError):
    """A task with the same template and the same context exists already."""

    status = 409
    title = "Task exists already"


class TaskerPermissionError(TaskerClientError):
    """The server refused our credentials."""

    status = 502
    title = "Tasker refused the credentials"


class TaskerValidationError(TaskerClientError):
    """The request is wrong: the context does not match `input_schema`, or the server says so.

    Attributes:
        errors: one text per problem, with the path inside the context.
    """

    status = 422
    title = "Invalid task request"

    def __init__(
        self, message: str, *, code: str | None = None, errors: Sequence[str] = ()
    ) -> None:
        super().__init__(message, code=code)
        self.errors = list(errors)


class TaskerBackpressure(TaskerClientError):
    """The server refuses new work for now.

    Attributes:
        retry_after: seconds the server asks to wait, if it said so.
    """

    status = 503
    title = "Tasker is overloaded"

    def __init__(
        self, message: str, *, code: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class TaskerUnavailable(TaskerClientError):
    """The server could not be reached."""

    status = 503
    title = "Tasker is not reachable"


class TaskerServerError(TaskerClientError):
    """The server answered with an error of its own (5xx)."""

    status = 502
    title = "Tasker failed"


class TaskerTimeout(TaskerClientError):
    """A task did not reach an end state within the time that `wait` was given."""

    status = 504
    title = "Task did not finish in time"
