"""The same as `tasker_contrib.errors`."""

from typing import TYPE_CHECKING, Any

from tasker_contrib import errors as _shared

if TYPE_CHECKING:
    from tasker_contrib.errors import *  # noqa: F403
else:
    __all__ = _shared.__all__

    def __getattr__(name: str) -> Any:
        return getattr(_shared, name)
