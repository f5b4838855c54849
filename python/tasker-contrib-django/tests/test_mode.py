from __future__ import annotations

import logging
import os
import sys

import pytest
from django.test import override_settings

from tasker_contrib_django import mode
from tasker_contrib_django.mode import Decision, ProcessFacts, decide, decision, process_facts


def facts(*argv: str, **env: str) -> ProcessFacts:
    """The facts about a process that is no test."""
    found = process_facts(list(argv))
    command = found.command
    return ProcessFacts(
        testing=command == "test",
        command=command,
        reloader=found.reloader,
        server=found.server,
    )


@pytest.mark.parametrize(
    ("argv", "expected", "reason"),
    [
        ("manage.py runserver", "off", "this process only restarts `runserver`"),
        ("manage.py runserver --noreload", "client", "manage.py runserver runs no steps"),
        ("manage.py migrate", "client", "manage.py migrate runs no steps"),
        ("manage.py shell", "client", "manage.py shell runs no steps"),
        ("manage.py test", "off", "tests are running"),
        ("manage.py tasker worker", "off", "this process only supervises the workers"),
        ("manage.py tasker health", "client", "manage.py tasker health runs no steps"),
        ("/srv/venv/bin/django-admin check", "client", "manage.py check runs no steps"),
        ("/lib/django/__main__.py migrate", "client", "manage.py migrate runs no steps"),
        ("/srv/venv/bin/gunicorn site.wsgi", "client", "gunicorn runs no steps"),
        ("/lib/uvicorn/__main__.py site.asgi:app", "client", "uvicorn runs no steps"),
        ("/srv/venv/bin/celery -A site worker", "client", "celery runs no steps"),
        ("script.py", "client", "this program runs no steps"),
        ("", "client", "this program runs no steps"),
    ],
)
def test_kinds_of_processes(argv: str, expected: str, reason: str) -> None:
    found = decide(None, None, facts(*argv.split()))
    assert found.mode == expected
    assert found.reason.startswith(reason)


def test_the_served_half_of_runserver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUN_MAIN", "true")
    assert decide(None, None, facts("manage.py", "runserver")).mode == "client"


def test_setting_goes_before_environment_before_the_kind_of_process() -> None:
    test = ProcessFacts(testing=True)
    assert decide("client", "off", test) == Decision("client", "TASKER[\"MODE\"] is 'client'")
    assert decide("auto", "client", test) == Decision("client", "TASKER_MODE is 'client'")
    # A variable for the worker's container says nothing about the web processes in it.
    assert decide(None, "worker", ProcessFacts(server="gunicorn")).mode == "client"
    assert decide("off", None, ProcessFacts(worker=True)).mode == "worker"


def test_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "pytest" in sys.modules
    assert decision().mode == "off"
    monkeypatch.setenv("TASKER_MODE", "client")
    mode.tasker_settings.__globals__["forget"]()
    assert decision() == Decision("client", "TASKER_MODE is 'client'")
    with override_settings(TASKER={"MODE": "off"}):
        assert decision().reason == "TASKER[\"MODE\"] is 'off'"


def test_the_decision_is_logged_once_in_a_process(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mode, "_logged", None)
    with caplog.at_level(logging.INFO, "tasker_contrib_django"):
        mode.logged_decision()
        mode.logged_decision()
        assert len(caplog.records) == 1
        assert caplog.records[0].getMessage().startswith("tasker: off (tests are running")
        monkeypatch.setattr(os, "getpid", lambda: 1)  # a forked process says it again
        mode.logged_decision()
        assert len(caplog.records) == 2
