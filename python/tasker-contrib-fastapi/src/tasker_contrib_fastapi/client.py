"""The same as `tasker_contrib.client`."""

from tasker_contrib.client import *  # noqa: F403
