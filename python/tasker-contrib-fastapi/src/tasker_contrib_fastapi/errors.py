"""The same as `tasker_contrib.errors`."""

from tasker_contrib.errors import *  # noqa: F403
