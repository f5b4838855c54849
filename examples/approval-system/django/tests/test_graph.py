"""The picture of a task."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from approvals import engine, graph
from approvals.models import Dispatch
from tests.conftest import APP_DIR

TEMPLATES = sorted((APP_DIR / "config/tasks").glob("*.yaml"))


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.stem)
def test_a_template_lists_dependencies_first_and_is_of_the_version_that_is_asked_for(
    file: Path,
) -> None:
    template = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert graph.levels(template["steps"])
    assert (template["name"], template["namespace_name"], template["version"]) == (
        file.stem,
        engine.NAMESPACE,
        engine.VERSION,
    )


def picture(monkeypatch: pytest.MonkeyPatch, task: engine.Task | None) -> graph.Graph:
    monkeypatch.setattr(engine, "look", lambda _: task)
    return graph.draw(Dispatch(template="submit_request", task_uuid=uuid4()))


def test_a_running_task_shows_all_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [engine.Step("reserve_budget", "in_progress", None)]
    found = picture(monkeypatch, engine.Task("steps_in_process", False, steps))
    states = {node.name: node.state for node in found.nodes}
    assert states["reserve_budget"] == "running"
    assert states["plan_board"] == states["decline_request"] == "not begun"
    places = {(node.x, node.y) for node in found.nodes}
    assert len(places) == len(found.nodes), "two steps in one place"
    assert all(one.right < other.x for one, other in found.edges)


def test_an_ended_task_shows_the_way_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["reserve_budget", "choose_chain", "decline_request", "tell_requester"]
    steps = [engine.Step(name, "complete", None) for name in names]
    found = picture(monkeypatch, engine.Task("complete", True, steps))
    assert [node.name for node in found.nodes] == names
    assert len(found.edges) == 3


def test_without_tasker_the_page_still_has_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    found = picture(monkeypatch, None)
    assert not found.known
    assert {node.state for node in found.nodes} == {"not begun"}
