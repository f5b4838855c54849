"""The charts with the real helm, from install to uninstall."""

import copy

import pytest

import charts
from life_cycle import api
from life_cycle.conftest import Release

SERVER = str(charts.HELM / "tasker-orchestration")
STACK = str(charts.HELM / "tasker-full-stack")
DATABASE = ["--set", "database.existingSecret.name=s,database.host=pg"]
NAME = "tasker-tasker-orchestration"
JOB = f"{NAME}-migrate"


def install(release: Release, *words: str) -> list[tuple[str, str, str]]:
    return release.does("install", "tasker", SERVER, *DATABASE, *words)


def upgrade(release: Release, *words: str) -> list[tuple[str, str, str]]:
    return release.does("upgrade", "tasker", SERVER, *DATABASE, *words)


def image(release: Release) -> str:
    return str(release.cluster.of("Deployment")[NAME]["spec"]["template"]["spec"]["containers"][0]["image"])


def test_a_migration_comes_before_everything_else(release: Release) -> None:
    happened = install(release)
    assert happened[:2] == [("create", "Job", JOB), ("delete", "Job", JOB)]
    kinds = {kind for _, kind, _ in happened[2:]}
    assert {"ConfigMap", "Deployment", "NetworkPolicy", "Service", "ServiceAccount"} <= kinds
    assert "Job" not in kinds
    assert "Pod" not in kinds


def test_an_upgrade_migrates_first_and_changes_what_differs(release: Release) -> None:
    install(release)
    happened = upgrade(release, "--set-string", "image.tag=2")
    assert happened[:2] == [("create", "Job", JOB), ("delete", "Job", JOB)]
    assert image(release) == "tasker-server:2"
    changed = {name for verb, kind, name in happened[2:] if verb == "update" and kind == "Deployment"}
    assert changed == {NAME, f"{NAME}-recovery"}
    assert upgrade(release, "--set-string", "image.tag=2")[2:] == []


def test_a_failed_migration_stops_the_upgrade_and_can_be_read(release: Release) -> None:
    install(release)
    before = copy.deepcopy(release.cluster.of("Deployment"))
    release.cluster.fails.add(JOB)
    said = release.fails("upgrade", "tasker", SERVER, *DATABASE, "--set-string", "image.tag=2")
    assert "pre-upgrade hooks failed" in said
    assert release.cluster.of("Deployment") == before
    # Its log is there until the next try.
    assert JOB in release.cluster.of("Job")
    release.cluster.fails.clear()
    happened = upgrade(release, "--set-string", "image.tag=2")
    assert happened[:2] == [("delete", "Job", JOB), ("create", "Job", JOB)]
    assert image(release) == "tasker-server:2"


def test_a_failed_first_migration_leaves_no_server(release: Release) -> None:
    release.cluster.fails.add(JOB)
    assert "failed pre-install" in release.fails("install", "tasker", SERVER, *DATABASE)
    assert release.cluster.of("Deployment") == {}


def test_a_rollback_does_not_migrate(release: Release) -> None:
    install(release)
    upgrade(release, "--set-string", "image.tag=2")
    happened = release.does("rollback", "tasker", "1")
    assert image(release) == "tasker-server:0.1.0"
    assert not [each for each in happened if each[1] == "Job"]


def test_a_job_of_the_release_is_replaced_by_one_with_another_name(release: Release) -> None:
    mode = ["--set", "migration.mode=job"]
    install(release, *mode)
    (first,) = release.cluster.of("Job")
    upgrade(release, *mode, "--set", "replicas=3")
    assert list(release.cluster.of("Job")) == [first]
    upgrade(release, *mode, "--set-string", "image.tag=2")
    (second,) = release.cluster.of("Job")
    assert first != second
    release.does("rollback", "tasker", "1")
    assert list(release.cluster.of("Job")) == [first]


@pytest.mark.parametrize(("before", "after"), [("hooks", "job"), ("job", "hooks"), ("initContainer", "external")])
def test_the_mode_of_migration_can_change(release: Release, before: str, after: str) -> None:
    install(release, "--set", f"migration.mode={before}")
    upgrade(release, "--set", f"migration.mode={after}")
    assert len(release.cluster.of("Job")) == (after == "job")


def test_a_configuration_is_changed_in_place_and_makes_new_pods(release: Release) -> None:
    install(release)
    before = release.cluster.of("Deployment")[NAME]["spec"]["template"]["metadata"]["annotations"]
    happened = upgrade(release, "--set", "config.common.database.pool.max_connections=70")
    after = release.cluster.of("Deployment")[NAME]["spec"]["template"]["metadata"]["annotations"]
    assert before != after
    assert ("update", "ConfigMap", NAME) in happened
    assert "max_connections = 70" in release.cluster.of("ConfigMap")[NAME]["data"]["orchestration.toml"]


def test_helm_test_runs_one_pod(release: Release) -> None:
    install(release)
    pod = f"{NAME}-health"
    assert release.does("test", "tasker") == [("create", "Pod", pod), ("delete", "Pod", pod)]
    release.cluster.fails.add(pod)
    assert f"pod {pod} failed" in release.fails("test", "tasker")


def test_an_uninstall_leaves_nothing(release: Release) -> None:
    install(release)
    release.does("uninstall", "tasker")
    assert release.cluster.objects == {}


def test_a_database_of_the_release_stays(release: Release) -> None:
    happened = release.does("install", "tasker", STACK)
    assert ("create", "Cluster", "db-tasker") in happened
    release.does("upgrade", "tasker", STACK, "--set-string", "orchestration.image.tag=2")
    release.does("uninstall", "tasker")
    assert list(release.cluster.objects) == [("Cluster", "db-tasker")]


def test_a_second_release_stands_beside_the_first(release: Release) -> None:
    install(release)
    names = set(release.cluster.objects)
    release.does("install", "other", SERVER, *DATABASE)
    assert names < set(release.cluster.objects)
    release.does("uninstall", "other")
    assert set(release.cluster.objects) == names


def test_the_api_refuses_what_kubernetes_refuses() -> None:
    cluster = api.Cluster()
    job = {"metadata": {"name": "j"}, "spec": {"template": {"spec": {"a": 1}}}}
    cluster.create("batch/v1", "Job", "n", job)
    with pytest.raises(api.Refused, match="field is immutable"):
        cluster.change("Job", "j", {"spec": {"template": {"spec": {"a": 2}}}}, is_whole=False)
    with pytest.raises(api.Refused, match="already exists"):
        cluster.create("batch/v1", "Job", "n", copy.deepcopy(job))
