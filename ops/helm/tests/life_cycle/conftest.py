import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

import charts
from life_cycle import api


@pytest.fixture(scope="session")
def database() -> Iterator[str]:
    """PostgreSQL for helm's own records: its other stores speak a format that the API here does not."""
    program = os.environ.get("TASKER_DEV_BIN")
    assert program, "TASKER_DEV_BIN is not set: ops/helm/proof/run sets it"
    words = [program, "up", "--json", "--until-stdin-ends", "--no-recovery"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as stack:
        assert stack.stdout is not None
        ready = stack.stdout.readline()
        assert ready, "tasker-dev did not start"
        url = json.loads(ready)["database_url"]
        # The password of tasker-dev's role is made with fewer rounds than helm's driver takes.
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SET scram_iterations = 4096")
            connection.execute("CREATE ROLE helm LOGIN PASSWORD 'helm'")
            connection.execute("CREATE DATABASE helm OWNER helm")
        address = url.rpartition("@")[2].partition("/")[0]
        yield f"postgresql://helm:helm@{address}/helm?sslmode=disable"
        assert stack.stdin is not None
        stack.stdin.close()
        stack.wait()


class Release:
    """helm with a cluster of its own."""

    def __init__(self, cluster: api.Cluster, environment: dict[str, str]) -> None:
        self.cluster = cluster
        self.environment = environment

    def helm(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [charts.program(), *words]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=60)

    def does(self, *words: str) -> list[tuple[str, str, str]]:
        """What a command that succeeds does to the cluster."""
        mark = len(self.cluster.happened)
        done = self.helm(*words)
        assert done.returncode == 0, done.stderr
        return self.cluster.since(mark)

    def fails(self, *words: str) -> str:
        done = self.helm(*words)
        assert done.returncode != 0, done.stdout
        return done.stderr


@pytest.fixture
def release(database: str, tmp_path: Path) -> Iterator[Release]:
    cluster = api.Cluster()
    server = api.serve(cluster)
    address = f"http://127.0.0.1:{server.server_address[1]}"
    config = tmp_path / "kubeconfig"
    context = {"name": "c", "context": {"cluster": "c", "user": "u", "namespace": "flow"}}
    content = {"apiVersion": "v1", "kind": "Config", "current-context": "c", "contexts": [context]}
    content |= {"clusters": [{"name": "c", "cluster": {"server": address}}], "users": [{"name": "u", "user": {}}]}
    config.write_text(json.dumps(content))
    environment = {**os.environ, "KUBECONFIG": str(config), "HOME": str(tmp_path), "HELM_DRIVER": "sql"}
    environment["HELM_DRIVER_SQL_CONNECTION_STRING"] = database
    # One table holds the releases of all tests; each has a namespace of its own.
    environment["HELM_NAMESPACE"] = f"flow-{os.getpid()}-{abs(hash(tmp_path)) % 10**8}"
    yield Release(cluster, environment)
    server.shutdown()
    server.server_close()
