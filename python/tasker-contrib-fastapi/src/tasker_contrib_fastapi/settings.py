"""The same as `tasker_contrib.settings`."""

from tasker_contrib.settings import *  # noqa: F403
