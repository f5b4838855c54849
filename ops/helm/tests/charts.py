"""Renders charts with the real helm, and what every rendered manifest must have."""

import functools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

HELM = Path(__file__).resolve().parent.parent
KUBERNETES = [f"1.{minor}.0" for minor in range(29, 38)]
NEWEST = KUBERNETES[-1]
CRDS = (
    "external-secrets.io/v1",
    "gateway.networking.k8s.io/v1",
    "keda.sh/v1alpha1",
    "monitoring.coreos.com/v1",
    "postgresql.cnpg.io/v1",
)
Manifest = dict[str, Any]


@functools.cache
def program() -> str:
    """helm: the one that xtask pins, or the one on PATH."""
    found = os.environ.get("HELM_BIN") or shutil.which("helm")
    assert found, "helm is not on PATH, and HELM_BIN is not set; `cargo xtask test --lang helm` brings it"
    return found


def cases(chart: str) -> list[str]:
    return sorted(file.stem for file in (HELM / chart / "ci").glob("*.yaml"))


def helm(*words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    # A render is over before a collection of garbage pays.
    environment = {**os.environ, "GOGC": "off", "GOMAXPROCS": "1"}
    return subprocess.run(
        [program(), *words], input=stdin, capture_output=True, text=True, check=False, env=environment
    )


def with_crds() -> list[str]:
    return [word for crd in CRDS for word in ("--api-versions", crd)]


def template(
    chart: str,
    values: Manifest | None = None,
    case: str | None = None,
    kubernetes: str = NEWEST,
    crds: bool = True,
    source: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """`helm template` with a case of the chart's `ci` folder and further values; `source` is another chart."""
    words = ["template", "tasker", str(source or HELM / chart), "--namespace", "flow", "--kube-version", kubernetes]
    words += with_crds() if crds else []
    if case is not None:
        words += ["--values", str(HELM / chart / "ci" / f"{case}.yaml")]
    return helm(*words, "--values", "-", stdin=yaml.safe_dump(values or {}))


def text(chart: str, values: Manifest | None = None, case: str | None = "minimal", kubernetes: str = NEWEST) -> str:
    """What a render prints; the same one for the same values."""
    return _text(chart, json.dumps(values or {}), case, kubernetes)


@functools.lru_cache(maxsize=64)
def _text(chart: str, values: str, case: str | None, kubernetes: str) -> str:
    done = template(chart, json.loads(values), case, kubernetes)
    assert done.returncode == 0, done.stderr
    return done.stdout


def parsed(rendered: str) -> list[Manifest]:
    # The parser in C is five times as fast.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [manifest for manifest in yaml.load_all(rendered, loader) if manifest]


@functools.lru_cache(maxsize=64)
def _rendered(chart: str, values: str, case: str | None, kubernetes: str) -> list[Manifest]:
    return parsed(_text(chart, values, case, kubernetes))


def render(
    chart: str, values: Manifest | None = None, case: str | None = "minimal", kubernetes: str = NEWEST
) -> list[Manifest]:
    """The manifests of a render; the same ones for the same values."""
    return _rendered(chart, json.dumps(values or {}), case, kubernetes)


def refusal(chart: str, values: Manifest, case: str | None = "minimal", crds: bool = True) -> str:
    """The sentence with which a render is refused."""
    done = template(chart, values, case, crds=crds)
    assert done.returncode != 0, "it rendered"
    return done.stderr


def one(manifests: list[Manifest], kind: str, suffix: str = "") -> Manifest:
    found = [each for each in manifests if each["kind"] == kind and each["metadata"]["name"].endswith(suffix)]
    assert len(found) == 1, f"{len(found)} of kind {kind}"
    return found[0]


def kinds(manifests: list[Manifest]) -> set[str]:
    return {manifest["kind"] for manifest in manifests}


def labelled(manifests: list[Manifest]) -> Iterator[tuple[str, dict[str, str], Manifest]]:
    """The pod of every manifest that has one, with its name and its labels."""
    for manifest in manifests:
        name = f"{manifest['kind']} {manifest['metadata']['name']}"
        holder = manifest if manifest["kind"] == "Pod" else manifest.get("spec", {}).get("template")
        if holder:
            yield name, holder["metadata"]["labels"], holder["spec"]


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """The pod of every manifest that has one, with its name."""
    yield from ((name, pod) for name, _, pod in labelled(manifests))


def containers(pod: Manifest) -> list[Manifest]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def env(container: Manifest) -> dict[str, Any]:
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container.get("env", [])}


def unrestricted(pod: Manifest) -> list[str]:
    """What Pod Security `restricted`, and this project besides, would refuse in a pod."""
    wrong = []
    security = pod.get("securityContext", {})
    if security.get("runAsNonRoot") is not True or security.get("runAsUser") == 0:
        wrong.append("it may run as root")
    if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
        wrong.append("it has no seccomp profile")
    wrong += [f"it has {name}" for name in ("hostNetwork", "hostPID", "hostIPC") if pod.get(name)]
    allowed = {"configMap", "csi", "emptyDir", "secret"}
    wrong += [f"volume {each['name']}" for each in pod.get("volumes", []) if not each.keys() - {"name"} <= allowed]
    if pod.get("automountServiceAccountToken") is not False:
        wrong.append("a token is mounted")
    if pod.get("enableServiceLinks") is not False:
        wrong.append("Services set its variables")
    for container in containers(pod):
        expected = {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        if container.get("securityContext") != expected:
            wrong.append(f"{container['name']} is not confined")
        resources = container.get("resources", {})
        if not resources.get("requests") or "memory" not in resources.get("limits", {}):
            wrong.append(f"{container['name']} has no requests or no memory limit")
    return wrong
