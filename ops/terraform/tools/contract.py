"""Modules and examples have the same inputs and outputs on every cloud, with the same types and defaults. What differs is named here, with the reason."""

from __future__ import annotations

import sys

import inputs

NO_GROUPS = "what is made belongs to no resource group there"
OPEN_STORE = "the cloud's store of secrets has no address rules of its own there"

EXAMPLES = ("examples/minimal", "examples/production")

# Module and input or output, the clouds that lack it, and why.
EXCEPTIONS: dict[tuple[str, str], tuple[set[str], str]] = {
    ("network", "zones"): ({"gcp", "azure"}, "a subnet spans all zones of a region"),
    ("network", "high_availability"): ({"gcp", "azure"}, "Cloud NAT and the load balancers of AKS are in all zones already"),
    ("network", "labels"): ({"gcp"}, "networks have no labels there"),
    ("network", "resource_group"): ({"aws", "gcp"}, NO_GROUPS),
    ("postgres", "client_cidrs"): ({"gcp", "azure"}, "Cloud SQL cannot tell clients of the network apart; on Azure the subnet's security group does"),
    ("postgres", "resource_group"): ({"aws", "gcp"}, NO_GROUPS),
    ("postgres", "secrets_subnet_ids"): ({"aws", "gcp"}, OPEN_STORE),
    ("postgres", "secrets_allowed_cidrs"): ({"aws", "gcp"}, OPEN_STORE),
    ("postgres", "passwords"): ({"aws", "gcp"}, "a database can be made there before its passwords are known"),
    ("postgres", "passwords_version"): ({"aws", "gcp"}, "a database can be made there before its passwords are known"),
    ("postgres", "purge_protection"): ({"aws", "gcp"}, "deletion_protection does it there: it can be turned off again"),
    ("postgres", "extensions"): ({"aws", "gcp"}, "all extensions that the cloud has can be created there"),
    ("cluster", "resource_group"): ({"aws", "gcp"}, NO_GROUPS),
    ("cluster", "high_availability"): ({"aws", "gcp"}, "the control plane is in several zones there, whatever one pays"),
    ("cluster", "node_size"): ({"gcp"}, "Autopilot chooses nodes"),
    ("cluster", "nodes"): ({"gcp"}, "Autopilot chooses nodes"),
    ("cluster", "deletion_protection"): ({"aws", "azure"}, "version 5 of AWS's provider has it for databases only; on Azure a lock is on a whole resource group"),
    ("cluster", "oidc_issuer"): ({"aws", "gcp"}, "pods get their identities there by the name of the cluster or of the project"),
    ("tasker", "resource_group"): ({"aws", "gcp"}, NO_GROUPS),
    ("tasker", "cluster_name"): ({"gcp", "azure"}, "a project has one pool of identities for all clusters; on Azure the issuer names the cluster"),
    ("tasker", "oidc_issuer"): ({"aws", "gcp"}, "pods get their identities there by the name of the cluster or of the project"),
    ("tasker", "encryption_key"): ({"gcp", "azure"}, "whoever may read a secret needs no right to its key"),
    ("tasker", "labels"): ({"gcp"}, "rights have no labels there"),
} | {
    (example, name): exception
    for example in EXAMPLES
    for name, exception in (
        ("project", ({"aws", "azure"}, "the account or the subscription is what things belong to there")),
        ("subscription", ({"aws", "gcp"}, "credentials say the account; on Google it is the project")),
        ("passwords", ({"aws", "gcp"}, "a database can be made there before its passwords are known")),
        ("passwords_version", ({"aws", "gcp"}, "a database can be made there before its passwords are known")),
        ("secrets_identity", ({"aws", "gcp"}, "External Secrets needs no setting there to have it")),
    )
}


# What has the same name and meaning everywhere, but another type or another default, and why.
DIFFERENT: dict[tuple[str, str], str] = {
    ("postgres", "instance"): "each cloud has names of its own for machines",
    ("postgres", "storage_gib"): "Azure has disks of these sizes only",
    ("cluster", "node_size"): "each cloud has names of its own for machines",
} | {
    (example, name): reason
    for example in EXAMPLES
    for name, reason in (
        ("name", "Azure's servers and vaults have names that nobody else in Azure may have"),
        ("region", "each cloud has names of its own for regions"),
    )
}


def differences(clouds: list[str], module: str, file: str) -> list[str]:
    """What a file of a module declares on some clouds only, or not in the same way."""
    declared = {cloud: inputs.declared(inputs.HERE / cloud / module / file) for cloud in clouds}
    found = []
    for name in sorted(set().union(*declared.values())):
        lacking = {cloud for cloud in clouds if name not in declared[cloud]}
        expected = EXCEPTIONS.get((module, name), (set(), ""))[0]
        if lacking != expected & set(clouds):
            found.append(
                f"contract: {module}/{file}: `{name}` is missing on {', '.join(sorted(lacking)) or 'no cloud'}, but tools/contract.py says {expected or 'on none'}"
            )
        ways: dict[tuple[str, str], list[str]] = {}
        for cloud, said in declared.items():
            if name in said:
                ways.setdefault((said[name].type, said[name].default), []).append(cloud)
        if (len(ways) > 1) != ((module, name) in DIFFERENT):
            said_so = ", ".join(f"{kind or 'output'} with the default {default or 'none'} on {' and '.join(which)}" for (kind, default), which in ways.items())
            found.append(
                f"contract: {module}/{file}: `{name}` is {said_so}, but tools/contract.py says {DIFFERENT.get((module, name), 'it is the same everywhere')}"
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
