"""The same as `tasker_contrib.templates`."""

from tasker_contrib.templates import *  # noqa: F403
