from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings
from tasker_contrib.errors import TaskerConfigError
from tasker_contrib.settings import TaskerSettings

from tasker_contrib_django import conf
from tasker_contrib_django.conf import permissions, setting_warnings, tasker_settings


def problems(value: object) -> list[str]:
    with override_settings(TASKER=value), pytest.raises(TaskerConfigError) as caught:
        tasker_settings()
    return caught.value.problems


def test_names_are_translated_and_the_rest_has_defaults() -> None:
    value = {
        "DATABASE": {"URL": "postgresql://a:b@db:5432/t", "POOL_SIZE": 7},
        "ORCHESTRATION": {"URL": "http://tasker:8080/"},
        "WORKER": {"CONCURRENCY": 3},
        "DRAIN_TIMEOUT": 5,
        "CORE": {"common.backoff.jitter_enabled": False},
    }
    with override_settings(TASKER=value):
        found = tasker_settings()
    assert found.database.pool_size == 7
    assert found.orchestration_url == "http://tasker:8080"
    assert found.concurrency == 3
    assert found.drain_timeout == 5
    assert found.core_values()["common.backoff.jitter_enabled"] is False
    assert found.templates == settings.BASE_DIR / "config/tasks"


def test_a_relative_folder_begins_at_base_dir(tmp_path: Path) -> None:
    with override_settings(TASKER={"TEMPLATES": "flows"}, BASE_DIR=tmp_path):
        assert tasker_settings().templates == tmp_path / "flows"
    with override_settings(TASKER={"TEMPLATES": "/srv/flows"}):
        assert tasker_settings().templates == Path("/srv/flows")


def test_what_the_setting_leaves_out_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TASKER_TEMPLATES", "/srv/flows")
    monkeypatch.setenv("TASKER_HANDLERS", "jobs.one,jobs.two")
    monkeypatch.setenv("TASKER_WORKER__CONCURRENCY", "4")
    with override_settings(TASKER={"WORKER": {"CONCURRENCY": 3}}):
        found = tasker_settings()
    assert found.templates == Path("/srv/flows")
    assert found.handlers == ("jobs.one", "jobs.two")
    assert found.concurrency == 3  # the setting goes first


def test_override_settings_works_both_ways() -> None:
    before = tasker_settings()
    with override_settings(TASKER={"WORKER": {"CONCURRENCY": 9}}):
        assert tasker_settings().concurrency == 9
    assert tasker_settings().differences(before) == []


def test_unknown_names_have_a_suggestion() -> None:
    found = problems({"DATABSE": {}, "DATABASE": {"POOL_SZIE": 3}, "worker": {}, "NOTHING": 1})
    assert found == [
        "TASKER[\"DATABSE\"]: unknown setting; did you mean 'DATABASE'?",
        'TASKER["DATABASE"]["POOL_SZIE"]: unknown setting; did you mean \'POOL_SIZE\'?',
        "TASKER[\"worker\"]: unknown setting; did you mean 'WORKER'?",
        'TASKER["NOTHING"]: unknown setting; keys of Core go into "CORE", by their dotted path',
    ]


def test_values_are_checked_and_named_as_they_were_written() -> None:
    found = problems(
        {
            "DATABASE": {"POOL_SIZE": 0, "URL": "postgres://a:geheim@db/t"},
            "CORE": {"common.backoff.jitter_enabeld": True},
        }
    )
    assert any(p.startswith('TASKER["DATABASE"]["POOL_SIZE"] = 0: ') for p in found), found
    assert any('TASKER["CORE"][' in p and "jitter_enabled" in p for p in found), found
    assert any('TASKER["DATABASE"]["URL"]' in p for p in found), found
    assert "geheim" not in str(found)
    assert not any("(option)" in p for p in found)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([], "TASKER must be a dict, not list"),
        ({"DATABASE": "x"}, 'TASKER["DATABASE"] = str: must be a dict'),
        ({"PERMISSIONS": []}, 'TASKER["PERMISSIONS"] must be a dict, not list'),
        (
            {"PERMISSIONS": {"VEIW": "a.b"}},
            'TASKER["PERMISSIONS"]["VEIW"]: unknown permission; did you mean \'VIEW\'?',
        ),
        (
            {"PERMISSIONS": {"VIEW": "view_order"}},
            'TASKER["PERMISSIONS"]["VIEW"] = \'view_order\': must be a permission such as '
            '"shop.view_order"',
        ),
        (
            {"MODE": "worker"},
            'TASKER["MODE"] = "worker": steps run in `manage.py tasker worker` and in no other '
            "process; leave MODE out",
        ),
    ],
)
def test_what_else_is_refused(value: object, problem: str) -> None:
    assert problems(value) == [problem]


def test_permissions_are_read() -> None:
    with override_settings(TASKER={"PERMISSIONS": {"VIEW": "shop.view_tasks"}}):
        assert (permissions().view, permissions().manage) == ("shop.view_tasks", None)


def test_a_key_that_core_never_reads_is_a_warning() -> None:
    with override_settings(TASKER={"CORE": {"common.system.default_dependent_system": "x"}}):
        [text] = setting_warnings()
    assert "has no effect" in text


def test_other_warnings_are_not_about_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    class Forgetful(TaskerSettings):
        def __init__(self, **values: object) -> None:
            # As the garbage collector does, at any moment.
            warnings.warn("unclosed file", ResourceWarning, stacklevel=1)
            super().__init__(**values)

    monkeypatch.setattr(conf, "TaskerSettings", Forgetful)
    with override_settings(TASKER={}):
        assert setting_warnings() == ()
