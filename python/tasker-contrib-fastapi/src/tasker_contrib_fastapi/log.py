"""The same as `tasker_contrib.log`."""

from tasker_contrib.log import *  # noqa: F403
