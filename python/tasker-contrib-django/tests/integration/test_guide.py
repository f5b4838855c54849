"""docs/guides/django.md, block by block: from startproject to a completed task."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import NamedTuple

import pytest
from tasker_contrib.testing import TaskerStack

from ..support import environment, eventually, free_port, running

GUIDE = Path(__file__).parents[4] / "docs/guides/django.md"

pytestmark = [
    pytest.mark.xdist_group("stack"),
    pytest.mark.skipif(not GUIDE.exists(), reason="outside of the repository"),
]

SERVERS = ("worker", "runserver")


class Block(NamedTuple):
    before: str
    language: str
    text: str


def blocks() -> list[Block]:
    found = re.findall(r"((?:[^\n]+\n)+)\n```(\w+)\n(.*?)^```", GUIDE.read_text(), re.M | re.S)
    return [Block(*parts) for parts in found]


class Reader:
    """Does what the guide says, in a folder of its own."""

    def __init__(self, folder: Path, stack: TaskerStack) -> None:
        self.folder = folder
        self.env = environment(**stack.env)
        self.servers: list[list[str]] = []
        self.in_shell: list[str] = []

    def do(self, block: Block) -> None:
        if block.language == "sh":
            for line in block.text.splitlines():
                self.run(line)
            return
        names = re.findall(r"`([\w/]+\.(?:py|yaml))`", block.before)
        if not names:
            self.in_shell.append(block.text)
            return
        path = self.folder / names[-1]
        if "Add to the end" in block.before:
            path.write_text(path.read_text() + block.text)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)

    def run(self, line: str) -> None:
        words = shlex.split(line)
        if words[0] == "cd":
            self.folder /= words[1]
            return
        if words[0] == "python":
            words[0] = sys.executable
        if words[0] == "django-admin":
            words[:1] = [sys.executable, "-m", "django"]
        if words[-1] in SERVERS:
            self.servers.append(words[2:])
            return
        done = subprocess.run(words, cwd=self.folder, env=self.env, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"


def test_the_guide_is_true(tasker_stack: TaskerStack, tmp_path: Path) -> None:
    reader = Reader(tmp_path, tasker_stack)
    found = blocks()
    assert len(found) == GUIDE.read_text().count("\n```") / 2
    for block in found:
        reader.do(block)
    assert reader.servers == [["tasker", "worker"], ["runserver"]]
    [code] = reader.in_shell
    script = reader.folder / "manage.py"
    port = free_port()
    with (
        running("tasker", "worker", script=script, **tasker_stack.env) as worker,
        running("runserver", str(port), script=script, **tasker_stack.env) as site,
    ):
        worker.wait_for("worker process .* is ready")
        shell = subprocess.run(
            [sys.executable, str(script), "shell", "-c", code],
            cwd=reader.folder,
            env=reader.env,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert "complete shipped" in shell.stdout, shell.stdout + shell.stderr + worker.log

        # The view needs its token of CSRF from a page, as any form does: the admin has one.
        site.wait_for("Starting development server")
        eventually(lambda: answers(port), what=site.log)
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        page = opener.open(f"http://127.0.0.1:{port}/admin/login/").read().decode()
        token = re.findall(r'csrfmiddlewaretoken" value="(\w+)"', page)[0]
        form = urllib.parse.urlencode({"amount": 7, "csrfmiddlewaretoken": token}).encode()
        with opener.open(f"http://127.0.0.1:{port}/orders/", form) as answer:
            assert answer.status == 201
        worker.wait_for(r"completed in \d+ ms", count=4)
        assert worker.stop() == 0, worker.log


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/tasker/live", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
