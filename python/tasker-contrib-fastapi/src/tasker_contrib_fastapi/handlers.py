"""The same as `tasker_contrib.handlers`."""

from typing import TYPE_CHECKING, Any

from tasker_contrib import handlers as _shared

if TYPE_CHECKING:
    from tasker_contrib.handlers import *  # noqa: F403
else:
    __all__ = _shared.__all__

    def __getattr__(name: str) -> Any:
        return getattr(_shared, name)
