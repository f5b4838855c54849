"""The names that settings have in the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

from .._internal.names import did_you_mean

PREFIX = "TASKER_"

FILE_VARIABLE = "TASKER_SETTINGS_FILE"

DEFAULT_FILE = "tasker.toml"

#: Plain variables that are honoured after the prefixed ones.
PLAIN_VARIABLES = {"DATABASE_URL": "database.url", "TASKER_ORCHESTRATION_URL": "orchestration.url"}

#: Variables with our prefix that belong to Core, to its tools or to other parts of this project.
FOREIGN_VARIABLES = frozenset(
    {
        "TASKER_CONFIG_PATH",
        "TASKER_ENV",
        "TASKER_INSTANCE_ID",
        "TASKER_INSTANCE_PORT",
        "TASKER_JWT_PUBLIC_KEY",
        "TASKER_JWT_PUBLIC_KEY_PATH",
        "TASKER_MESSAGING_BACKEND",
        "TASKER_ORCHESTRATION_GRPC_BIND_ADDRESS",
        "TASKER_TEMPLATE_PATH",
        "TASKER_WEB_BIND_ADDRESS",
        "TASKER_WORKER_GRPC_BIND_ADDRESS",
        "TASKER_WORKER_ID",
        FILE_VARIABLE,
        *PLAIN_VARIABLES,
    }
)


def variable_of(name: str) -> str:
    """The environment variable that set a name."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        variable = PREFIX + "__".join(parts[:count]).upper()
        if variable in {key.upper() for key in os.environ}:
            return variable
    for variable, plain in PLAIN_VARIABLES.items():
        if plain == name:
            return variable
    return PREFIX + "__".join(parts).upper()


def unknown_variables(environment: Mapping[str, str], names: Sequence[str]) -> list[str]:
    """Prefixed variables that look like a misspelt setting."""
    known = {PREFIX + name.replace(".", "__").upper() for name in names}
    problems = []
    for variable in environment:
        upper = variable.upper()
        if not upper.startswith(PREFIX) or upper in known or upper in FOREIGN_VARIABLES:
            continue
        if _is_of_kubernetes(upper, environment[variable]):
            continue
        hint = did_you_mean(upper, known, cutoff=0.85)
        if "did you mean" in hint and upper.split("__")[0] not in known:
            problems.append(f"environment {variable}: unknown setting{hint}")
    return problems


def _is_of_kubernetes(name: str, value: str) -> bool:
    """Whether the kubelet made a variable, for a Service that is called `tasker-…`."""
    if re.search(r"_PORT_\d+_(TCP|UDP)(_|$)|_SERVICE_(HOST|PORT)(_|$)", name):
        return True
    return name.endswith("_PORT") and value.startswith(("tcp://", "udp://"))
