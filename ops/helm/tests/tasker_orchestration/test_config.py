"""Core's file: complete, of the right types, every key within reach, and no others."""

from typing import Any

import pytest
import tomli
import yaml

import charts
import generate

CHART = "tasker-orchestration"
SOURCE = generate.load(CHART)
KEYS = {f"{section}.{name}": row for section, name, row in generate.core_keys(SOURCE["contract"])}
# Values that switch on every optional section.
ALL_SECTIONS = {
    "config": {
        "common": {"queues": {"backend": "rabbitmq"}, "cache": {"enabled": True}},
        "orchestration": {"web": {"auth": {"enabled": True}}},
    },
    "rabbitmq": {"existingSecret": {"name": "r"}},
    "redis": {"existingSecret": {"name": "r"}},
    "queueDatabase": {"existingSecret": {"name": "q"}},
    "grpc": {"enabled": True},
}


def config(values: dict[str, Any], case: str = "minimal") -> dict[str, Any]:
    text = charts.one(charts.render(CHART, values, case), "ConfigMap")["data"]["orchestration.toml"]
    return flat(tomli.loads(text))


def flat(table: dict[str, Any], path: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in table.items():
        out |= flat(value, f"{path}{name}.") if isinstance(value, dict) else {f"{path}{name}": value}
    return out


def other(row: dict[str, Any]) -> Any:
    """A valid value that is not the default."""
    default = row["default"]
    if row["type"] == "bool":
        return not default
    if row["type"] == "str":
        return next((word for word in row.get("choices", []) if word != default), 'a "quoted" <b>\n\\ü')
    if row["type"].endswith("_list"):
        return [*default, *default, 7 if row["type"] == "int_list" else "x/*.{yml}"]
    return next(value for value in (row.get("max"), row["min"]) if value not in (None, default))


def merged(into: dict[str, Any], path: str, value: Any) -> None:
    *folders, name = path.split(".")
    for folder in folders:
        into = into.setdefault(folder, {})
    into[name] = value


def test_the_file_has_every_key_with_the_type_that_core_takes() -> None:
    rendered = config(ALL_SECTIONS)
    moka = {key for key in KEYS if key.startswith("common.cache.moka.")}
    assert rendered.keys() == KEYS.keys() - moka
    types = {"str": str, "bool": bool, "int": int, "float": float, "str_list": list, "int_list": list}
    wrong = {key: value for key, value in rendered.items() if type(value) is not types[KEYS[key]["type"]]}
    assert not wrong


def test_defaults_are_those_of_the_table_but_for_what_a_pod_needs() -> None:
    rendered = config({})
    changed = {key: value for key, value in rendered.items() if value != KEYS[key]["default"]}
    assert changed == SOURCE["defaults"] | {
        "common.database.url": "${DATABASE_URL}",
        "orchestration.web.bind_address": "0.0.0.0:8080",
    }


def test_every_key_is_within_reach() -> None:
    """All keys at once: each value comes through as it is, whatever is in it."""
    wanted = {key: other(row) for key, row in KEYS.items() if key not in SOURCE["owned"]}
    wanted |= {"common.queues.backend": "rabbitmq", "common.cache.backend": "redis", "common.cache.enabled": True}
    values: dict[str, Any] = {**ALL_SECTIONS, "config": {}}
    for key, value in wanted.items():
        merged(values["config"], key, value)
    moka = {key: wanted.pop(key) for key in list(wanted) if key.startswith("common.cache.moka.")}
    rendered = config(values)
    assert {key: (type(rendered[key]), rendered[key]) for key in wanted} == {
        key: (type(value), value) for key, value in wanted.items()
    }
    values["config"]["common"]["cache"]["backend"] = "moka"
    assert {key: config(values)[key] for key in moka} == moka


@pytest.mark.parametrize("key", SOURCE["owned"])
def test_a_key_of_the_chart_is_refused_with_what_to_set(key: str) -> None:
    values: dict[str, Any] = {"config": {}}
    merged(values["config"], key, {"str": "x", "bool": True}[KEYS[key]["type"]])
    values |= {"grpc": {"enabled": True}} if ".grpc." in key else {}
    assert f"config.{key} is written by the chart: {SOURCE['owned'][key]}" in charts.refusal(CHART, values)


def test_a_misspelled_key_is_refused_with_its_place() -> None:
    said = charts.refusal(CHART, {"config": {"common": {"database": {"pool": {"max_conections": 3}}}}})
    assert "config.common.database.pool: Additional property max_conections is not allowed" in said


def test_a_value_out_of_range_is_refused() -> None:
    said = charts.refusal(CHART, {"config": {"common": {"database": {"pool": {"max_connections": 1001}}}}})
    assert "config.common.database.pool.max_connections: Must be less than or equal to 1000" in said


@pytest.mark.parametrize(
    ("values", "section", "is_there"),
    [
        ({}, "common.cache", False),
        ({"config": {"common": {"cache": {"enabled": True, "backend": "moka"}}}}, "common.cache.moka", True),
        ({"config": {"common": {"cache": {"enabled": True, "backend": "moka"}}}}, "common.cache.redis", False),
        ({}, "common.queues.rabbitmq", False),
        ({}, "common.pgmq_database", False),
        ({}, "orchestration.web", True),
        ({}, "orchestration.web.auth", False),
        ({"config": {"orchestration": {"web": {"auth": {"enabled": False}}}}}, "orchestration.web.auth", True),
        ({}, "orchestration.grpc", False),
        ({"grpc": {"enabled": True}}, "orchestration.grpc", True),
    ],
)
def test_optional_sections_are_there_only_when_used(values: dict[str, Any], section: str, is_there: bool) -> None:
    assert any(key.startswith(f"{section}.") for key in config(values)) == is_there


def test_a_change_of_the_configuration_makes_new_pods() -> None:
    def checksum(values: dict[str, Any]) -> str:
        pod = charts.one(charts.render(CHART, values), "Deployment", "orchestration")["spec"]["template"]
        return str(pod["metadata"]["annotations"]["checksum/config"])

    more = {"config": {"common": {"database": {"pool": {"max_connections": 61}}}}}
    assert checksum({}) == checksum({"podLabels": {"a": "b"}}) != checksum(more)


def test_a_url_with_a_password_comes_from_its_secret() -> None:
    pod = charts.one(charts.render(CHART, ALL_SECTIONS), "Deployment")["spec"]["template"]["spec"]
    variables = charts.env(pod["containers"][0])
    for variable, secret in (("RABBITMQ_URL", "r"), ("REDIS_URL", "r"), ("PGMQ_DATABASE_URL", "q")):
        assert variables[variable] == {"secretKeyRef": {"name": secret, "key": "url"}}
    rendered = config(ALL_SECTIONS)
    assert rendered["common.queues.rabbitmq.url"] == "${RABBITMQ_URL}"
    assert rendered["common.cache.redis.url"] == "${REDIS_URL}"
    assert rendered["common.pgmq_database.url"] == "${PGMQ_DATABASE_URL}"


def test_the_source_names_keys_that_exist() -> None:
    assert SOURCE["owned"].keys() <= KEYS.keys()
    assert SOURCE["defaults"].keys() <= KEYS.keys()
    assert yaml.safe_load((charts.HELM / CHART / "values.yaml").read_text())["config"] == {}
