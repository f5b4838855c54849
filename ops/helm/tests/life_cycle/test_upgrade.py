"""From the previous version of the charts to this one, and back."""

import copy

import pytest

import charts
import contents
import upgrades
from life_cycle import api
from life_cycle.conftest import Release

DATABASE = ["--set", "database.existingSecret.name=s,database.host=pg"]
WORKER = [*DATABASE, "--set-string", "image.repository=r/w,image.tag=1,orchestrationUrl=http://api:8080"]
APPLICATION = ["--set", "worker.enabled=true", "--set-string", "worker.image.repository=r/w,worker.image.tag=1"]
RELEASES = [
    ("tasker-orchestration", DATABASE),
    ("tasker-orchestration", [*DATABASE, "--set", "migration.mode=job,grpc.enabled=true,autoscaling.enabled=true"]),
    ("tasker-worker", WORKER),
    ("tasker-worker", [*WORKER, "--set", "service.enabled=true,serviceAccount.create=false,replicas=5"]),
    ("tasker-full-stack", APPLICATION),
]


def stored(release: Release) -> dict[tuple[str, str], api.Object]:
    """What is in the cluster, without what the API itself writes."""
    found = copy.deepcopy(release.cluster.objects)
    for each in found.values():
        for name in ("uid", "resourceVersion"):
            each["metadata"].pop(name, None)
    return found


@pytest.mark.parametrize(("chart", "words"), RELEASES)
def test_the_previous_version_is_upgraded_and_rolled_back(release: Release, chart: str, words: list[str]) -> None:
    release.does("install", "tasker", str(upgrades.previous(chart)), *words)
    before = stored(release)
    happened = release.does("upgrade", "tasker", str(charts.HELM / chart), contents.KEEP)
    replaced = {(kind, name) for verb, kind, name in happened if verb == "delete" and kind != "Job"}
    assert not replaced, "an upgrade takes nothing away"
    assert {kind for _, kind, _ in happened} & {"Deployment"}
    after = stored(release)
    release.does("rollback", "tasker", "1")
    assert stored(release) == before
    release.does("upgrade", "tasker", str(charts.HELM / chart), contents.KEEP)
    assert stored(release) == after


def test_values_of_the_previous_version_hold(release: Release) -> None:
    words = [*DATABASE, "--set", "replicas=7,config.common.database.pool.max_connections=70"]
    release.does("install", "tasker", str(upgrades.previous("tasker-orchestration")), *words)
    release.does("upgrade", "tasker", str(charts.HELM / "tasker-orchestration"), contents.KEEP)
    name = "tasker-tasker-orchestration"
    assert release.cluster.of("Deployment")[name]["spec"]["replicas"] == 7
    assert "max_connections = 70" in release.cluster.of("ConfigMap")[name]["data"]["orchestration.toml"]


def test_a_migration_that_fails_leaves_the_previous_version(release: Release) -> None:
    release.does("install", "tasker", str(upgrades.previous("tasker-orchestration")), *DATABASE)
    before = stored(release)
    release.cluster.fails.add("tasker-tasker-orchestration-migrate")
    said = release.fails("upgrade", "tasker", str(charts.HELM / "tasker-orchestration"), contents.KEEP)
    assert "pre-upgrade hooks failed" in said
    assert {key: found for key, found in stored(release).items() if key[0] != "Job"} == before


def test_old_defaults_alone_are_not_enough(release: Release) -> None:
    """`--reuse-values` takes the defaults of the previous chart, which lack what is new. UPGRADING.md says so."""
    release.does("install", "tasker", str(upgrades.previous("tasker-orchestration")), *DATABASE)
    chart = str(charts.HELM / "tasker-orchestration")
    assert "nil pointer" in release.fails("upgrade", "tasker", chart, "--reuse-values")
    assert f"`{contents.KEEP}`" in upgrades.GUIDE.read_text()
