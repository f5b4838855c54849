"""The files that no other test of the project reads."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from copying.finish import NAMED
from tests_template.conftest import BIN, REPOSITORY, ROOT

README = (ROOT / "README.md").read_text()


def load(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text())


def pins(name: str) -> set[str]:
    return set(re.findall(r"^([^\s#]+==[^\s;]+)", (ROOT / name).read_text(), flags=re.M))


@pytest.mark.parametrize("name", ["requirements.dev.lock", "requirements.production.lock"])
def test_the_lock_files_name_the_same_versions(name: str) -> None:
    assert pins(name) - pins("requirements.lock") == set()
    assert "fastapi" in {pin.partition("==")[0] for pin in pins(name)}


def test_the_image_has_no_tools_of_developers() -> None:
    names = {pin.partition("==")[0] for pin in pins("requirements.production.lock")}
    assert not names & {"copier", "mypy", "pytest", "ruff"}


def test_actions_are_pinned_as_in_this_repository() -> None:
    table = tomllib.loads((REPOSITORY / ".github/action-pins.toml").read_text())
    allowed = {f"{row['name']}@{row.get('commit')} # v{row['version']}" for row in table["action"]}
    used = re.findall(r"uses: (.+)", (ROOT / ".github/workflows/ci.yml").read_text())
    assert used
    assert set(used) <= allowed


def test_the_values_fit_the_chart() -> None:
    schema = json.loads((REPOSITORY / "ops/helm/tasker-worker/values.schema.json").read_text())
    properties = schema["properties"]
    for name, value in load("values.yaml").items():
        assert name in properties, name
        if isinstance(value, dict):
            assert value.keys() <= properties[name]["properties"].keys()
        else:
            jsonschema.validate(value, properties[name])


@pytest.mark.parametrize("name", ["compose.yaml", "compose.production.yaml"])
def test_services_of_the_application_are_confined(name: str) -> None:
    services = load(name)["services"]
    for service in ("migrate", "web", "worker"):
        assert services[service]["read_only"] is True
        assert services[service]["cap_drop"] == ["ALL"]
    assert "DATABASE_URL" not in " ".join(services["web"]["environment"]).split()
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_other_data_files_can_be_read() -> None:
    for name in ("renovate.json", ".devcontainer/devcontainer.json"):
        json.loads((ROOT / name).read_text())
    assert (ROOT / "LICENSE").read_text() == (REPOSITORY / "LICENSE").read_text()


def test_files_with_the_name_are_all_listed() -> None:
    texts = {path: (ROOT / path).read_text() for path in NAMED}
    assert [path for path, text in texts.items() if "ocument" not in text] == []


def entrypoint(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ROOT / "bin/entrypoint"), "sh", "-c", 'printf "%s" "$JWT_SECRET"'],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
    )


def test_secrets_come_from_files(tmp_path: Path) -> None:
    secret = tmp_path / "jwt_secret"
    secret.write_text("a $(b) 'c'\n")
    assert entrypoint(JWT_SECRET_FILE=str(secret)).stdout == "a $(b) 'c'"
    assert entrypoint(JWT_SECRET="given").stdout == "given"
    secret.write_text("")
    for file in (secret, tmp_path / "missing"):
        done = entrypoint(JWT_SECRET_FILE=str(file))
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.count("\n") == 1
        assert "JWT_SECRET_FILE" in done.stderr


def test_the_readme_names_what_is_there() -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", README, flags=re.M | re.S)
    for word in re.findall(r"\.venv/bin/([\w-]+)", "\n".join(blocks)):
        assert (BIN / word).exists(), word
    for path in re.findall(r"^\| `([^`]+)`", README, flags=re.M):
        assert (ROOT / path).exists(), path
    assert (ROOT / "bin/setup").exists()
    variables = (ROOT / "app/settings.py").read_text()
    for name in ("JWT_SECRET", "APP_DATABASE_URL", "DB_POOL_SIZE"):
        assert name in README
        assert f"    {name.lower()}: " in variables


def test_the_readme_commands_are_understood() -> None:
    """Without a stack: each program is asked for help on the options that the README uses."""
    for command, options in (
        (["uvicorn"], ["--env-file", "--reload"]),
        (["tasker"], ["--env-file"]),
        (["dotenv", "run"], []),
    ):
        done = subprocess.run(
            [str(BIN / command[0]), *command[1:], "--help"],
            env={"PATH": "/usr/bin:/bin", "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert [option for option in options if option not in done.stdout] == []
