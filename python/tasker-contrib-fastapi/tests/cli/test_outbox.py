"""`tasker outbox …` as a user runs it, with a real database."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from tasker_contrib_fastapi import Outbox
from tasker_contrib_fastapi.cli.app import app
from tasker_contrib_fastapi.testing import TaskerStack

from ..support import eventually
from .test_command_line import COMMAND

pytestmark = pytest.mark.xdist_group("outbox")


def tasker(*arguments: str, env: dict[str, str] | None = None) -> tuple[int, str, str]:
    """In this process: a new one takes a second to start."""
    result = CliRunner().invoke(app, ["outbox", *arguments], env=env)
    return result.exit_code, result.stdout, result.stderr


class Shop:
    """An application with an outbox, on a stack."""

    def __init__(self, stack: TaskerStack, folder: Path) -> None:
        self.table = f"public.outbox_{uuid.uuid4().hex[:8]}"
        self.folder = folder
        self.env = {**stack.env, "OUTBOX_DATABASE_URL": stack.database_url}
        code, sql, _ = self.run("sql")
        assert code == 0
        self.execute(sql)

    def run(self, verb: str, *arguments: str) -> tuple[int, str, str]:
        return tasker(verb, "--table", self.table, *arguments, env=self.env)

    def execute(self, sql: str) -> Any:
        with psycopg.connect(self.env["OUTBOX_DATABASE_URL"]) as connection:
            cursor = connection.execute(sql)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else None

    def enqueue(self, **context: Any) -> int:
        with psycopg.connect(self.env["OUTBOX_DATABASE_URL"]) as connection:
            return Outbox(self.table).enqueue(connection, "ship", context, namespace="shop").id

    def die(self, row: int) -> None:
        change = "dead_at = now(), attempts = 1, last_error = 'no such order'"
        self.execute(f"update {self.table} set {change} where id = {row}")


@pytest.fixture
def shop(tasker_stack: TaskerStack, tmp_path: Path) -> Shop:
    return Shop(tasker_stack, tmp_path)


def test_what_an_operator_does_with_a_dead_row(shop: Shop) -> None:
    dead, opened = shop.enqueue(n=1), shop.enqueue(n=2)
    shop.die(dead)
    code, output, _ = shop.run("list")
    assert code == 0
    assert f"{dead}  shop/ship 1.0.0  dead, for " in output
    assert "after 1 failure\n    no such order\n" in output
    assert f"{opened}  shop/ship 1.0.0  open, for " in output
    assert output.splitlines()[-1].startswith("1 open (the oldest for ")
    assert output.splitlines()[-1].endswith(" s), 1 dead")

    _, output, _ = shop.run("list", "--dead", "--json")
    found = json.loads(output)
    assert [(row["id"], row["context"]) for row in found["rows"]] == [(dead, {"n": 1})]
    assert (found["open"], found["dead"]) == (1, 1)

    assert shop.run("retry", str(dead))[:2] == (0, "1 row will be tried now\n")
    shop.die(dead)
    assert shop.run("discard", "--all-dead")[:2] == (0, "1 row discarded\n")
    assert shop.execute(f"select id from {shop.table}") == [(opened,)]


def test_mistakes_are_messages(shop: Shop) -> None:
    for arguments in (("discard",), ("discard", "1", "--all-dead")):
        code, _, problem = shop.run(*arguments)
        assert (code, problem.splitlines()[0]) == (2, "error: which rows?")
    code, _, problem = shop.run("retry", "99")
    assert (code, problem.splitlines()[0]) == (2, "error: no row has the id 99")
    code, _, problem = tasker("list", "--table", "nothing", env=shop.env)
    assert code == 1
    assert problem.startswith("error: table nothing does not exist: `tasker outbox sql` prints")
    code, _, problem = tasker("sql", "--table", "a b")
    assert code == 1
    assert "is not a name like 'tasker_outbox'" in problem
    code, _, problem = tasker("relay")
    assert code == 2
    assert problem.startswith("error: which database has the table?\n  fix: give --database-url")
    nobody = "postgresql://a:b@127.0.0.1:1/x"
    code, _, problem = tasker("list", "--database-url", nobody)
    assert code == 1
    assert problem.startswith("error: the database of the outbox cannot be used: connection failed")


def test_the_relay_works_until_a_signal(shop: Shop) -> None:
    row = shop.enqueue(n=1)
    command = [*COMMAND, "outbox", "relay", "--table", shop.table, "--poll", "0.05"]
    env = {"PATH": os.environ["PATH"], **shop.env}
    with subprocess.Popen(command, cwd=shop.folder, env=env, stderr=subprocess.PIPE) as relay:
        # No worker has registered the template: the row says so, and is not dead.
        tried = f"select id from {shop.table} where attempts > 0 and dead_at is null"
        eventually(lambda: shop.execute(tried) == [(row,)], timeout=60)
        relay.send_signal(signal.SIGTERM)
        assert relay.wait(60) == 0


README = Path(__file__).parents[2] / "README.md"


def test_the_readmes_commands_are_understood() -> None:
    lines = re.findall(r"^tasker outbox (.*?)(?: \|.*)?$", README.read_text(), flags=re.M)
    assert len(lines) == 5
    for line in lines:
        code, output, _ = tasker(*shlex.split(line), "--help")
        assert (code, "Example:" in output) == (0, True), line
