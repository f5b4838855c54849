"""What no example may do: put something where the internet reaches it, or store something unencrypted.

A kind of resource that is named neither in RULES nor in HARMLESS breaks the policy, so that a new one is looked at before it passes.
"""

from __future__ import annotations

import ipaddress
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Values = dict[str, Any]


@dataclass(frozen=True)
class Rule:
    """What must hold for each resource of a kind, and one that breaks it, with which the rule is tried before it is used."""

    kind: str
    says: str
    holds: Callable[[Values], bool]
    bad: Values


def first(values: Values, block: str) -> Values:
    """The only block of a name, or an empty one."""
    found = values.get(block) or [{}]
    only: Values = found[0] if isinstance(found, list) else found
    return only


def is_wide(cidrs: list[str] | None) -> bool:
    """Whether a range holds more than a /16: nobody owns so many addresses."""
    return any(int(cidr.split("/")[1]) < 16 for cidr in cidrs or [] if "/" in cidr)


def named_only(cidrs: list[str] | None) -> bool:
    """Whether ranges are named, and none is wide. Clouds take no ranges for all of them."""
    return bool(cidrs) and not is_wide(cidrs)


PRIVATE = [ipaddress.IPv4Network(cidr) for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]


def is_private(cidr: str) -> bool:
    """Whether all of a range is private. An address alone is a range."""
    try:
        return any(ipaddress.IPv4Network(cidr).subnet_of(private) for private in PRIVATE)
    except ValueError:
        return False


def lets_strangers_in(rule: Values) -> bool:
    """Whether a rule of a security group on Azure is for more than private ranges and the network itself."""
    sources = [source for source in [rule.get("source_address_prefix"), *(rule.get("source_address_prefixes") or [])] if source]
    known = ("VirtualNetwork", "AzureLoadBalancer")
    return rule["direction"] == "Inbound" and rule["access"] == "Allow" and not all(source in known or is_private(source) for source in sources)


def authorized(cluster: Values) -> list[str]:
    """The ranges that reach the API of a cluster of GKE."""
    return [block["cidr_block"] for block in first(cluster, "master_authorized_networks_config").get("cidr_blocks") or []]


# Rights that somebody looked at: each is for one kind of thing, and the scope says for which one.
RIGHTS = frozenset(
    [
        "Azure Kubernetes Service RBAC Cluster Admin",
        "Key Vault Crypto Service Encryption User",
        "Key Vault Crypto User",
        "Key Vault Secrets Officer",
        "Key Vault Secrets User",
        "Network Contributor",
    ]
)


# Parameters of a server on Azure, where `on` may be missing: it is the default.
TLS_OFF = (("require_secure_transport", "off"), ("ssl_min_protocol_version", "TLSv1"), ("ssl_min_protocol_version", "TLSv1.1"))

RULES = (
    Rule("aws_db_instance", "is private", lambda v: v["publicly_accessible"] is False, {"publicly_accessible": True}),
    Rule("aws_db_instance", "is encrypted", lambda v: v["storage_encrypted"] is True, {"storage_encrypted": None}),
    Rule("aws_db_instance", "can be restored", lambda v: v["backup_retention_period"] >= 7, {"backup_retention_period": 0}),
    Rule(
        "aws_db_instance",
        "has no password in the state",
        lambda v: v["manage_master_user_password"] is True and not v.get("password"),
        {"manage_master_user_password": True, "password": "secret"},
    ),
    Rule(
        "aws_db_parameter_group",
        "enforces TLS",
        lambda v: any(p["name"] == "rds.force_ssl" and p["value"] == "1" for p in v["parameter"]),
        {"parameter": [{"name": "rds.force_ssl", "value": "0"}]},
    ),
    Rule(
        "aws_vpc_security_group_ingress_rule",
        "lets private ranges in only",
        lambda v: (is_private(v["cidr_ipv4"]) if v.get("cidr_ipv4") else bool(v.get("referenced_security_group_id"))) and not v.get("cidr_ipv6"),
        {"cidr_ipv4": "203.0.113.0/24"},
    ),
    Rule(
        "aws_security_group",
        "has no rules of its own, which no other rule here would see",
        lambda v: not v.get("ingress"),
        {"ingress": [{"cidr_blocks": ["0.0.0.0/0"]}]},
    ),
    Rule("aws_subnet", "gives no public addresses", lambda v: not v.get("map_public_ip_on_launch"), {"map_public_ip_on_launch": True}),
    Rule(
        "aws_default_security_group",
        "lets nothing through",
        lambda v: not v.get("ingress") and not v.get("egress"),
        {"ingress": [{"cidr_blocks": ["0.0.0.0/0"]}]},
    ),
    Rule(
        "aws_eks_cluster",
        "has no API for everybody",
        lambda v: not first(v, "vpc_config")["endpoint_public_access"] or bool(first(v, "vpc_config")["public_access_cidrs"]),
        {"vpc_config": [{"endpoint_public_access": True, "public_access_cidrs": None}]},
    ),
    Rule(
        "aws_eks_cluster",
        "has an API for few",
        lambda v: not is_wide(first(v, "vpc_config")["public_access_cidrs"]),
        {"vpc_config": [{"endpoint_public_access": True, "public_access_cidrs": ["203.0.0.0/15"]}]},
    ),
    Rule("aws_eks_cluster", "keeps an audit log", lambda v: "audit" in v["enabled_cluster_log_types"], {"enabled_cluster_log_types": []}),
    Rule(
        "aws_launch_template",
        "encrypts disks",
        lambda v: all(str(first(disk, "ebs")["encrypted"]) == "true" for disk in v["block_device_mappings"]),
        {"block_device_mappings": [{"ebs": [{"encrypted": "false"}]}]},
    ),
    Rule(
        "aws_launch_template",
        "keeps pods from the node's rights",
        lambda v: first(v, "metadata_options")["http_tokens"] == "required" and first(v, "metadata_options")["http_put_response_hop_limit"] == 1,
        {"metadata_options": [{"http_tokens": "optional", "http_put_response_hop_limit": 1}]},
    ),
    Rule(
        "google_sql_database_instance",
        "is private, with TLS enforced",
        lambda v: (
            first(first(v, "settings"), "ip_configuration")["ipv4_enabled"] is False
            and first(first(v, "settings"), "ip_configuration")["ssl_mode"] == "ENCRYPTED_ONLY"
        ),
        {"settings": [{"ip_configuration": [{"ipv4_enabled": True, "ssl_mode": "ENCRYPTED_ONLY"}]}]},
    ),
    Rule(
        "google_sql_database_instance",
        "can be restored",
        lambda v: first(first(v, "settings"), "backup_configuration")["point_in_time_recovery_enabled"] is True,
        {"settings": [{"backup_configuration": [{"point_in_time_recovery_enabled": False}]}]},
    ),
    Rule("google_sql_database_instance", "has no password in the state", lambda v: not v.get("root_password"), {"root_password": "secret"}),
    Rule(
        "google_container_cluster",
        "has private nodes",
        lambda v: first(v, "private_cluster_config")["enable_private_nodes"] is True,
        {"private_cluster_config": [{"enable_private_nodes": False}]},
    ),
    Rule(
        "google_container_cluster",
        "has no API for everybody",
        lambda v: first(v, "private_cluster_config")["enable_private_endpoint"] is True or bool(authorized(v)),
        {"private_cluster_config": [{"enable_private_endpoint": False}], "master_authorized_networks_config": [{"gcp_public_cidrs_access_enabled": False}]},
    ),
    Rule(
        "google_container_cluster",
        "has an API for few",
        lambda v: not is_wide(authorized(v)),
        {"master_authorized_networks_config": [{"cidr_blocks": [{"cidr_block": "203.0.0.0/15"}]}]},
    ),
    Rule(
        "google_container_cluster",
        "has an API that other customers of Google do not reach",
        lambda v: first(v, "master_authorized_networks_config")["gcp_public_cidrs_access_enabled"] is False,
        {"master_authorized_networks_config": [{"cidr_blocks": [{"cidr_block": "203.0.113.7/32"}]}]},
    ),
    Rule(
        "google_compute_network",
        "has no subnets of its own",
        lambda v: v["auto_create_subnetworks"] is False,
        {"auto_create_subnetworks": True},
    ),
    Rule("google_compute_global_address", "is internal", lambda v: v["address_type"] == "INTERNAL", {"address_type": "EXTERNAL"}),
    Rule(
        "google_secret_manager_secret_iam_member",
        "names who may read it",
        lambda v: v["member"] not in ("allUsers", "allAuthenticatedUsers"),
        {"member": "allUsers"},
    ),
    Rule(
        "azurerm_postgresql_flexible_server",
        "is private",
        lambda v: v["public_network_access_enabled"] is False and bool(v["delegated_subnet_id"]),
        {"public_network_access_enabled": True, "delegated_subnet_id": "subnet"},
    ),
    Rule("azurerm_postgresql_flexible_server", "can be restored", lambda v: v["backup_retention_days"] >= 7, {"backup_retention_days": None}),
    Rule("azurerm_postgresql_flexible_server", "has no password in the state", lambda v: not v.get("administrator_password"), {"administrator_password": "secret"}),
    Rule(
        "azurerm_postgresql_flexible_server_configuration",
        "enforces TLS",
        lambda v: (v["name"], v["value"]) not in TLS_OFF,
        {"name": "require_secure_transport", "value": "off"},
    ),
    Rule(
        "azurerm_key_vault",
        "is closed, with rights that Azure knows",
        lambda v: first(v, "network_acls")["default_action"] == "Deny" and v["rbac_authorization_enabled"] is True,
        {"network_acls": [{"default_action": "Allow", "ip_rules": []}], "rbac_authorization_enabled": True},
    ),
    Rule(
        "azurerm_key_vault",
        "is open for few",
        lambda v: not is_wide(first(v, "network_acls")["ip_rules"]),
        {"network_acls": [{"default_action": "Deny", "ip_rules": ["203.0.0.0/15"]}]},
    ),
    Rule("azurerm_key_vault_secret", "is not in the state", lambda v: not v.get("value") and v["value_wo_version"] >= 1, {"value": "secret", "value_wo_version": 1}),
    Rule(
        "azurerm_kubernetes_cluster",
        "has no API for everybody",
        lambda v: v["private_cluster_enabled"] is True or named_only(first(v, "api_server_access_profile")["authorized_ip_ranges"]),
        {"private_cluster_enabled": False, "api_server_access_profile": [{"authorized_ip_ranges": []}]},
    ),
    Rule(
        "azurerm_kubernetes_cluster",
        "has an API for few",
        lambda v: not is_wide(first(v, "api_server_access_profile").get("authorized_ip_ranges")),
        {"private_cluster_enabled": False, "api_server_access_profile": [{"authorized_ip_ranges": ["203.0.0.0/15"]}]},
    ),
    Rule(
        "azurerm_kubernetes_cluster",
        "lets in by Entra ID only",
        lambda v: v["local_account_disabled"] is True and first(v, "azure_active_directory_role_based_access_control")["azure_rbac_enabled"] is True,
        {"local_account_disabled": False, "azure_active_directory_role_based_access_control": [{"azure_rbac_enabled": True}]},
    ),
    Rule(
        "azurerm_kubernetes_cluster",
        "has private nodes",
        lambda v: not first(v, "default_node_pool").get("node_public_ip_enabled"),
        {"default_node_pool": [{"node_public_ip_enabled": True}]},
    ),
    Rule(
        "azurerm_monitor_diagnostic_setting",
        "keeps an audit log",
        lambda v: any(log["category"] in ("kube-audit", "kube-audit-admin") for log in v["enabled_log"]),
        {"enabled_log": [{"category": "guard"}]},
    ),
    Rule(
        "azurerm_network_security_group",
        "lets private ranges in only",
        lambda v: not any(lets_strangers_in(rule) for rule in v["security_rule"]),
        {"security_rule": [{"direction": "Inbound", "access": "Allow", "source_address_prefixes": ["203.0.113.0/24"]}]},
    ),
    Rule(
        "azurerm_subnet",
        "lends no public addresses",
        lambda v: v["default_outbound_access_enabled"] is False,
        {"default_outbound_access_enabled": None},
    ),
    Rule(
        "azurerm_role_assignment",
        "is one of the rights in RIGHTS",
        lambda v: v["role_definition_name"] in RIGHTS,
        {"role_definition_name": "Key Vault Administrator", "scope": "/subscriptions/mock/resourceGroups/mock/providers/Microsoft.KeyVault/vaults/mock"},
    ),
    Rule(
        "azurerm_role_assignment",
        "is no right to a whole group",
        lambda v: v["scope"].count("/") > 4,
        {"role_definition_name": "Key Vault Secrets User", "scope": "/subscriptions/mock/resourceGroups/mock"},
    ),
    Rule(
        "helm_release",
        "reaches its database with TLS",
        lambda v: re.search(r"sslmode=(require|verify-)", "".join(v["values"])) is not None,
        {"values": ["database: {}"]},
    ),
    Rule(
        "helm_release",
        "has no way in from outside",
        lambda v: not re.search(r"LoadBalancer|NodePort|\"?(ingress|httpRoute)\"?:\s*\{?\s*\"?enabled\"?: true", "".join(v["values"])),
        {"values": ["ingress:\n  enabled: true\n"]},
    ),
    Rule("datadog_monitor", "tells somebody", lambda v: "@" in v["message"].splitlines()[-1], {"message": "Tasker stands still."}),
    Rule("datadog_monitor", "names its runbook", lambda v: "/docs/runbooks/" in v["message"], {"message": "Tasker stands still.\n@slack-tasker"}),
    Rule("aws_kms_key", "is changed every year", lambda v: v["enable_key_rotation"] is True, {"enable_key_rotation": False}),
)

# They store nothing, or nothing that the cloud does not encrypt anyway, and nobody reaches them.
HARMLESS = frozenset(
    [
        "aws_cloudwatch_log_group",
        "aws_db_subnet_group",
        "aws_eip",
        "aws_eks_addon",
        "aws_eks_node_group",
        "aws_eks_pod_identity_association",
        "aws_iam_role",
        "aws_iam_role_policy",
        "aws_iam_role_policy_attachment",
        "aws_internet_gateway",
        "aws_nat_gateway",
        "aws_route",
        "aws_route_table",
        "aws_route_table_association",
        "aws_secretsmanager_secret",
        "aws_vpc",
        "azurerm_federated_identity_credential",
        "azurerm_log_analytics_workspace",
        "azurerm_management_lock",
        "azurerm_postgresql_flexible_server_database",
        "azurerm_private_dns_zone",
        "azurerm_private_dns_zone_virtual_network_link",
        "azurerm_resource_group",
        "azurerm_subnet_network_security_group_association",
        "azurerm_user_assigned_identity",
        "azurerm_virtual_network",
        "google_compute_router",
        "google_compute_router_nat",
        "google_compute_subnetwork",
        "google_secret_manager_secret",
        "google_service_networking_connection",
        "google_sql_database",
    ]
)


def resources(module: Values) -> Iterator[Values]:
    """All resources of a module and of those that it uses."""
    yield from (found for found in module.get("resources", []) if found["mode"] == "managed")
    for child in module.get("child_modules", []):
        yield from resources(child)


def states(terraform: str, folder: Path, environment: dict[str, str]) -> dict[str, list[Values]]:
    """What each example makes, by the name of its run in tests/examples.tftest.hcl."""
    command = [terraform, "test", "-json", "-verbose", "-filter=tests/examples.tftest.hcl"]
    said = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=False).stdout
    messages = [json.loads(line) for line in said.splitlines() if '"type":"test_state"' in line]
    return {message["@testrun"]: list(resources(message["test_state"]["root_module"])) for message in messages}


def broken_by(rule: Rule, values: Values) -> bool:
    """Whether a resource breaks a rule. One that lacks what the rule asks for does."""
    try:
        return not rule.holds(values)
    except (KeyError, TypeError):
        return True


def problems(name: str, made: list[Values]) -> Iterator[str]:
    """What is wrong with an example."""
    if not made:
        yield f"{name}: makes nothing"
    for resource in made:
        if resource["type"] not in HARMLESS and resource["type"] not in {rule.kind for rule in RULES}:
            yield f"{name}: {resource['address']} is of the kind {resource['type']}, for which tools/policy.py has no rule"
        for rule in RULES:
            if rule.kind == resource["type"] and broken_by(rule, resource["values"]):
                yield f'{name}: {resource["address"]} breaks the rule "{rule.kind} {rule.says}"'


def check(terraform: str, folder: Path, environment: dict[str, str]) -> tuple[int, int]:
    """How many rules held and broke, over all examples of a cloud."""
    blunt = [f'the rule "{rule.kind} {rule.says}" lets its own counterexample pass' for rule in RULES if not broken_by(rule, rule.bad)]
    examples = {each.name for each in (folder / "examples").iterdir()}
    made = states(terraform, folder, environment)
    missing = [f"{name}: tests/examples.tftest.hcl has no run of that name that succeeds" for name in sorted(examples - made.keys())]
    wrong = blunt + missing + [problem for name, all_of_it in made.items() for problem in problems(name, all_of_it)]
    for problem in wrong:
        print(f"policy: {problem}", file=sys.stderr)
    kinds = {name: {resource["type"] for resource in all_of_it} for name, all_of_it in made.items()}
    applied = sum(rule.kind in found for found in kinds.values() for rule in RULES)
    for name, all_of_it in made.items():
        print(f"policy: {name} makes {len(all_of_it)} resources; {sum(rule.kind in kinds[name] for rule in RULES)} rules apply")
    return max(applied - len(wrong), 0), len(wrong)
