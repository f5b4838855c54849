"""Reads what the charts render for operators with the types of those operators: `definitions.py FOLDER BUN`.

The validator of Kubernetes' own kinds does not know them, and an API server drops a key that it does not know without a
word. TypeScript does not: an object of a type must have no key that the type lacks. FOLDER has the packages with the
types (ops/helm/proof/definitions.json). Each key is also misspelled once, to see that it would be found.
"""

import copy
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import charts

# Where the type of a kind is.
TYPES = {
    "Cluster": "cloudnative-pg/postgresql.cnpg.io/v1",
    "ExternalSecret": "external-secrets/external-secrets.io/v1",
    "HTTPRoute": "gateway-api/gateway.networking.k8s.io/v1",
    "PodMonitor": "prometheus-operator/monitoring.coreos.com/v1",
    "PrometheusRule": "prometheus-operator/monitoring.coreos.com/v1",
    "ScaledObject": "keda/keda.sh/v1alpha1",
    "ServiceMonitor": "prometheus-operator/monitoring.coreos.com/v1",
    "TriggerAuthentication": "keda/keda.sh/v1alpha1",
}
# What may have any key.
MAPS = {"annotations", "labels", "limits", "matchLabels", "parameters", "requests", "triggers.metadata"}
Path_ = tuple[str | int, ...]


def rendered() -> list[tuple[str, charts.Manifest]]:
    """The objects of all cases, each with where it comes from."""
    return [
        (f"{golden.parent.parent.name}/{golden.name}", manifest)
        for golden in sorted((charts.HELM / "tests").glob("tasker_*/golden/*.yaml"))
        for manifest in charts.parsed(golden.read_text())
        if manifest["kind"] in TYPES
    ]


def keys(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """The path of every key that a type must know; of a list's items the first one's are enough."""
    if isinstance(value, list) and value:
        yield from keys(value[0], (*path, 0))
    if not isinstance(value, dict):
        return
    named = ".".join(part for part in path if isinstance(part, str))
    if any(named == each or named.endswith(f".{each}") for each in MAPS):
        return
    for name, child in value.items():
        yield (*path, name)
        yield from keys(child, (*path, name))


def misspelled(manifest: charts.Manifest, path: Path_) -> charts.Manifest:
    changed = copy.deepcopy(manifest)
    node: Any = changed
    for part in path[:-1]:
        node = node[part]
    node[f"{path[-1]}x"] = node.pop(path[-1])
    return changed


def program(objects: list[charts.Manifest]) -> str:
    """One line for each object, after the types."""
    lines = [f'import type {{ I{kind} }} from "@kubernetes-models/{where}";' for kind, where in TYPES.items()]
    lines += [f"export const _{i}: I{each['kind']} = {json.dumps(each)};" for i, each in enumerate(objects)]
    return "\n".join(lines)


def refused(folder: Path, bun: str, objects: list[charts.Manifest]) -> dict[int, str]:
    """What the compiler says of which object."""
    (folder / "rendered.ts").write_text(program(objects))
    options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022"]
    command = [bun, "node_modules/typescript/lib/tsc.js", *options, "rendered.ts"]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
    found = dict(re.findall(r"^rendered\.ts\((\d+),\d+\): error (.+)$", said, re.MULTILINE))
    if said and not found:
        raise SystemExit(f"error: the compiler could not read the types: {said}")
    return {int(line) - len(TYPES) - 1: text for line, text in found.items()}


def main(folder: Path, bun: str) -> int:
    objects = rendered()
    missing = TYPES.keys() - {manifest["kind"] for _, manifest in objects}
    wrong = [f"{kind} is rendered by no case" for kind in sorted(missing)]
    said = refused(folder, bun, [manifest for _, manifest in objects])
    wrong += [f"{objects[i][0]}: {objects[i][1]['kind']}: {text}" for i, text in said.items()]
    paths = [(manifest, path) for _, manifest in objects for path in keys(manifest["spec"], ("spec",))]
    found = refused(folder, bun, [misspelled(*each) for each in paths])
    wrong += [
        f"{manifest['kind']}: {'.'.join(map(str, path))} can be misspelled"
        for i, (manifest, path) in enumerate(paths)
        if i not in found
    ]
    for problem in wrong:
        print(f"definitions: {problem}", file=sys.stderr)
    print(
        f"definitions: {len(objects)} objects of {len(TYPES)} kinds, {len(paths)} keys, {len(found)} refused misspelled"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
