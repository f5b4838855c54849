"""What `/ready` says, the same in a web process and in a worker process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._contract import HEALTH_COMPONENTS, HEALTH_ORCHESTRATION
from .state import TaskerState

Body = dict[str, Any]


async def readiness(state: TaskerState | None) -> tuple[int, Body]:
    """The HTTP status and the body for what the lifespan left in the app's state."""
    if state is None:
        return 503, not_ready("the app has no Tasker lifespan")
    checks: dict[str, tuple[bool, str]] = {}
    if state.runtime is not None:
        checks.update(state.runtime.health())
    if state.client is not None:
        answers = await state.client.health()
        url = state.settings.orchestration_url
        checks[HEALTH_ORCHESTRATION] = (answers, url if answers else f"{url} does not answer")
    absent = ("off", f"mode {state.mode}") if state.runtime is None else ("unknown", "")
    ready = all(ok for ok, _ in checks.values())
    return 200 if ready else 503, {
        "status": "ready" if ready else "not_ready",
        "components": [_component(name, checks, absent) for name in HEALTH_COMPONENTS],
    }


def not_ready(detail: str) -> Body:
    """The body when there is nothing to look at."""
    return {"status": "not_ready", "components": [], "detail": detail}


def _component(
    name: str, checks: Mapping[str, tuple[bool, str]], absent: tuple[str, str]
) -> dict[str, str]:
    status, detail = absent
    if name in checks:
        ok, detail = checks[name]
        status = "ok" if ok else "failed"
    return {"name": name, "status": status, "detail": detail}
