from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from tasker_contrib_django.testing import CreatedTask, FakeTasker


def staff(*codenames: str, superuser: bool = False, csrf: bool = False) -> Client:
    made = User.objects.create_user(
        f"user{User.objects.count()}", is_staff=True, is_superuser=superuser
    )
    made.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client(enforce_csrf_checks=csrf)
    client.force_login(made)
    return client


@pytest.fixture
def task(fake_tasker: FakeTasker, settings: Any) -> CreatedTask:
    made = CreatedTask("order", "shop", "1.0.0", {"order_id": 1}, {})
    made.add_step("charge", "complete", results={"result": {"amount": 5}})
    made.add_step("ship", "error", results={"error": {"message": "no <b>address</b>"}})
    fake_tasker.created.append(made)
    return made


@pytest.mark.django_db
def test_superusers_see_and_act_where_no_permission_is_named(
    fake_tasker: FakeTasker, task: CreatedTask
) -> None:
    client = staff(superuser=True)
    page = client.get("/admin/tasker/").content.decode()
    assert f"/admin/tasker/{task.task_uuid}/" in page
    page = client.get(f"/admin/tasker/{task.task_uuid}/").content.decode()
    assert "no &lt;b&gt;address&lt;/b&gt;" in page
    assert page.count('value="retry"') == 1  # only the step that failed
    step = task.steps[1]["step_uuid"]
    for action in ("retry", "resolve"):
        body = {"action": action, "step": step, "reason": "checked"}
        answer = client.post(f"/admin/tasker/{task.task_uuid}/act/", body, follow=True)
        assert "The step ship is" in answer.content.decode()
        task.steps[1]["current_state"] = "error"
    client.post(f"/admin/tasker/{task.task_uuid}/act/", {"action": "cancel"})
    assert [(a, s) for a, s, _ in fake_tasker.actions] == [
        ("reset_for_retry", "ship"),
        ("resolve_manually", "ship"),
        ("cancel", ""),
    ]
    assert fake_tasker.actions[0][2] == {
        "action_type": "reset_for_retry",
        "reason": "checked",
        "reset_by": "user0",
    }


@pytest.mark.django_db
def test_others_need_the_permissions_of_the_project(
    fake_tasker: FakeTasker, task: CreatedTask, settings: Any
) -> None:
    assert staff("view_tasks").get("/admin/tasker/").status_code == 403
    settings.TASKER = {"PERMISSIONS": {"VIEW": "shop.view_tasks", "MANAGE": "shop.manage_tasks"}}
    viewer = staff("view_tasks")
    page = viewer.get(f"/admin/tasker/{task.task_uuid}/")
    assert page.status_code == 200
    assert "retry" not in page.content.decode()
    act = f"/admin/tasker/{task.task_uuid}/act/"
    body = {"action": "retry", "step": task.steps[1]["step_uuid"]}
    assert viewer.post(act, body).status_code == 403
    assert fake_tasker.actions == []
    assert staff("view_tasks", "manage_tasks").post(act, body).status_code == 302
    assert len(fake_tasker.actions) == 1


@pytest.mark.django_db
def test_strangers_are_asked_to_log_in_and_forged_requests_refused(
    fake_tasker: FakeTasker, task: CreatedTask
) -> None:
    assert "/admin/login/" in Client().get("/admin/tasker/")["Location"]
    act = f"/admin/tasker/{task.task_uuid}/act/"
    assert staff(superuser=True, csrf=True).post(act, {"action": "cancel"}).status_code == 403
    assert staff(superuser=True).get(act).status_code == 405
    assert fake_tasker.actions == []


@pytest.mark.django_db
def test_what_the_server_says_is_shown(fake_tasker: FakeTasker, task: CreatedTask) -> None:
    client = staff(superuser=True)
    act = f"/admin/tasker/{task.task_uuid}/act/"
    body = {"action": "retry", "step": "nothing"}
    page = client.post(act, body, follow=True).content.decode()
    assert "The task has no step &#x27;nothing&#x27;; its steps: charge, ship" in page
    assert "There is no action" in client.post(act, {}, follow=True).content.decode()
    fake_tasker.fails_with = 401
    assert "the test asked for it" in client.get("/admin/tasker/").content.decode()
