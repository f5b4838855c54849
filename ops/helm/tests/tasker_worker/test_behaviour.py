"""One test for each thing that the chart does, and for each mistake that it answers."""

from typing import Any

import pytest

import charts

CHART = "tasker-worker"


def worker(values: dict[str, Any] | None = None, case: str = "minimal", kubernetes: str = charts.NEWEST) -> Any:
    return charts.one(charts.render(CHART, values, case, kubernetes), "Deployment")


def pod(values: dict[str, Any] | None = None, case: str = "minimal", kubernetes: str = charts.NEWEST) -> Any:
    return worker(values, case, kubernetes)["spec"]["template"]["spec"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"image": {"repository": ""}}, "image.repository is not set: name the image of your worker"),
        ({"image": {"tag": ""}}, "image.tag and image.digest are empty: name the version"),
        ({"orchestrationUrl": ""}, "orchestrationUrl is not set: give the REST API of the server"),
        ({"database": {"existingSecret": {"name": ""}}}, "database.existingSecret.name is not set: name a Secret"),
        ({"database": {"password": "geheim"}}, "database.password is set: a password in values"),
        ({"keda": {"enabled": True}}, "namespaces is empty: name the task namespaces"),
        (
            {"keda": {"enabled": True}, "autoscaling": {"enabled": True}},
            "keda.enabled and autoscaling.enabled are both true",
        ),
        (
            {"keda": {"enabled": True, "minReplicas": 20}, "namespaces": ["a"]},
            "keda.minReplicas (20) is more than keda.maxReplicas (10)",
        ),
        (
            {
                "keda": {"enabled": True},
                "namespaces": ["a"],
                "database": {"existingSecret": {"name": ""}, "secretProviderClass": "x"},
            },
            "keda.enabled needs the password in a Secret",
        ),
        ({"podMonitor": {"enabled": True}}, "networkPolicy.from lets in only pods of this namespace"),
        (
            {"drain": {"seconds": 60}, "terminationGracePeriodSeconds": 65},
            "terminationGracePeriodSeconds is 65, but preStopSeconds (5) and drain.seconds (60 s) need more than 65",
        ),
        ({"namespaces": ["it's"]}, "namespaces.0: Does not match pattern"),
    ],
)
def test_a_mistake_is_answered_with_one_sentence(values: dict[str, Any], said: str) -> None:
    refusal = charts.refusal(CHART, values)
    assert said in refusal
    assert "geheim" not in refusal


def test_steps_come_by_notification_unless_polling_is_chosen() -> None:
    def delivery(values: dict[str, Any]) -> str:
        return str(charts.env(charts.containers(pod(values))[0])["TASKER_WORKER__DELIVERY"])

    assert delivery({}) == "Hybrid"
    assert delivery({"delivery": "PollingOnly"}) == "PollingOnly"
    refusal = charts.refusal(CHART, {"delivery": "Sometimes"})
    assert 'delivery must be one of the following: "Hybrid", "PollingOnly"' in refusal


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"keda": {"enabled": True}}, "keda.enabled is on, but the cluster has no keda.sh/v1alpha1: install KEDA"),
        ({"podMonitor": {"enabled": True}, "networkPolicy": {"enabled": False}}, "install the Prometheus Operator"),
    ],
)
def test_a_cluster_without_the_definition_is_named(values: dict[str, Any], said: str) -> None:
    assert said in charts.refusal(CHART, values, crds=False)


@pytest.mark.parametrize(("wait", "drain"), [(5, 30), (0, 0), (60, 3600), (120, 1)])
def test_the_grace_is_longer_than_the_drain(wait: int, drain: int) -> None:
    spec = pod({"preStopSeconds": wait, "drain": {"seconds": drain}})
    assert spec["terminationGracePeriodSeconds"] == wait + drain + 30
    assert charts.env(spec["containers"][0])["TASKER_DRAIN_TIMEOUT"] == str(drain)


def test_the_drain_time_may_be_the_applications() -> None:
    assert not [name for name in charts.env(pod(case="url-and-keda")["containers"][0]) if "DRAIN" in name]
    assert pod(case="url-and-keda")["terminationGracePeriodSeconds"] == 60


def test_a_new_pod_works_before_an_old_one_drains() -> None:
    assert worker()["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert pod()["containers"][0]["lifecycle"] == {"preStop": {"sleep": {"seconds": 5}}}
    assert "exec" in pod(kubernetes="1.29.0")["containers"][0]["lifecycle"]["preStop"]


@pytest.mark.parametrize(("prefix", "path"), [("/tasker", "/tasker/live"), ("", "/live")])
def test_probes_ask_live_and_ready(prefix: str, path: str) -> None:
    container = pod({"probes": {"prefix": prefix}, "port": 3000})["containers"][0]
    assert (
        container["livenessProbe"]["httpGet"] == container["startupProbe"]["httpGet"] == {"path": path, "port": "http"}
    )
    assert container["readinessProbe"]["httpGet"]["path"] == path.replace("live", "ready")
    assert container["ports"] == [{"name": "http", "containerPort": 3000}]
    assert charts.env(container)["PORT"] == "3000"


def test_any_image_with_any_command_is_a_worker() -> None:
    container = pod(case="everything")["containers"][0]
    assert (container["command"], container["args"]) == (
        ["tasker-entrypoint"],
        ["bin/rails", "server", "-b", "0.0.0.0"],
    )
    assert not {"command", "args"} & pod()["containers"][0].keys()
    assert charts.env(container)["TASKER_ORCHESTRATION_URL"] == "https://tasker.example.com"


def test_only_tmp_can_be_written_to() -> None:
    spec = pod()
    writable = [each["name"] for each in spec["containers"][0]["volumeMounts"] if not each.get("readOnly")]
    assert writable == ["tmp"]
    assert spec["volumes"][0] == {"name": "tmp", "emptyDir": {"sizeLimit": "256Mi"}}


@pytest.mark.parametrize(("case", "is_set"), [("minimal", True), ("keda", False), ("everything", False)])
def test_replicas_are_absent_when_something_else_sets_them(case: str, is_set: bool) -> None:
    assert ("replicas" in worker(case=case)["spec"]) == is_set


def test_keda_looks_at_depth_and_age_of_the_queues() -> None:
    manifests = charts.render(CHART, case="keda")
    scaled = charts.one(manifests, "ScaledObject")["spec"]
    assert scaled["scaleTargetRef"]["name"] == charts.one(manifests, "Deployment")["metadata"]["name"]
    triggers = {trigger["name"]: trigger for trigger in scaled["triggers"]}
    queues = "queue_name IN ('worker_orders_queue', 'worker_billing_queue')"
    assert "sum(queue_length)" in triggers["depth"]["metadata"]["query"]
    assert "max(oldest_msg_age_sec)" in triggers["age"]["metadata"]["query"]
    assert all(queues in trigger["metadata"]["query"] for trigger in triggers.values())
    assert triggers["depth"]["metadata"]["sslmode"] == "verify-full"
    assert triggers["depth"]["metadata"]["targetQueryValue"] == "20"


def test_keda_takes_its_password_from_the_same_secret() -> None:
    for case, parameter, key, secret in (
        ("keda", "password", "password", "tasker-database"),
        ("url-and-keda", "connection", "url", "made"),
    ):
        manifests = charts.render(CHART, case=case)
        access = charts.one(manifests, "TriggerAuthentication")
        assert access["spec"]["secretTargetRef"] == [{"parameter": parameter, "name": secret, "key": key}]
        triggers = charts.one(manifests, "ScaledObject")["spec"]["triggers"]
        assert all(each["authenticationRef"]["name"] == access["metadata"]["name"] for each in triggers)
        assert ("host" in triggers[0]["metadata"]) == (parameter == "password")


def test_age_may_be_left_out_and_the_prefix_be_another() -> None:
    values = {"queuePrefix": "w"}
    triggers = charts.one(charts.render(CHART, values, "url-and-keda"), "ScaledObject")["spec"]["triggers"]
    assert [each["name"] for each in triggers] == ["depth"]
    assert "('w_orders_queue')" in triggers[0]["metadata"]["query"]


@pytest.mark.parametrize(("case", "there"), [("minimal", True), ("keda", True), ("everything", True)])
def test_a_disruption_takes_one_pod_at_most(case: str, there: bool) -> None:
    assert ("PodDisruptionBudget" in charts.kinds(charts.render(CHART, case=case))) == there


@pytest.mark.parametrize("case", ["csi", "url-and-keda"])
def test_a_worker_that_may_be_alone_has_no_budget(case: str) -> None:
    assert "PodDisruptionBudget" not in charts.kinds(charts.render(CHART, case=case))


@pytest.mark.parametrize(
    ("url", "port"), [("http://api:8080", 8080), ("https://a.example", 443), ("http://a.example", 80)]
)
def test_egress_is_names_database_telemetry_and_server(url: str, port: int) -> None:
    values = {"orchestrationUrl": url, "telemetry": {"otlpEndpoint": "http://otel:4317"}}
    spec = charts.one(charts.render(CHART, values), "NetworkPolicy")["spec"]
    assert [each["port"] for rule in spec["egress"] for each in rule["ports"]] == [53, 53, 5432, 4317, port]
    assert spec["podSelector"]["matchLabels"].items() <= worker()["spec"]["template"]["metadata"]["labels"].items()


def test_a_service_is_made_when_asked_for() -> None:
    service = charts.one(charts.render(CHART, case="everything"), "Service")
    assert service["metadata"]["name"] == "web-orders"
    assert service["spec"]["ports"][0]["targetPort"] == "http"
    assert "Service" not in charts.kinds(charts.render(CHART))


def test_secrets_come_as_they_do_for_the_server() -> None:
    assert charts.env(pod(case="everything")["containers"][0])["DATABASE_URL"] == {
        "secretKeyRef": {"name": "flow-app", "key": "uri"}
    }
    assert any("csi" in volume for volume in pod(case="csi")["volumes"])
    made = charts.one(charts.render(CHART, case="url-and-keda"), "ExternalSecret")["spec"]
    assert made["secretStoreRef"] == {"name": "vault", "kind": "ClusterSecretStore"}
    assert made["data"][0] == {"secretKey": "url", "remoteRef": {"key": "tasker/url"}}
