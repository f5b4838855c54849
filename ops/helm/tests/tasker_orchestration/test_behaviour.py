"""One test for each thing that the chart does, and for each mistake that it answers."""

import json
from typing import Any

import pytest
import yaml

import charts

CHART = "tasker-orchestration"
MONITORING = charts.HELM.parent / "monitoring"


def server(values: dict[str, Any] | None = None, case: str = "minimal", kubernetes: str = charts.NEWEST) -> Any:
    manifests = charts.render(CHART, values, case, kubernetes)
    return next(
        each for each in manifests if each["kind"] == "Deployment" and "recovery" not in each["metadata"]["name"]
    )


def pod(values: dict[str, Any] | None = None, case: str = "minimal", kubernetes: str = charts.NEWEST) -> Any:
    return server(values, case, kubernetes)["spec"]["template"]["spec"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"database": {"existingSecret": {"name": ""}}}, "database.existingSecret.name is not set: name a Secret"),
        ({"database": {"host": ""}}, "database.host is not set: name the host of PostgreSQL"),
        (
            {"database": {"host": "postgresql://me:geheim@db/x"}},
            'database.host is the URL "postgresql://…@db/x": give the host alone',
        ),
        (
            {"database": {"password": "geheim"}},
            "database.password is set: a password in values stands in Helm's release",
        ),
        ({"database": {"url": "postgresql://a:b@c/d"}}, "database.url is set: a password in values"),
        ({"database": {"secretProviderClass": "x", "externalSecret": {"enabled": True}}}, "are both set"),
        ({"database": {"secretProviderClass": "x", "existingSecret": {"urlKey": "u"}}}, "use one of them"),
        (
            {"migration": {"mode": "job"}, "database": {"externalSecret": {"enabled": True}}},
            "database.externalSecret needs store and remoteKey",
        ),
        (
            {"database": {"externalSecret": {"enabled": True, "store": "s", "remoteKey": "k"}}},
            "migration.mode is hooks, and database.externalSecret.enabled makes the Secret in the same release",
        ),
        ({"config": {"common": {"queues": {"backend": "rabbitmq"}}}}, "rabbitmq.existingSecret.name is not set"),
        ({"config": {"common": {"cache": {"enabled": True}}}}, "redis.existingSecret.name is not set"),
        ({"config": {"orchestration": {"grpc": {"max_frame_size": 16384}}}}, "but grpc.enabled is false"),
        (
            {"ingress": {"enabled": True, "hosts": ["a.example"]}},
            "networkPolicy.from lets in only pods of this namespace",
        ),
        ({"serviceMonitor": {"enabled": True}}, "networkPolicy.from lets in only pods of this namespace"),
        ({"networkPolicy": {"enabled": False}, "ingress": {"enabled": True}}, "ingress.hosts is empty: name a host"),
        ({"networkPolicy": {"enabled": False}, "httpRoute": {"enabled": True}}, "httpRoute.parentRefs is empty"),
        ({"autoscaling": {"enabled": True, "minReplicas": 5}}, "autoscaling.minReplicas (5) is more than"),
        (
            {"terminationGracePeriodSeconds": 35},
            "is 35, but preStopSeconds (5) and config.orchestration.shutdown_timeout_ms (30 s) need more than 35",
        ),
        (
            {"prometheusRule": {"enabled": True, "excludedAlerts": ["TaskerX"]}},
            'excludedAlerts names "TaskerX", which is not an alert of the chart: TaskerServerDown',
        ),
        ({"image": {"repository": ""}}, "image.repository is not set"),
        ({"migration": {"database": {"user": "m"}}}, "migration.database.existingSecret.name is not"),
        (
            {"migration": {"mode": "initContainer", "database": {"user": "m", "existingSecret": {"name": "m"}}}},
            "only a Job may have another role's password. Set migration.mode to hooks or job",
        ),
        (
            {
                "migration": {"database": {"user": "m", "existingSecret": {"name": "m"}}},
                "database": {"existingSecret": {"urlKey": "uri"}},
            },
            "migration.database.user is set, but the database comes from",
        ),
    ],
)
def test_a_mistake_is_answered_with_one_sentence(values: dict[str, Any], said: str) -> None:
    refusal = charts.refusal(CHART, values)
    assert said in refusal
    assert "geheim" not in refusal


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"serviceMonitor": {"enabled": True}}, "install the Prometheus Operator, or leave it off"),
        ({"prometheusRule": {"enabled": True}}, "prometheusRule.enabled is on, but the cluster has no monitoring"),
        ({"httpRoute": {"enabled": True, "parentRefs": [{"name": "g"}]}}, "install the Gateway API"),
        ({"database": {"externalSecret": {"enabled": True}}}, "install External Secrets"),
    ],
)
def test_a_cluster_without_the_definition_is_named(values: dict[str, Any], said: str) -> None:
    values = {"networkPolicy": {"enabled": False}, **values}
    assert said in charts.refusal(CHART, values, crds=False)


def test_the_password_is_a_file_and_no_variable() -> None:
    spec = pod()
    assert charts.env(spec["containers"][0])["TASKER_DATABASE_PASSWORD_FILE"] == "/run/secrets/tasker/password"
    secret = {"secretName": "tasker-database", "defaultMode": 0o440, "items": [{"key": "password", "path": "password"}]}
    assert {"name": "database", "secret": secret} in spec["volumes"]
    assert {"name": "database", "mountPath": "/run/secrets/tasker", "readOnly": True} in spec["containers"][0][
        "volumeMounts"
    ]


def test_a_whole_url_comes_from_the_secret() -> None:
    spec = pod(case="url")
    variables = charts.env(spec["containers"][0])
    assert variables["DATABASE_URL"] == {"secretKeyRef": {"name": "flow-app", "key": "uri"}}
    assert not [name for name in variables if name.startswith("TASKER_DATABASE")]
    assert [each["name"] for each in spec["volumes"]] == ["config"]


def test_every_container_with_a_database_has_its_secret() -> None:
    for case in charts.cases(CHART):
        for name, spec in charts.pods(charts.render(CHART, case=case)):
            for container in charts.containers(spec):
                is_url = "DATABASE_URL" in charts.env(container)
                mounts = {each["name"] for each in container.get("volumeMounts", [])}
                if container["name"] != "health":
                    assert is_url or "database" in mounts, (case, name)
                assert mounts <= {each["name"] for each in spec.get("volumes", [])}, (case, name)


def test_the_csi_driver_mounts_the_password() -> None:
    csi = {
        "driver": "secrets-store.csi.k8s.io",
        "readOnly": True,
        "volumeAttributes": {"secretProviderClass": "tasker"},
    }
    assert {"name": "database", "csi": csi} in pod(case="brokers")["volumes"]


def test_an_external_secret_is_the_one_that_pods_use() -> None:
    manifests = charts.render(CHART, case="external-secret")
    made = charts.one(manifests, "ExternalSecret")
    used = [each["secret"]["secretName"] for each in pod(case="external-secret")["volumes"] if "secret" in each]
    assert used == [made["spec"]["target"]["name"]]
    assert made["spec"]["data"][0] == {
        "secretKey": "password",
        "remoteRef": {"key": "tasker/database", "property": "password"},
    }


def test_a_hook_uses_nothing_of_its_release() -> None:
    manifests = charts.render(CHART)
    job = charts.one(manifests, "Job")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert job["metadata"]["name"].endswith("-migrate")
    spec = job["spec"]["template"]["spec"]
    assert spec["serviceAccountName"] == "default"
    made = {each["metadata"]["name"] for each in manifests if each is not job}
    used = {each.get("secret", each.get("configMap", {})).get("secretName") for each in spec["volumes"]}
    assert not used & made
    assert spec["containers"][0]["args"][:2] == ["tasker-dev", "migrate"]
    assert "initContainers" not in pod()


def test_only_the_job_has_the_password_of_the_role_that_migrates() -> None:
    values = {"migration": {"database": {"user": "owner", "existingSecret": {"name": "owner", "passwordKey": "key"}}}}
    users: dict[str, str] = {}
    for name, spec in charts.pods(charts.render(CHART, values)):
        variables = {each["name"]: each.get("value") for each in spec["containers"][0].get("env", [])}
        secrets = {each["secret"]["secretName"] for each in spec.get("volumes", []) if "secret" in each}
        assert ("owner" in secrets) == name.startswith("Job")
        if "TASKER_DATABASE_USER" in variables:
            users[name] = variables["TASKER_DATABASE_USER"]
        if name.startswith("Job"):
            assert variables["TASKER_DATABASE_PASSWORD_FILE"] == "/run/secrets/tasker/key"
            assert "tasker-dev migrate --wait 60 && tasker-recovery install" in spec["containers"][0]["args"]
        elif "recovery" in name:
            assert "--install" not in spec["containers"][0]["args"]
    assert all((user == "owner") == name.startswith("Job") for name, user in users.items())
    assert len(users) == 3


def test_a_job_has_another_name_with_another_pod() -> None:
    def name(values: dict[str, Any]) -> str:
        return str(
            charts.one(charts.render(CHART, {"migration": {"mode": "job"}, **values}), "Job")["metadata"]["name"]
        )

    assert name({}) == name({"replicas": 5}) != name({"image": {"tag": "2"}})
    job = charts.one(charts.render(CHART, {"migration": {"mode": "job"}}), "Job")
    assert "annotations" not in job["metadata"]
    assert job["spec"]["ttlSecondsAfterFinished"] == 86400


@pytest.mark.parametrize(("mode", "first"), [("job", "await-migration"), ("external", "await-migration")])
def test_servers_wait_for_a_migration_of_others(mode: str, first: str) -> None:
    manifests = charts.render(CHART, {"migration": {"mode": mode}})
    for name, spec in charts.pods(manifests):
        if name.startswith("Deployment"):
            assert [each["name"] for each in spec["initContainers"]] == [first]
            assert "tasker-dev migrate --check" in spec["initContainers"][0]["args"][2]
    assert ("Job" in charts.kinds(manifests)) == (mode == "job")


def test_an_init_container_migrates() -> None:
    manifests = charts.render(CHART, {"migration": {"mode": "initContainer"}})
    assert "Job" not in charts.kinds(manifests)
    specs = dict(charts.pods(manifests))
    first = {name: spec["initContainers"][0]["name"] for name, spec in specs.items() if name.startswith("Deployment")}
    assert sorted(first.values()) == ["await-migration", "migrate"]


@pytest.mark.parametrize(("shutdown", "grace"), [(30000, 45), (1000, 16), (1001, 17), (300000, 315)])
def test_the_grace_is_longer_than_the_stop(shutdown: int, grace: int) -> None:
    spec = pod({"config": {"orchestration": {"shutdown_timeout_ms": shutdown}}})
    assert spec["terminationGracePeriodSeconds"] == grace
    assert grace > 5 + shutdown / 1000


def test_a_given_grace_counts() -> None:
    assert pod(case="external-secret")["terminationGracePeriodSeconds"] == 120


def test_the_wait_before_sigterm_needs_no_program_where_kubernetes_can_do_it() -> None:
    assert pod()["containers"][0]["lifecycle"] == {"preStop": {"sleep": {"seconds": 5}}}
    old = pod(kubernetes="1.29.3")["containers"][0]["lifecycle"]
    assert old == {"preStop": {"exec": {"command": ["sleep", "5"]}}}
    assert "lifecycle" not in pod(case="url")["containers"][0]


def test_probes_ask_core() -> None:
    container = pod()["containers"][0]
    assert container["readinessProbe"]["httpGet"] == {"path": "/health/ready", "port": "http"}
    assert (
        container["livenessProbe"]["httpGet"]["path"] == container["startupProbe"]["httpGet"]["path"] == "/health/live"
    )
    assert pod(case="everything")["containers"][0]["ports"] == [
        {"name": "http", "containerPort": 8080},
        {"name": "grpc", "containerPort": 9190},
    ]


def test_replicas_are_absent_when_something_else_sets_them() -> None:
    assert server()["spec"]["replicas"] == 2
    assert "replicas" not in server(case="everything")["spec"]
    scaler = charts.one(charts.render(CHART, case="everything"), "HorizontalPodAutoscaler")
    assert scaler["spec"]["scaleTargetRef"]["name"] == server(case="everything")["metadata"]["name"]


def test_a_single_server_has_no_disruption_budget() -> None:
    assert "PodDisruptionBudget" in charts.kinds(charts.render(CHART))
    assert "PodDisruptionBudget" not in charts.kinds(charts.render(CHART, {"replicas": 1}))
    assert "PodDisruptionBudget" not in charts.kinds(charts.render(CHART, case="url"))


def test_a_rollout_takes_no_server_away_first() -> None:
    assert server()["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


def test_a_digest_wins_over_a_tag() -> None:
    digest = "sha256:" + "a" * 64
    assert pod({"image": {"tag": "9", "digest": digest}})["containers"][0]["image"] == f"tasker-server@{digest}"
    assert pod({"image": {"tag": "9"}})["containers"][0]["image"] == "tasker-server:9"


def test_egress_is_names_database_telemetry_and_brokers() -> None:
    def ports(values: dict[str, Any], case: str = "minimal") -> list[int]:
        policy = charts.one(charts.render(CHART, values, case), "NetworkPolicy")
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
        return [port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]]

    assert ports({}) == [53, 53, 5432]
    assert ports({"database": {"port": 6432}, "telemetry": {"otlpEndpoint": "http://otel:4317"}}) == [
        53,
        53,
        6432,
        4317,
    ]
    assert ports({"redis": {"existingSecret": {"name": "r"}}}) == [53, 53, 5432, 6379]
    assert ports({}, "brokers") == [53, 53, 5432, 5672]
    assert "NetworkPolicy" not in charts.kinds(charts.render(CHART, case="url"))


def test_the_policy_covers_every_pod_and_names_the_rest() -> None:
    manifests = charts.render(CHART, case="everything")
    spec = charts.one(manifests, "NetworkPolicy")["spec"]
    for manifest in manifests:
        if "template" in manifest.get("spec", {}):
            assert (
                spec["podSelector"]["matchLabels"].items() <= manifest["spec"]["template"]["metadata"]["labels"].items()
            )
    assert spec["egress"][1]["to"] == [{"ipBlock": {"cidr": "10.0.0.0/8"}}]
    assert [port["port"] for port in spec["ingress"][0]["ports"]] == [8080, 9190, 9187]


def test_recovery_runs_beside_the_server_where_it_can() -> None:
    recovery = charts.one(charts.render(CHART), "Deployment", "-recovery")
    container = recovery["spec"]["template"]["spec"]["containers"][0]
    assert container["args"] == ["tasker-recovery", "run", "--install", "--listen", "0.0.0.0:9187"]
    assert recovery["spec"]["replicas"] == 1
    for case in ("url", "brokers"):
        charts.one(charts.render(CHART, case=case), "Deployment")
    queue_database = {"queueDatabase": {"existingSecret": {"name": "q"}}}
    charts.one(charts.render(CHART, queue_database), "Deployment")


def test_selectors_find_their_own_pods_only() -> None:
    manifests = charts.render(CHART, case="everything")
    labels = {
        each["metadata"]["name"]: each["spec"]["template"]["metadata"]["labels"]
        for each in manifests
        if "template" in each.get("spec", {})
    }
    service = charts.one(manifests, "Service")["spec"]["selector"]
    assert [name for name, found in labels.items() if service.items() <= found.items()] == ["flow"]
    for manifest in manifests:
        if manifest["kind"] == "Deployment":
            selector = manifest["spec"]["selector"]["matchLabels"]
            assert [name for name, found in labels.items() if selector.items() <= found.items()] == [
                manifest["metadata"]["name"]
            ]


def test_monitors_find_the_pods_and_take_the_text_of_core() -> None:
    manifests = charts.render(CHART, case="everything")
    monitor = charts.one(manifests, "ServiceMonitor")["spec"]
    assert monitor["fallbackScrapeProtocol"] == "PrometheusText0.0.4"
    assert monitor["selector"]["matchLabels"].items() <= charts.one(manifests, "Service")["metadata"]["labels"].items()
    assert charts.one(manifests, "PodMonitor")["metadata"]["labels"]["release"] == "prometheus"
    assert "PodMonitor" not in charts.kinds(charts.render(CHART, case="url"))


def test_what_is_scraped_has_the_labels_of_alerts_and_dashboards() -> None:
    manifests = charts.render(CHART, case="url")
    found = {}
    for kind, endpoints in (("ServiceMonitor", "endpoints"), ("PodMonitor", "podMetricsEndpoints")):
        for manifest in charts.render(CHART, case="everything"):
            if manifest["kind"] == kind:
                (endpoint,) = manifest["spec"][endpoints]
                found[kind] = {rule["targetLabel"]: rule["replacement"] for rule in endpoint["relabelings"]}
    assert found == {
        "ServiceMonitor": {"job": "tasker-server", "cluster": "flow"},
        "PodMonitor": {"job": "tasker-recovery", "cluster": "flow"},
    }
    (endpoint,) = charts.one(manifests, "ServiceMonitor")["spec"]["endpoints"]
    assert endpoint["relabelings"][1]["replacement"] == "production"


def test_rules_are_those_of_the_catalogue_and_alerts_can_be_left_out() -> None:
    groups = charts.one(charts.render(CHART, {"prometheusRule": {"enabled": True}}), "PrometheusRule")["spec"]["groups"]
    assert groups == yaml.safe_load((MONITORING / "prometheus-rules" / "tasker.rules.yml").read_text())["groups"]
    some = charts.one(charts.render(CHART, case="everything"), "PrometheusRule")["spec"]["groups"]
    names = [{rule["alert"] for rule in each[1]["rules"]} for each in (groups, some)]
    assert names[0] - names[1] == {"TaskerBackpressure"}


def test_dashboards_are_config_maps_for_a_sidecar() -> None:
    maps = [
        each
        for each in charts.render(CHART, {"dashboards": {"enabled": True}})
        if each["metadata"].get("labels", {}).get("grafana_dashboard") == "1"
    ]
    files = {name: text for each in maps for name, text in each["data"].items()}
    expected = {file.name: file.read_text() for file in (MONITORING / "grafana-dashboards").glob("*.json")}
    assert {name: json.loads(text) for name, text in files.items()} == {
        name: json.loads(text) for name, text in expected.items()
    }


def test_ways_in_lead_to_the_service() -> None:
    manifests = charts.render(CHART, case="everything")
    service = charts.one(manifests, "Service")
    backend = charts.one(manifests, "Ingress")["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert backend == {"name": service["metadata"]["name"], "port": {"name": "http"}}
    route = charts.one(manifests, "HTTPRoute")["spec"]["rules"][0]["backendRefs"]
    assert route == [{"name": service["metadata"]["name"], "port": 8080}]
    assert charts.one(manifests, "Ingress")["spec"]["tls"] == [
        {"secretName": "tasker-tls", "hosts": ["tasker.example.com"]}
    ]
    assert not {"Ingress", "HTTPRoute"} & charts.kinds(charts.render(CHART))


def test_accounts_have_no_token_and_may_be_yours() -> None:
    account = charts.one(charts.render(CHART, case="everything"), "ServiceAccount")
    assert account["automountServiceAccountToken"] is False
    assert pod(case="everything")["serviceAccountName"] == account["metadata"]["name"]
    assert pod(case="url")["serviceAccountName"] == "mine"
    assert pod(case="brokers")["serviceAccountName"] == "default"


def test_names_stay_short_enough() -> None:
    manifests = charts.render(CHART, {"nameOverride": "x" * 60, "migration": {"mode": "job"}})
    assert max(len(each["metadata"]["name"]) for each in manifests) <= 63


def test_helm_test_asks_the_service() -> None:
    manifests = charts.render(CHART)
    test = charts.one(manifests, "Pod")
    service = charts.one(manifests, "Service")["metadata"]["name"]
    assert test["spec"]["containers"][0]["command"] == ["tasker-dev", "health", f"http://{service}:8080"]
