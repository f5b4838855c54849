"""The same as `tasker_contrib.outbox`."""

from tasker_contrib.outbox import *  # noqa: F403
