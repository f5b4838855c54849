"""Checks generated Compose files: their shape, and what must be true of these services.

The files are not run here: the machines that run these checks may have no Docker. `ops/docker/proof` runs them.
"""

import re
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
ENV = (ROOT / ".env.example").read_text()


def variables() -> set[str]:
    """Variables that the Compose file reads."""
    return set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))


def test_the_project_has_a_name_that_compose_accepts() -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]*", COMPOSE["name"])


def test_every_variable_is_in_the_example_and_has_no_value_there() -> None:
    names = dict(line.split("=", 1) for line in ENV.splitlines() if re.match(r"[A-Z_]+=", line))
    assert names.keys() == variables()
    assert set(names.values()) == {""}, "an example is no place for a password"


def test_the_server_waits_for_a_migrated_database() -> None:
    services = COMPOSE["services"]
    healthy = {"postgres": {"condition": "service_healthy"}}
    assert services["migrate"]["depends_on"] == healthy
    assert services["migrate"]["command"][:2] == ["tasker-dev", "migrate"]
    done = {"migrate": {"condition": "service_completed_successfully"}}
    assert services["orchestration"]["depends_on"] == done | healthy
    # The images bring their own health checks.
    assert "healthcheck" not in services["orchestration"]


def test_the_server_uses_the_database_that_is_made() -> None:
    database = COMPOSE["services"]["postgres"]["environment"]
    [url] = {
        COMPOSE["services"][name]["environment"]["DATABASE_URL"]
        for name in ("migrate", "orchestration")
    }
    name = database["POSTGRES_DB"]
    assert url == f"postgresql://postgres:${{POSTGRES_PASSWORD}}@postgres:5432/{name}"
    # The form that Tasker Core insists on.
    filled = url.replace("${POSTGRES_PASSWORD}", "a1")
    assert re.fullmatch(
        r"postgresql://[a-zA-Z0-9_-]+:[^@\s]+@[a-zA-Z0-9.-]+:\d+/[a-zA-Z0-9_-]+", filled
    )


def test_data_is_kept_and_nothing_listens_on_the_network() -> None:
    [volume] = COMPOSE["services"]["postgres"]["volumes"]
    assert volume.split(":")[0] in COMPOSE["volumes"]
    assert "ports" not in COMPOSE["services"]["postgres"]
    for port in COMPOSE["services"]["orchestration"]["ports"]:
        assert re.fullmatch(r"127\.0\.0\.1:\d+:8080", port)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-q", "-p", "no:xdist", "-p", "no:cacheprovider"]))
