"""The same as `tasker_contrib.testing`."""

from tasker_contrib.testing import *  # noqa: F403
