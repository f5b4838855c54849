"""The outbox on PostgreSQL, with the real server."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from tasker_contrib.testing import TaskerStack

from ..support import MANAGE, environment, eventually

pytestmark = pytest.mark.xdist_group("stack")

ROOT = Path(__file__).parents[2]


def test_nothing_is_lost_and_the_command_relays_until_a_signal(tasker_stack: TaskerStack) -> None:
    env = environment(
        **tasker_stack.env,
        SHOP_POSTGRES=tasker_stack.database_url,
        TASKER_MODE="client",
        PYTHONPATH=str(ROOT),
    )
    script = Path(__file__).with_name("outbox_on_postgres.py")
    done = subprocess.run(
        [sys.executable, str(script)], env=env, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    command = [sys.executable, str(MANAGE), "tasker", "outbox", "relay", "--poll", "0.05"]
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as relay:
        with psycopg.connect(tasker_stack.database_url, autocommit=True) as connection:
            rows = "select count(*) from tasker_outbox"
            eventually(lambda: connection.execute(rows).fetchone() == (0,), timeout=60)
        relay.send_signal(signal.SIGTERM)
        assert relay.wait(60) == 0
