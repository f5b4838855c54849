"""The same as `tasker_contrib.handlers`."""

from tasker_contrib.handlers import *  # noqa: F403
