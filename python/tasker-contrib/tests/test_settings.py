"""Settings: sources, checks, the rendered file, and what must never be printed."""

from __future__ import annotations

import logging
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from tasker_contrib import TaskerConfigError, TaskerSettings
from tasker_contrib._internal._contract import CONFIG_KEYS, OPTIONAL_SECTIONS, SETTINGS
from tasker_contrib._internal.render import worker_toml, worker_values
from tasker_contrib.settings import OUR_DEFAULTS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

URL = "postgresql://app:s3cret@db:5432/app"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def at(data: Any, path: str) -> Any:
    for part in path.split("."):
        data = data[part]
    return data


def test_sources_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "tasker.toml"
    file.write_text(
        'handlers = ["from.file"]\n[database]\npool_size = 1\nmin_connections = 1\n'
        'idle_timeout = 11\nurl = "postgresql://f:f@f/f"\n'
        "[core.common.backoff]\njitter_enabled = false\n"
    )
    monkeypatch.setenv("TASKER_DATABASE__POOL_SIZE", "20")
    monkeypatch.setenv("TASKER_DATABASE__MIN_CONNECTIONS", "2")
    monkeypatch.setenv("DATABASE_URL", URL)
    monkeypatch.setenv("TASKER_ORCHESTRATION_URL", "http://tasker:8080/")
    settings = TaskerSettings(database={"pool_size": 30})
    rows = {row.name: (row.value, row.source) for row in settings.explain()}
    assert rows["database.pool_size"] == ("30", "option")
    assert rows["database.min_connections"] == (
        "2",
        "environment TASKER_DATABASE__MIN_CONNECTIONS",
    )
    assert rows["database.idle_timeout"] == ("11", "file tasker.toml")
    assert rows["database.max_lifetime"] == ("1800", "default")
    assert rows["database.url"] == (
        "postgresql://app:***@db:5432/app",
        "environment DATABASE_URL",
    )
    assert rows["orchestration.url"][1] == "environment TASKER_ORCHESTRATION_URL"
    assert rows["handlers"] == ("[from.file]", "file tasker.toml")
    assert rows["common.backoff.jitter_enabled"] == ("false", "file tasker.toml")
    assert settings.database_url == URL
    assert settings.orchestration_url == "http://tasker:8080"


def test_prefixed_variable_wins_over_database_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://a:a@a/a")
    monkeypatch.setenv("TASKER_DATABASE__URL", URL)
    settings = TaskerSettings()
    assert settings.database_url == URL
    assert settings.source("database.url") == "environment TASKER_DATABASE__URL"


def test_file_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other.toml"
    monkeypatch.setenv("TASKER_SETTINGS_FILE", str(other))
    with pytest.raises(TaskerConfigError, match="which is not a file"):
        TaskerSettings()
    other.write_text("database = ")
    with pytest.raises(TaskerConfigError, match="not valid TOML"):
        TaskerSettings()
    other.write_text("drain_timeout = 7\n")
    assert TaskerSettings().drain_timeout == 7
    monkeypatch.setenv("TASKER_HANDLERS", "a.b, c")
    assert TaskerSettings().handlers == ("a.b", "c")


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ({"database": {"poolsize": 3}}, ["database.poolsize", "did you mean 'database.pool_size'"]),
        ({"databse": {}}, ["databse", "did you mean 'database'"]),
        ({"database": {"pool_size": 5000}}, ["5000 (option)", "1 to 1000", "max_connections"]),
        ({"database": {"pool_size": "many"}}, ["database.pool_size = many", "integer"]),
        ({"queues": {"backend": "kafka"}}, ["queues.backend = kafka"]),
        ({"mode": "on"}, ["mode = on", "'auto', 'off', 'client' or 'worker'"]),
        (
            {"core": {"common.databse.url": "x"}},
            ["is not a key of Core", "did you mean 'common.database.url'"],
        ),
        ({"core": {"common.backoff": {"jitter_enabled": 3}}}, ["must be true or false"]),
        ({"core": {"common.database.pool": 3}}, ["is a section"]),
        (
            {"core": {"common.database.pool.max_connections": 3}, "database": {"pool_size": 2}},
            ["is also set by the setting 'database.pool_size'"],
        ),
        ({"core": {"orchestration.web.enabled": True}}, ["is a key of the server"]),
    ],
)
def test_problems_name_key_value_limits_and_source(
    values: dict[str, Any], texts: list[str]
) -> None:
    with pytest.raises(TaskerConfigError) as caught:
        TaskerSettings(**values)
    for text in texts:
        assert text in str(caught.value)


def test_all_problems_come_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKER_DATABASE__POOL_SIZE", "5000")
    with pytest.raises(TaskerConfigError) as caught:
        TaskerSettings(worker={"concurrency": 0})
    assert len(caught.value.problems) == 2
    assert "(environment TASKER_DATABASE__POOL_SIZE)" in str(caught.value)


def test_misspelt_variables_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKER_DATABSE__POOL_SIZE", "5")
    monkeypatch.setenv("TASKER_ENV", "test")
    monkeypatch.setenv("TASKER_DEV_BIN", "/x")
    with pytest.raises(TaskerConfigError, match="did you mean 'TASKER_DATABASE__POOL_SIZE'"):
        TaskerSettings()


def test_inert_keys_warn() -> None:
    inert = next(k for k in CONFIG_KEYS.values() if k.inert and k.type == "int")
    with pytest.warns(UserWarning, match="has no effect"):
        TaskerSettings(core={inert.path: inert.default})


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("postgres://app:s3cret@db/app", "write postgresql://app:***@db/app"),
        ("postgresql+asyncpg://app:s3cret@db/app", "write postgresql://app:***@db/app"),
        ("postgresql+psycopg://app:s3cret@db/app", "write postgresql://app:***@db/app"),
        ("postgresql://app@db/app", "a user without a password"),
        ("postgresql://app:s3cret@x@db/app", "write it as %40"),
        ("postgresql://app:s3cret/x@db/app", "write it as %2F"),
        ("postgresql://app:s3cret@db", "no database name"),
        ("postgresql://app:s3cret@db/", "no database name"),
        ("postgresql://app:s3cret@[::1]:5432/app", "IPv6"),
        ("postgresql:///app?host=/run/s3cret", "no host"),
        ("mysql://app:s3cret@db/app", "must be a PostgreSQL URL"),
        ("s3cret", "must have the form"),
        ("", "is empty"),
    ],
)
def test_database_urls_that_would_abort_core(
    url: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(TaskerConfigError) as caught:
        TaskerSettings()
    assert text in str(caught.value)
    assert "environment DATABASE_URL" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_the_rendered_file_is_complete_and_literal() -> None:
    settings = TaskerSettings(
        database={"url": "postgresql://u:p${HOME}$x@h/d", "pool_size": 7},
        core={"common.backoff.jitter_enabled": False, "worker.worker_id": 'quo"te\\ \t'},
    )
    text = worker_toml(settings)
    assert "$" not in text
    data = tomllib.loads(text)
    for path, key in CONFIG_KEYS.items():
        optional = [s for s in OPTIONAL_SECTIONS if path.startswith(f"{s}.")]
        if path.startswith("orchestration.") or optional not in (
            [],
            ["worker.orchestration_client"],
        ):
            continue
        value = at(data, path)
        if path not in {*settings.core_values(), *OUR_DEFAULTS}:
            assert value == (list(key.default) if isinstance(key.default, tuple) else key.default)
    assert at(data, "common.database.url").startswith("postgresql://u:p${HOME}$x@h/d?options=")
    assert at(data, "common.database.pool.max_connections") == 7
    assert at(data, "worker.worker_id") == 'quo"te\\ \t'
    assert "web" not in data["worker"]
    assert "grpc" not in data["worker"]
    assert "orchestration" not in data
    assert "cache" not in data["common"]


def explained(name: str, **settings: Any) -> tuple[str, str]:
    [row] = [row for row in TaskerSettings(**settings).explain() if row.name == name]
    return row.value, row.source


@pytest.mark.parametrize(
    ("settings", "delivery", "source"),
    [
        ({}, "PollingOnly", "default"),
        ({"worker": {"delivery": "Hybrid"}}, "Hybrid", "option"),
        ({"core": {SETTINGS["worker.delivery"].path: "Hybrid"}}, "Hybrid", "option"),
    ],
)
def test_a_worker_polls_unless_asked_and_explain_says_what_it_does(
    settings: dict[str, Any], delivery: str, source: str
) -> None:
    assert worker_values(TaskerSettings(**settings))[SETTINGS["worker.delivery"].path] == delivery
    assert explained("worker.delivery", **settings) == (delivery, source)


def test_an_unknown_delivery_is_refused() -> None:
    with pytest.raises(TaskerConfigError, match="PollingOnly"):
        TaskerSettings(worker={"delivery": "Pulling"})


def test_explain_invents_no_database_and_says_what_auto_means() -> None:
    assert explained("database.url") == ("(not set)", "default")
    assert explained("database.url", database={"url": URL})[0].endswith("app:***@db:5432/app")
    value, source = explained("mode")
    assert value == "client"
    assert source.startswith("default: auto, because pytest is running")
    assert explained("mode", mode="off") == ("off", "option")


@pytest.mark.parametrize(
    ("url", "rendered"),
    [
        ("postgresql://u:p@h/d", "?options=-c%20client_connection_check_interval%3D250"),
        ("postgresql://u:p@h/d?sslmode=require", "&options=-c%20client_connection_check"),
        ("postgresql://u:p@h/d?options=-c%20x%3D1", "?options=-c%20x%3D1"),
    ],
)
def test_the_database_notices_that_a_worker_is_gone(url: str, rendered: str) -> None:
    settings = TaskerSettings(database={"url": url}, core={"common.pgmq_database.url": url})
    values = worker_values(settings)
    for path in ("common.database.url", "common.pgmq_database.url"):
        assert rendered in values[path]
        assert values[path].count("options=") == 1
    assert settings.database_url == url


def test_optional_sections_appear_when_a_key_is_set() -> None:
    settings = TaskerSettings(core={"common.cache.moka.max_capacity": 5})
    values = worker_values(settings)
    assert values["common.cache.moka.max_capacity"] == 5
    assert "common.cache.backend" in values
    assert not any(path.startswith("common.cache.redis.") for path in values)


def test_credentials_reach_cores_client() -> None:
    values = worker_values(TaskerSettings(orchestration={"token": "t0ken"}))
    assert values["worker.orchestration_client.auth.type"] == "bearer"
    assert values["worker.orchestration_client.auth.token"] == "t0ken"
    values = worker_values(TaskerSettings(orchestration={"api_key": "k3y"}))
    assert values["worker.orchestration_client.auth.header_name"] == "X-API-Key"


def test_secrets_are_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    core = {"worker.web.auth.api_key": "k3y", "common.queues.rabbitmq.url": "amqp://u:r4bbit@h/v"}
    settings = TaskerSettings(
        database={"url": URL}, orchestration={"token": "t0ken", "api_key": "k3y"}, core=core
    )
    shown = repr(settings) + str(settings) + repr(settings.explain()) + caplog.text
    for secret in ("s3cret", "t0ken", "k3y", "r4bbit"):
        assert secret not in shown
    with pytest.raises(TaskerConfigError) as caught:
        TaskerSettings(core={"worker.web.auth.api_key": ["k3y"]})
    assert "k3y" not in str(caught.value)


def test_differences_name_settings_also_when_only_the_password_differs() -> None:
    one = TaskerSettings(database={"url": URL, "pool_size": 3})
    two = TaskerSettings(database={"url": URL.replace("s3cret", "other"), "pool_size": 4})
    assert one.differences(one) == []
    assert sorted(one.differences(two)) == ["database.pool_size", "database.url"]


def test_every_setting_of_the_table_exists_and_writes_through() -> None:
    for setting in SETTINGS.values():
        key = CONFIG_KEYS[setting.path]
        value: Any = key.default
        if isinstance(value, int) and not isinstance(value, bool):
            value = key.minimum if key.minimum is not None else value
        name, _, leaf = setting.name.partition(".")
        given = {name: {leaf: value}} if leaf else {name: value}
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            settings = TaskerSettings(**given)
        written = worker_values(settings)[setting.path]
        if setting.name == "database.url":
            written = written.partition("?")[0]
        assert written == value
        assert settings.source(setting.name) == "option"


BAD_ENVIRONMENT = {
    "DATABASE_URL": "postgres://nobody",
    "PGMQ_DATABASE_URL": "nonsense",
    "RABBITMQ_URL": "amqps://nonsense",
    "REDIS_URL": "rediss://nonsense",
    "MEMCACHED_URL": "nonsense",
    "TASKER_MESSAGING_BACKEND": "kafka",
    "TASKER_ENV": "nonsense!",
    "TASKER_CONFIG_PATH": "no such file",
    "TASKER_TEMPLATE_PATH": "no such folder",
    "TASKER_WEB_BIND_ADDRESS": "nonsense",
    "TASKER_ORCHESTRATION_GRPC_BIND_ADDRESS": "nonsense",
    "TASKER_WORKER_GRPC_BIND_ADDRESS": "nonsense",
    "TASKER_INSTANCE_ID": "!",
    "TASKER_WORKER_ID": "!",
    "TASKER_INSTANCE_PORT": "nonsense",
    "TASKER_JWT_PUBLIC_KEY": "nonsense",
    "TASKER_JWT_PUBLIC_KEY_PATH": "nonsense",
}


def run_python(code: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    import os

    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_bad_variables_of_core_cannot_abort_a_process(tmp_path: Path) -> None:
    """Core aborts on them when its file has placeholders; ours has none."""
    (tmp_path / "tasks").mkdir()
    code = """
from pathlib import Path
from tasker_contrib import TaskerSettings, TaskerStartError
from tasker_contrib._internal import native
from tasker_contrib._internal.render import worker_toml
settings = TaskerSettings(
    database={"url": "postgresql://u:p@127.0.0.1:1/d", "connect_timeout": 1})
try:
    native.bootstrap(worker_toml(settings), Path("tasks"), "error")
except TaskerStartError as error:
    print("refused:", error)
"""
    done = run_python(code, BAD_ENVIRONMENT)
    assert done.returncode == 0, (done.returncode, done.stderr[-500:])
    # It came as far as the connection, which no server answers.
    assert "refused:" in done.stdout
    assert "pool timed out" in done.stdout or "refused" in done.stdout.split("refused:")[1]


def test_a_bad_database_url_ends_with_a_message_and_not_with_an_abort() -> None:
    code = "import tasker_contrib as t; t.TaskerSettings()"
    done = run_python(code, {"DATABASE_URL": "postgres://app:s3cret@db/app"})
    assert done.returncode == 1
    assert "must start with postgresql://" in done.stderr
    assert "s3cret" not in done.stderr


def test_import_prints_nothing() -> None:
    done = run_python("import tasker_contrib", {})
    assert (done.returncode, done.stdout) == (0, "")


# --- from a mapping -----------------------------------------------------------------------------


def test_a_mapping_may_be_in_capitals() -> None:
    values = {
        "MODE": "client",
        "DATABASE": {"POOL_SIZE": 20},
        "handlers": ["shop.step_handlers"],
        "CORE": {"common.backoff.jitter_enabled": False},
    }
    settings = TaskerSettings.from_mapping(values, where="settings.TASKER")
    assert (settings.mode, settings.database.pool_size) == ("client", 20)
    assert settings.handlers == ("shop.step_handlers",)
    assert settings.core_values()["common.backoff.jitter_enabled"] is False
    assert settings.source("database.pool_size") == "settings.TASKER"
    assert settings.is_in_code("mode")
    assert not TaskerSettings().is_in_code("mode")
    assert TaskerSettings(mode="client").source("mode") == "option"


def test_a_mapping_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKER_MODE", "off")
    assert TaskerSettings.from_mapping({"MODE": "client"}, where="TASKER").mode == "client"
    settings = TaskerSettings.from_mapping({}, where="TASKER")
    assert (settings.mode, settings.is_in_code("mode")) == ("off", False)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (
            {"WORKER": {"CONCURENCY": 3}},
            "worker.concurency (TASKER): unknown setting; did you mean 'worker.concurrency'?",
        ),
        ({"DATABSE": {}}, "databse (TASKER): unknown setting; did you mean 'database'?"),
        ({"DATABASE": {"POOL_SIZE": 0}}, "database.pool_size = 0 (TASKER): must be 1 to 1000"),
        ({"MODE": "client", "mode": "off"}, "TASKER: 'mode' is there twice, in other letters"),
    ],
)
def test_a_mistake_in_a_mapping_is_named(values: dict[str, Any], text: str) -> None:
    with pytest.raises(TaskerConfigError) as caught:
        TaskerSettings.from_mapping(values, where="TASKER")
    assert text in str(caught.value)


@pytest.mark.parametrize("mode", ["client", "off"])
def test_a_client_does_not_mind_the_apps_own_database_url(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql+asyncpg://app@db/app")
    assert TaskerSettings(mode=mode).mode == mode
    for other in ("auto", "worker"):
        with pytest.raises(TaskerConfigError, match="must start with postgresql://"):
            TaskerSettings(mode=other)
    with pytest.raises(TaskerConfigError, match="must start with postgresql://"):
        TaskerSettings(mode=mode, database={"url": "postgresql+asyncpg://app@db/app"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TASKER_ORCHESTRATION_PORT", "tcp://10.0.48.109:8080"),
        ("TASKER_DATABASE_PORT_5432_TCP_ADDR", "10.0.48.109"),
        ("TASKER_DATABASE_SERVICE_HOST", "10.0.48.109"),
        ("TASKER_ORCHESTRATION_SERVICE_PORT_HTTP", "8080"),
    ],
)
def test_variables_of_kubernetes_are_no_misspelt_settings(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    TaskerSettings()


def test_a_setting_that_ends_like_one_of_kubernetes_is_still_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TASKER_ORCHESTRATION_PORT", "8080")
    with pytest.raises(TaskerConfigError, match="did you mean 'TASKER_ORCHESTRATION'"):
        TaskerSettings()
