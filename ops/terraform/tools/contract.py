"""The modules have the same inputs and outputs on every cloud. What only some clouds have is named here, with the reason."""

from __future__ import annotations

import sys

import inputs

# Module and input, the clouds that lack it, and why.
EXCEPTIONS: dict[tuple[str, str], tuple[set[str], str]] = {
    ("network", "zones"): ({"gcp"}, "a subnet spans all zones of a region"),
    ("network", "high_availability"): ({"gcp"}, "Cloud NAT is regional already"),
    ("network", "labels"): ({"gcp"}, "networks have no labels there"),
    ("postgres", "client_cidrs"): ({"gcp"}, "Cloud SQL cannot tell clients of the network apart"),
    ("cluster", "node_size"): ({"gcp"}, "Autopilot chooses nodes"),
    ("cluster", "nodes"): ({"gcp"}, "Autopilot chooses nodes"),
    ("cluster", "deletion_protection"): ({"aws"}, "version 5 of AWS's provider has it for databases only"),
    ("tasker", "cluster_name"): ({"gcp"}, "a project has one pool of identities for all clusters"),
    ("tasker", "encryption_key"): ({"gcp"}, "whoever may read a secret needs no right to its key"),
    ("tasker", "labels"): ({"gcp"}, "rights have no labels there"),
}


def differences(clouds: list[str], module: str, file: str) -> list[str]:
    """What a file of a module declares on some clouds only."""
    declared = {cloud: set(inputs.declared(inputs.HERE / cloud / module / file)) for cloud in clouds}
    found = []
    for name in sorted(set().union(*declared.values())):
        lacking = {cloud for cloud in clouds if name not in declared[cloud]}
        expected = EXCEPTIONS.get((module, name), (set(), ""))[0] if file == "variables.tf" else set()
        if lacking != expected & set(clouds):
            found.append(
                f"contract: {module}/{file}: `{name}` is missing on {', '.join(sorted(lacking)) or 'no cloud'}, but tools/contract.py says {expected or 'on none'}"
            )
    return found


def check() -> tuple[int, int]:
    """How many modules keep the contract, and how many do not."""
    results = [differences(inputs.CLOUDS, module, file) for module in inputs.MODULES for file in ("variables.tf", "outputs.tf")]
    for problem in (problem for problems in results for problem in problems):
        print(problem, file=sys.stderr)
    broken = sum(bool(problems) for problems in results)
    return len(results) - broken, broken


if __name__ == "__main__":
    sys.exit(1 if check()[1] else 0)
