"""The order in which Terraform makes an example: no resource may wait for itself, and a lock must be there before what it protects, so that it goes last."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

EDGE = re.compile(r'^ *"([^"]+)" -> "([^"]+)";$', re.M)
NODE = re.compile(r'^ *"([^"]+)" \[label=', re.M)
LOCK = "azurerm_management_lock.this"
# A lock holds what is deleted through Azure's control plane. These are not: a secret is the vault's business, and a parameter is only set back.
UNHELD = ("azurerm_key_vault_secret", "azurerm_postgresql_flexible_server_configuration")

Graph = dict[str, set[str]]


def read(dot: str) -> Graph:
    """What each resource waits for, from what `terraform graph` prints."""
    waits_for: Graph = {node: set() for node in NODE.findall(dot)}
    for later, sooner in EDGE.findall(dot):
        waits_for[later].add(sooner)
    return waits_for


def before(graph: Graph, node: str) -> set[str]:
    """All that is made before a resource."""
    seen: set[str] = set()
    waiting = list(graph[node])
    while waiting:
        sooner = waiting.pop()
        if sooner not in seen:
            seen.add(sooner)
            waiting += graph[sooner]
    return seen


def unprotected(graph: Graph) -> Iterator[str]:
    """Resources that `terraform destroy` would take away although their module has a lock: before the lock, or because it does not hold them."""
    for lock in (node for node in graph if node.endswith(f".{LOCK}")):
        module = lock.removesuffix(LOCK)
        made = [node for node in graph if node.startswith(module) and node != lock and not node.startswith(f"{module}data.")]
        unheld = [node for node in made if node.removeprefix(module).startswith(UNHELD)]
        for node in made:
            if lock not in before(graph, node):
                yield f"{node} does not wait for {lock}"
        for node in unheld:
            if not any(node in before(graph, other) for other in made if other not in unheld):
                yield f"nothing that {lock} holds waits for {node}"


def problems(terraform: str, example: Path, environment: dict[str, str]) -> list[str]:
    """What is wrong with the order of an example. Terraform itself prints no graph of one that has a dependency cycle, but says which."""
    subprocess.run([terraform, "init", "-input=false", "-backend=false"], cwd=example, env=environment, stdout=subprocess.DEVNULL, check=False)
    said = subprocess.run([terraform, "graph", "-no-color"], cwd=example, env=environment, capture_output=True, text=True, check=False)
    if said.returncode != 0:
        return [said.stderr.strip()]
    graph = read(said.stdout)
    return list(unprotected(graph)) if graph else ["no resource is found in what `terraform graph` says"]


def check(terraform: str, folder: Path, environment: dict[str, str]) -> tuple[int, int]:
    """How many examples of a cloud can be made in some order, and how many cannot."""
    results = {example.name: problems(terraform, example, environment) for example in sorted((folder / "examples").iterdir())}
    for example, found in results.items():
        for problem in found:
            print(f"graph: {example}: {problem}", file=sys.stderr)
    broken = sum(bool(found) for found in results.values())
    return len(results) - broken, broken
