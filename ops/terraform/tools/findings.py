"""Runs checkov over all modules: `findings.py CHECKOV…`, with the words that start it.

What it finds is fixed, or is an exception here, with the number of times and the reason.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

MODULES = Path(__file__).resolve().parent.parent
MINIMAL = "the example minimal is to be thrown away; production has it"
BY_THE_CLOUD = "encrypted with the cloud's keys, or with one of yours: encryption_key"
COSTS = "it costs by the gigabyte; turn it on for your network if you need it"
AUTOPILOT = "Autopilot has it, and lets nobody turn it off"
CONTENT = "statements carry what tasks are about, which no log should have"

# How often checkov finds it, and why it stays.
EXCEPTIONS: dict[str, tuple[int, str]] = {
    "CKV2_AWS_11": (1, COSTS),
    "CKV2_AWS_57": (2, "the passwords of servers and of migrations are changed by you, with roles.sql; RDS rotates the administrator's"),
    "CKV2_AZURE_32": (1, "the vault is closed but for subnets with a service endpoint, which costs nothing, and for addresses that you name"),
    "CKV2_AZURE_57": (1, "the server is in a subnet of its own, which excludes a private endpoint"),
    "CKV2_GCP_13": (1, "an index of statements by how long they take is Query Insights' business"),
    "CKV2_GCP_18": (1, "a network without rules lets nothing in"),
    "CKV_AWS_109": (1, "a key whose policy does not name the account can be lost for ever"),
    "CKV_AWS_111": (1, "a key whose policy does not name the account can be lost for ever"),
    "CKV_AWS_118": (1, "Performance Insights is on; the alerts are ops/monitoring's"),
    "CKV_AWS_157": (1, MINIMAL),
    "CKV_AWS_158": (1, "CloudWatch encrypts it, and a key of yours would have to let CloudWatch in first"),
    "CKV_AWS_161": (1, "Core signs in with a password"),
    "CKV_AWS_293": (1, MINIMAL),
    "CKV_AWS_356": (1, "in the policy of a key, * is that key"),
    "CKV_AWS_394": (1, "only the first two or three zones are used, however many there are"),
    "CKV_AZURE_110": (1, MINIMAL),
    "CKV_AZURE_117": (1, BY_THE_CLOUD),
    "CKV_AZURE_136": (1, "backups stay in the region on all clouds"),
    "CKV_AZURE_170": (1, MINIMAL),
    "CKV_AZURE_172": (1, "External Secrets brings secrets in; the driver is off"),
    "CKV_AZURE_226": (1, "the default machine type has no local disk"),
    "CKV_AZURE_227": (1, "the subscription would have to be registered for it first"),
    "CKV_AZURE_232": (1, "there is one pool; a second one would cost two nodes more"),
    "CKV_AZURE_4": (1, "the audit log goes to a workspace by a diagnostic setting; metrics are ops/monitoring's"),
    "CKV_AZURE_41": (1, "a password that expires stops Tasker; passwords_version changes all three, which one resource makes"),
    "CKV_AZURE_42": (1, MINIMAL),
    "CKV_GCP_108": (1, "it asks the name service at every connection; addresses are logged"),
    "CKV_GCP_109": (1, "PostgreSQL logs warnings and errors by itself"),
    "CKV_GCP_110": (1, CONTENT),
    "CKV_GCP_111": (1, CONTENT),
    "CKV_GCP_12": (1, AUTOPILOT),
    "CKV_GCP_13": (1, AUTOPILOT),
    "CKV_GCP_21": (1, "labels are yours to give; default_labels of the provider do it, too"),
    "CKV_GCP_26": (1, COSTS),
    "CKV_GCP_6": (1, "ssl_mode enforces TLS; the rule looks for the argument that it replaced"),
    "CKV_GCP_61": (1, COSTS),
    "CKV_GCP_65": (1, "not every organisation has Google Groups"),
    "CKV_GCP_66": (1, "images are yours; nobody here signs them"),
    "CKV_GCP_69": (1, AUTOPILOT),
    "CKV_GCP_79": (1, "not every region offers PostgreSQL 18 yet"),
}


def found(checkov: list[str], folder: Path, frameworks: list[str]) -> list[dict[str, str]]:
    """What checkov finds wrong in a folder; each framework must have had something to say."""
    command = [*checkov, "--directory", str(folder), "--framework", *frameworks, "--skip-download", "--compact", "--quiet", "--soft-fail", "--output", "json"]
    said = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    findings: list[dict[str, str]] = []
    for report in said if isinstance(said, list) else [said]:
        summary = report.get("summary", report)
        if summary["passed"] == 0 or summary["parsing_errors"] > 0:
            raise SystemExit(f"error: checkov could not read {folder}: {summary}")
        findings += report["results"]["failed_checks"]
    return findings


def judge(checkov: list[str], folder: Path, frameworks: list[str], exceptions: dict[str, tuple[int, str]], source: str) -> int:
    """Compares what checkov finds with the exceptions, which are in the file `source`, and returns the exit code."""
    findings = found(checkov, folder, frameworks)
    counted = Counter(finding["check_id"] for finding in findings)
    wrong = [
        f"{finding['check_id']}: {finding['check_name']}: {finding['resource']} in {folder.name}{finding['file_path']}"
        for finding in findings
        if counted[finding["check_id"]] > exceptions.get(finding["check_id"], (0, ""))[0]
    ]
    wrong += [
        f"{check} is found {counted[check]} times, and {number} are excepted: lower the number in {source}"
        for check, (number, _) in exceptions.items()
        if counted[check] < number
    ]
    for problem in wrong:
        print(f"checkov: {problem}", file=sys.stderr)
    print(f"checkov: {len(findings)} findings, {sum(number for number, _ in exceptions.values())} of them excepted")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(judge(sys.argv[1:], MODULES, ["terraform"], EXCEPTIONS, "ops/terraform/tools/findings.py"))
