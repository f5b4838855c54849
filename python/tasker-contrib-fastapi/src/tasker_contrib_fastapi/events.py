"""The same as `tasker_contrib.events`."""

from tasker_contrib.events import *  # noqa: F403
