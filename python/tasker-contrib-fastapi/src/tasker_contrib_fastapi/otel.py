"""The same as `tasker_contrib.otel`."""

from tasker_contrib.otel import *  # noqa: F403
