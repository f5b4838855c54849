"""The README's code runs: Python, the template with the handlers, the settings file."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
import tomli as tomllib
from fastapi.testclient import TestClient
from tasker_contrib._internal.registry import registry
from tasker_contrib.settings import PLAIN_VARIABLES

from tasker_contrib_fastapi import EVENTS, TaskerSettings
from tasker_contrib_fastapi.templates import check_templates
from tasker_contrib_fastapi.testing import run_workflow

README = (Path(__file__).parents[1] / "README.md").read_text()
REPOSITORY = Path(__file__).parents[3]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.M | re.S)


@pytest.fixture
def executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean_registry: None
) -> dict[str, Any]:
    monkeypatch.chdir(tmp_path)
    # A module of its own: FastAPI resolves the annotations of dependencies in their module.
    module = ModuleType("readme")
    monkeypatch.setitem(sys.modules, "readme", module)
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), module.__dict__)
    return module.__dict__


def test_the_first_block_is_five_lines_that_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    first = blocks("python")[0]
    assert len([line for line in first.splitlines() if line.strip()]) <= 5
    names: dict[str, Any] = {}
    exec(first, names)
    with TestClient(names["app"]) as client:
        assert client.get("/tasker/live").json() == {"status": "alive"}


def test_python_blocks_run_and_fit_the_template(executed: dict[str, Any], tmp_path: Path) -> None:
    executed["unsubscribe"]()
    template = tmp_path / "ship.yaml"
    template.write_text(blocks("yaml")[0])
    report = check_templates(tmp_path)
    # No step of this template charges; the section about keys has its handler.
    assert (report.errors, [text for text in report.warnings if "shop.charge" not in text]) == (
        [],
        [],
    )
    assert registry.names() == ["shop.charge", "shop.pack", "shop.price"]
    context = {"order_id": 1, "lines": [{"sku": "a", "cents": 250}]}
    run = run_workflow(template, context, app=executed["app"])
    assert run.status == "complete"
    assert run["pack"].result == {"label": "main-250EUR"}


def test_the_charge_has_its_key_as_a_header(executed: dict[str, Any]) -> None:
    asked: list[str] = []

    def bank(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["idempotency-key"])
        return httpx.Response(200, json={"payment_id": "p-1"})

    async def charged() -> Any:
        transport = httpx.MockTransport(bank)
        async with httpx.AsyncClient(transport=transport, base_url="http://bank") as client:
            price = executed["Price"](cents=250, currency="EUR")
            return await executed["charge"](price=price, key="k-1", bank=client)

    assert asyncio.run(charged()).payment_id == "p-1"
    assert asked == ["k-1"]


def test_the_settings_file_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tasker.toml").write_text(blocks("toml")[0])
    monkeypatch.chdir(tmp_path)
    settings = TaskerSettings()
    assert settings.orchestration_url == "http://tasker:8080"
    assert settings.core_values()["common.backoff.jitter_enabled"] is False


@pytest.mark.skipif(not (REPOSITORY / "xtask").exists(), reason="outside of the repository")
def test_the_install_lines_name_what_is_there() -> None:
    install = README.split("## Install")[1].split("## A workflow")[0]
    [folder] = re.findall(r"pip install .* '\./(\S+)\[cli\]' uvicorn", install)
    [wheel] = re.findall(r'pip install .* "\$\(ls (\S+)\)\[cli\]" uvicorn', install)
    [dev] = re.findall(r"cargo install --path (\S+) --locked", install)
    project = tomllib.loads((REPOSITORY / folder / "pyproject.toml").read_text())["project"]
    assert "cli" in project["optional-dependencies"]
    assert wheel == f"target/xtask/dist/{folder}/*.whl"
    assert 'name = "tasker-dev"' in (REPOSITORY / dev / "Cargo.toml").read_text()
    assert f"pip install '{project['name']}[cli]' uvicorn" in install


def test_all_events_settings_and_variables_are_documented() -> None:
    for name in EVENTS:
        assert name in README or f".{name.rsplit('.', 1)[1]}`" in README, name
    for row in TaskerSettings().explain():
        if row.name.startswith(("common.", "worker.mpsc", "worker.event", "worker.circuit")):
            break
        _, _, leaf = row.name.rpartition(".")
        assert f"`{row.name}`" in README or f"`.{leaf}`" in README, row.name
    for variable in PLAIN_VARIABLES:
        assert variable in README
