from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client, override_settings

PERMISSIONS = {
    "VIEW": "shop.view_tasks",
    "CREATE": "shop.create_tasks",
    "MANAGE": "shop.manage_tasks",
}


@pytest.fixture
def allowed(settings: Any) -> None:
    settings.TASKER = {"PERMISSIONS": PERMISSIONS}


def user(*codenames: str) -> Client:
    made = User.objects.create_user(f"user{User.objects.count()}")
    made.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(made)
    return client


def post(client: Client, body: Any) -> Any:
    return client.post("/tasker/tasks", json.dumps(body), content_type="application/json")


def test_live_needs_nothing() -> None:
    answer = Client().get("/tasker/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})
    assert Client().post("/tasker/live").status_code == 405


def test_ready_tells_whether_the_server_answers(fake_tasker: Any) -> None:
    value = {"MODE": "client", "ORCHESTRATION": {"URL": "http://127.0.0.1:9", "MAX_RETRIES": 0}}
    with override_settings(TASKER=value):
        answer = Client().get("/tasker/ready")
    assert answer.status_code == 503
    components = {c["name"]: c for c in answer.json()["components"]}
    assert components["orchestration"]["detail"] == "http://127.0.0.1:9 does not answer"
    assert components["worker"]["status"] == "off"
    assert "no-store" in answer["Cache-Control"]


def test_ready_with_wrong_settings_says_what_is_wrong() -> None:
    with override_settings(TASKER={"NOTHING": 1}):
        answer = Client().get("/tasker/ready")
    assert answer.status_code == 503
    assert 'TASKER["NOTHING"]' in answer.json()["detail"]


def test_metrics_are_prometheus_text() -> None:
    answer = Client().get("/tasker/metrics")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain")
    assert b"# TYPE tasker_" in answer.content


@pytest.mark.django_db
def test_task_routes_do_not_exist_without_permissions(fake_tasker: Any) -> None:
    client = user("view_tasks", "create_tasks", "manage_tasks")
    assert client.get("/tasker/tasks").status_code == 404
    assert post(client, {"name": "a"}).status_code == 404
    assert fake_tasker.created == []


@pytest.mark.django_db
def test_task_routes_ask_for_the_permission(allowed: None, fake_tasker: Any) -> None:
    assert post(Client(), {"name": "a"}).status_code == 401
    answer = post(user("view_tasks"), {"name": "a"})
    assert answer.status_code == 403
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == "you do not have the permission shop.create_tasks"
    assert user("create_tasks").get("/tasker/tasks").status_code == 403
    assert fake_tasker.created == []


@pytest.mark.django_db
def test_a_forged_request_is_refused(allowed: None, fake_tasker: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    made = User.objects.create_superuser("root")
    client.force_login(made)
    assert post(client, {"name": "a"}).status_code == 403
    assert fake_tasker.created == []


@pytest.mark.django_db
def test_create_list_get_cancel(allowed: None, fake_tasker: Any) -> None:
    client = user("view_tasks", "create_tasks", "manage_tasks")
    answer = post(client, {"name": "a", "namespace": "shop", "context": {"n": 1}})
    assert answer.status_code == 201
    uuid = answer.json()["task_uuid"]
    assert fake_tasker.created[0].request["initiator"].startswith("user:")
    fake_tasker.created[0].add_step("one", "error")
    assert [t["task_uuid"] for t in client.get("/tasker/tasks").json()["tasks"]] == [uuid]
    found = client.get(f"/tasker/tasks/{uuid}").json()
    assert [step["name"] for step in found["steps"]] == ["one"]
    assert client.delete(f"/tasker/tasks/{uuid}").json()["status"] == "cancelled"
    # The same context again is the server's refusal, with its status.
    answer = post(client, {"name": "a", "namespace": "shop", "context": {"n": 1}})
    assert (answer.status_code, answer.json()["title"]) == (409, "Task exists already")


@pytest.mark.django_db
def test_bad_requests(allowed: None, fake_tasker: Any) -> None:
    client = user("view_tasks", "create_tasks")
    assert "name: Field required" in post(client, {}).json()["detail"]
    assert client.get("/tasker/tasks?page=x").status_code == 422
    missing = client.get("/tasker/tasks/01a231bf-bd9d-73b0-b3f6-b5bed562e0af")
    assert missing.status_code == 404
    assert post(client, {"name": "order", "namespace": "shop"}).status_code == 422
    assert fake_tasker.created == []


@pytest.mark.django_db
def test_where_tasker_is_off_the_routes_say_so(allowed: None) -> None:
    answer = user("view_tasks").get("/tasker/tasks")
    assert answer.status_code == 503
    assert "Tasker is off in this process" in answer.json()["detail"]
