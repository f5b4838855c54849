"""Providers that run beside Terraform instead of being installed by it.

Terraform starts a provider anew for each run of a test, and AWS's needs more than a second for that. Here each is started once, and Terraform is told where
(TF_REATTACH_PROVIDERS). That also leaves nothing to install: `terraform init` asks no registry for a provider that runs already.
"""

from __future__ import annotations

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

AWS_VERSION = "5.100.0"
SCHEMAS = Path(__file__).parent / "schemas"

# Where Terraform itself and Linux distributions keep providers, after what the user says.
STANDARD_PLACES = (
    "~/.terraform.d/plugins",
    "~/.terraform.d/plugin-cache",
    "~/.local/share/terraform/plugins",
    "/usr/local/share/terraform/plugins",
    "/usr/share/terraform/plugins",
    "/opt/*",
)


class Missing(Exception):
    """A provider is not on this machine and cannot be downloaded either."""


def places() -> Iterator[str]:
    """Folders that may hold providers, first those that the user names."""
    for variable in ("TASKER_TERRAFORM_PROVIDERS", "TF_PLUGIN_CACHE_DIR"):
        if os.environ.get(variable):
            yield os.environ[variable]
    settings = Path(os.environ.get("TF_CLI_CONFIG_FILE") or "~/.terraformrc").expanduser()
    if settings.is_file():
        yield from re.findall(r'^\s*(?:path|plugin_cache_dir)\s*=\s*"([^"]+)"', settings.read_text(), re.M)
    yield from STANDARD_PLACES


def newest(folder: str, name: str) -> Path | None:
    """The newest version of a provider below a folder with Terraform's layout: host/owner/name/version/platform/program."""
    programs = glob.glob(f"{os.path.expanduser(folder)}/*/hashicorp/{name}/*/*/terraform-provider-{name}*")
    major = [Path(path) for path in programs if Path(path).parts[-3].startswith(AWS_VERSION.split(".")[0] + ".")]
    return max(major, key=lambda path: [int(part) for part in path.parts[-3].split(".")], default=None)


def downloaded(terraform: str) -> Path | None:
    """The provider of AWS, downloaded by Terraform and kept in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "tasker-contrib" / "terraform"
    found = newest(str(cache), "aws")
    if found:
        return found
    with tempfile.TemporaryDirectory() as folder:
        wanted = f'{{"terraform":{{"required_providers":{{"aws":{{"source":"hashicorp/aws","version":"{AWS_VERSION}"}}}}}}}}'
        (Path(folder) / "versions.tf.json").write_text(wanted)
        init = subprocess.run(
            [terraform, "init", "-no-color", "-input=false"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if init.returncode == 0:
            shutil.copytree(Path(folder) / ".terraform/providers", cache, dirs_exist_ok=True)
    return newest(str(cache), "aws")


def aws_program(terraform: str) -> Path:
    """The program of AWS's provider."""
    found = next((found for place in places() if (found := newest(place, "aws"))), None)
    found = found or downloaded(terraform)
    if found is None:
        raise Missing(
            f"the Terraform provider hashicorp/aws {AWS_VERSION.split('.')[0]}.x is not on this machine, and `terraform init` cannot download it.\n"
            "fix: set TASKER_TERRAFORM_PROVIDERS to a folder in the layout of `terraform providers mirror`"
        )
    return found


@contextmanager
def running(command: list[str], name: str) -> Iterator[dict[str, object]]:
    """Starts a provider, and gives the entry for TF_REATTACH_PROVIDERS that it prints."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = []
    try:
        assert process.stdout
        for line in process.stdout:
            said.append(line)
            announced = re.search(r"TF_REATTACH_PROVIDERS='(.*)'", line)
            if announced:
                (entry,) = json.loads(announced.group(1)).values()
                # It goes on talking, and would stop when nobody listened.
                threading.Thread(target=process.stdout.read, daemon=True).start()
                yield entry
                return
        raise Missing(f"the Terraform provider {name} does not start:\n{''.join(said)}fix: run {command[0]} by hand")
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def attached(sources: list[str], terraform: str) -> Iterator[dict[str, str]]:
    """Runs the providers of these sources, such as hashicorp/aws; gives the environment in which Terraform uses them."""
    with ExitStack() as stack:
        entries = {}
        for source in sources:
            name = source.split("/")[1]
            if name == "aws":
                command = [str(aws_program(terraform)), "-debug"]
            elif (SCHEMAS / f"{name}.json").is_file():
                command = [sys.executable, str(Path(__file__).parent / "schema_provider.py"), str(SCHEMAS / f"{name}.json")]
            else:
                raise Missing(f"no schema of the Terraform provider {source} is in {SCHEMAS}.\nfix: add it with trim_schema.py")
            entries[source] = stack.enter_context(running(command, name))
        # The user's own settings of Terraform are none of a test's business.
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("TF_", "AWS_", "GOOGLE_", "ARM_", "DD_", "DATADOG_"))}
        data = stack.enter_context(tempfile.TemporaryDirectory())
        yield kept | {
            "TF_REATTACH_PROVIDERS": json.dumps(entries),
            "TF_DATA_DIR": data,
            "TF_CLI_CONFIG_FILE": os.devnull,
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
        }
