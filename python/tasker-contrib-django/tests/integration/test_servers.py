"""Web servers and Celery, for real: each creates a task, and none of them starts a worker."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from ..support import MANAGE, ROOT, eventually, free_port, program, serving
from .conftest import Site

pytestmark = pytest.mark.xdist_group("stack")

BIND = ("--bind", "127.0.0.1:0", "--no-control-socket")
WSGI = ("gunicorn", "tests.project.wsgi", *BIND)
UVICORN_WORKER = ("--worker-class", "uvicorn_worker.UvicornWorker")
ASGI = "tests.project.asgi:application"
PORT = str(free_port())

SERVERS = {
    "gunicorn": WSGI,
    "gunicorn, loaded before the fork": (*WSGI, "--preload"),
    "gunicorn with uvicorn's worker": ("gunicorn", ASGI, *BIND, *UVICORN_WORKER),
    "uvicorn": ("uvicorn", ASGI, "--port", "0", "--loop", "asyncio"),
    # Two processes: the one that serves, and the one that only restarts it.
    "runserver": ("manage.py", "runserver", PORT),
}
# Of the servers, of asyncio and of asgiref, which runs Django's synchronous code for async views.
THREADS = (
    r"MainThread|django-main-thread|Thread-\d+ \(process_request_thread\)|asyncio_\d+"
    r"|ThreadPoolExecutor-\d+_\d+"
)
LISTENS = r"(?:Listening at:|running on|development server at) (http://[\d.:]+)"


@pytest.mark.parametrize("words", SERVERS.values(), ids=SERVERS)
def test_a_request_creates_a_task(words: tuple[str, ...], site: Site) -> None:
    name, *arguments = words
    script = str(MANAGE) if name == "manage.py" else program(name)
    path = "orders-async/" if ASGI in words else "orders/"
    with serving(script, *arguments, cwd=ROOT, **site.env) as server:
        url = server.wait_for(LISTENS)[0]
        answer = eventually(lambda: get(f"{url}/{path}"), what=server.log)
        is_django = name == "manage.py"
        who = "manage.py runserver" if is_django else name
        check(who, answer, server.log, site, runs_checks=is_django)


def test_a_task_of_celery_creates_a_task(site: Site, tmp_path: Path) -> None:
    for folder in ("messages", "control", "results"):
        (tmp_path / folder).mkdir()
    words = ("-A", "tests.project", "worker", "--concurrency", "1", "--loglevel", "INFO")
    env = {**site.env, "SHOP_BROKER": str(tmp_path)}
    caller = Celery(
        broker="filesystem://", backend=f"file://{tmp_path}/results", set_as_current=False
    )
    caller.conf.broker_transport_options = {
        "data_folder_in": str(tmp_path / "messages"),
        "data_folder_out": str(tmp_path / "messages"),
        "control_folder": str(tmp_path / "control"),
    }
    with serving(program("celery"), *words, cwd=ROOT, **env) as worker:
        worker.wait_for(r"celery@\S+ ready")
        answer = caller.send_task("shop.place").get(timeout=60)
        check("celery", answer, worker.log, site, runs_checks=True)


def get(url: str) -> dict[str, Any] | None:
    """The answer; None as long as nobody listens."""
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError:
        raise
    except urllib.error.URLError:
        return None


def check(who: str, answer: dict[str, Any], log: str, site: Site, *, runs_checks: bool) -> None:
    ended, _ = site.end_of(answer["task"])
    assert ended.status == "complete", site.log
    assert site.states()[answer["order"]] == "shipped"
    # Once: in the process that created the task, and in no other of the server.
    assert re.findall(r"tasker: (.+)", log) == [
        f"client ({who} runs no steps; `manage.py tasker worker` does)"
    ]
    assert [name for name in answer["threads"] if not re.fullmatch(THREADS, name)] == []
    # Python knows each of the process's threads; it would not know Core's.
    assert answer["system_threads"] == len(answer["threads"]), answer
    # Django's checks import the handlers, and those may use Core's exceptions.
    assert runs_checks or not answer["native"]
