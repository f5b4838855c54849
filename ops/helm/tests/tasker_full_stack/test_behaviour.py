"""One test for each thing that the chart does, and for each mistake that it answers."""

from typing import Any

import pytest

import charts

CHART = "tasker-full-stack"
WORKER = {"enabled": True, "image": {"repository": "r/w", "tag": "1"}}


def of_database(pod: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in charts.env(charts.containers(pod)[0]).items() if "DATABASE" in name}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"orchestration": {"migration": {"mode": "hooks"}}},
            "the database is made in the same release (global.tasker.postgres.enabled): a hook runs before it exists",
        ),
        (
            {"global": {"tasker": {"postgres": {"enabled": False}}}},
            "global.tasker.database.existingSecret.name is not set",
        ),
        (
            {"global": {"tasker": {"postgres": {"enabled": False}, "database": {"existingSecret": {"name": "x"}}}}},
            "global.tasker.database.host is not set: name the host of PostgreSQL",
        ),
        ({"global": {"tasker": {"database": {"host": "db"}}}}, "makes a database of its own: set it to false"),
        ({"global": {"tasker": {"database": {"existingSecret": {"urlKey": "uri"}}}}}, "are for a database of yours"),
        ({"orchestration": {"service": {"port": 81}}}, "orchestration.service.port is 81"),
        ({"worker": WORKER, "orchestration": {"nameOverride": "x"}}, "set worker.orchestrationUrl"),
        ({"worker": {"enabled": True}}, "image.repository is not set"),
        (
            {"worker": WORKER, "orchestration": {"recovery": {"enabled": False}}},
            "worker.delivery is Hybrid, which runs some steps twice without recovery",
        ),
        ({"global": {"tasker": {"databse": {}}}}, "global.tasker: Additional property databse is not allowed"),
        ({"orchestration": {"replica": 3}}, "Additional property replica is not allowed"),
    ],
)
def test_a_mistake_is_answered_with_one_sentence(values: dict[str, Any], said: str) -> None:
    assert said in charts.refusal(CHART, values)


def test_a_cluster_without_the_operator_is_named() -> None:
    assert "install CloudNativePG, or leave it off" in charts.refusal(CHART, {}, crds=False)


def test_nothing_has_to_be_said() -> None:
    manifests = charts.render(CHART, case=None)
    cluster = charts.one(manifests, "Cluster")
    assert cluster["metadata"] | {"labels": {}} == {
        "name": "db-tasker",
        "labels": {},
        "annotations": {"helm.sh/resource-policy": "keep"},
    }
    assert cluster["spec"]["bootstrap"] == {"initdb": {"database": "tasker", "owner": "tasker_app"}}
    used = {
        volume["secret"]["secretName"]
        for _, pod in charts.pods(manifests)
        for volume in pod.get("volumes", [])
        if "secret" in volume
    }
    assert used == {"db-tasker-app"}


def test_a_secret_of_yours_is_the_roles_everywhere() -> None:
    manifests = charts.render(CHART, case="with-worker")
    assert charts.one(manifests, "Cluster")["spec"]["bootstrap"]["initdb"]["secret"] == {"name": "tasker-database"}
    for name, pod in charts.pods(manifests):
        if not name.startswith("Pod"):
            found = of_database(pod)
            assert found["TASKER_DATABASE_HOST"] == "db-tasker-rw", name
            assert found["TASKER_DATABASE_USER"] == "tasker_app", name
            assert {"tasker-database"} == {v["secret"]["secretName"] for v in pod["volumes"] if "secret" in v}, name
    access = charts.one(manifests, "TriggerAuthentication")["spec"]["secretTargetRef"]
    assert access == [{"parameter": "password", "name": "tasker-database", "key": "password"}]
    assert charts.one(manifests, "ScaledObject")["spec"]["triggers"][0]["metadata"]["host"] == "db-tasker-rw"


def test_a_database_of_yours_is_used_by_all() -> None:
    manifests = charts.render(CHART, case="own-database")
    assert "Cluster" not in charts.kinds(manifests)
    for name, pod in charts.pods(manifests):
        if not name.startswith("Pod"):
            assert of_database(pod) == {
                "TASKER_DATABASE_PASSWORD_FILE": "/run/secrets/tasker/pw",
                "TASKER_DATABASE_HOST": "postgres.example",
                "TASKER_DATABASE_PORT": "5433",
                "TASKER_DATABASE_USER": "me",
                "TASKER_DATABASE_NAME": "flow",
                "TASKER_DATABASE_OPTIONS": "sslmode=require",
            }, name
    policies = [each for each in manifests if each["kind"] == "NetworkPolicy"]
    assert [policy["spec"]["egress"][1]["ports"][0]["port"] for policy in policies] == [5433, 5433]


@pytest.mark.parametrize("release", ["tasker", "orchestration-prod"])
def test_workers_find_the_server(release: str) -> None:
    words = ["template", release, str(charts.HELM / CHART), *charts.with_crds()]
    words += ["--values", str(charts.HELM / CHART / "ci" / "with-worker.yaml")]
    rendered = charts.helm(*words)
    assert rendered.returncode == 0, rendered.stderr
    manifests = charts.parsed(rendered.stdout)
    service = charts.one(manifests, "Service")
    worker = next(
        each
        for each in manifests
        if each["metadata"]["name"].endswith("-worker") and "spec" in each and "template" in each["spec"]
    )
    url = charts.env(worker["spec"]["template"]["spec"]["containers"][0])["TASKER_ORCHESTRATION_URL"]
    assert url == f"http://{service['metadata']['name']}:8080"


def test_the_cluster_takes_what_is_said_of_it() -> None:
    cluster = charts.one(charts.render(CHART, case="with-worker"), "Cluster")
    spec = cluster["spec"]
    assert "annotations" not in cluster["metadata"]
    assert (spec["instances"], spec["imageName"]) == (2, "registry.example/postgresql:18")
    assert spec["storage"] == {"size": "100Gi", "storageClass": "fast"}
    assert spec["backup"]["retentionPolicy"] == "30d"
    assert spec["plugins"][0]["name"].startswith("barman-cloud")
    assert spec["postgresql"]["parameters"]["max_connections"] == "300"


def test_names_of_services_do_not_collide() -> None:
    name = charts.one(charts.render(CHART, case=None), "Cluster")["metadata"]["name"]
    assert not name.startswith("tasker")
    assert len(name) + len("-rw") <= 63
