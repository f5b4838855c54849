"""The same as `tasker_contrib.batches`."""

from tasker_contrib.batches import *  # noqa: F403
