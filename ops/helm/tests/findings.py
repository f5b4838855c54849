"""Runs checkov over what all cases of the charts render: `findings.py CHECKOV…`, with the words that start it.

What it finds is fixed, or is an exception here, with the number of times and the reason.
"""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

import charts

YOURS = "the image is yours: image.digest and image.pullPolicy are values, and a case has them"
TEST_POD = "the Pod of `helm test` asks once, and ends"
OFF = "a case turns it off to see that it can be: networkPolicy.enabled"
# How often checkov finds it in all cases, and why it stays.
EXCEPTIONS: dict[str, tuple[int, str]] = {
    "CKV2_K8S_6": (2, OFF),
    "CKV_K8S_11": (49, "a limit slows a pod where there is CPU left; requests share it, and memory is limited"),
    "CKV_K8S_15": (44, YOURS),
    "CKV_K8S_35": (8, "a whole URL is taken as a variable, as Core takes it; a password is a file"),
    "CKV_K8S_40": (8, "cases leave the user to OpenShift, which gives a high one: securityContext.runAsUser null"),
    "CKV_K8S_43": (44, YOURS),
    "CKV_K8S_8": (11, TEST_POD),
    "CKV_K8S_9": (11, TEST_POD),
}


def written(folder: Path) -> None:
    """The golden files as Helm installs them: in the namespace of the release."""
    for golden in sorted((charts.HELM / "tests").glob("tasker_*/golden/*.yaml")):
        manifests = charts.parsed(golden.read_text())
        for manifest in manifests:
            manifest["metadata"]["namespace"] = "flow"
        (folder / f"{golden.parent.parent.name}-{golden.name}").write_text(yaml.safe_dump_all(manifests))


def found(checkov: list[str], folder: Path) -> list[dict[str, Any]]:
    options = [
        "--framework",
        "kubernetes",
        "--skip-download",
        "--compact",
        "--quiet",
        "--soft-fail",
        "--output",
        "json",
    ]
    command = [*checkov, "--directory", str(folder), *options]
    report = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    if report["summary"]["passed"] == 0 or report["summary"]["parsing_errors"] > 0:
        raise SystemExit(f"error: checkov could not read the manifests: {report['summary']}")
    findings: list[dict[str, Any]] = report["results"]["failed_checks"]
    return findings


def main(checkov: list[str]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        written(Path(folder))
        findings = found(checkov, Path(folder))
    counted = Counter(finding["check_id"] for finding in findings)
    wrong = [
        f"{finding['check_id']}: {finding['check_name']}: {finding['resource']} in {finding['file_path']}"
        for finding in findings
        if counted[finding["check_id"]] > EXCEPTIONS.get(finding["check_id"], (0, ""))[0]
    ]
    wrong += [
        f"{check} is found {counted[check]} times, and {number} are excepted: lower the number in findings.py"
        for check, (number, _) in EXCEPTIONS.items()
        if counted[check] < number
    ]
    for problem in wrong:
        print(f"checkov: {problem}", file=sys.stderr)
    print(f"checkov: {len(findings)} findings, {sum(number for number, _ in EXCEPTIONS.values())} of them excepted")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
