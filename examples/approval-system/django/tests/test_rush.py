"""The driver of the rush starts workers; they must not outlive it."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.conftest import APP_DIR

# A rush without an application, whose worker has a process of its own, as the real one does.
DRIVER = """
import sys, time
from e2e import rush

class Nobody:
    def __init__(self, *_): pass
    def budget(self, _): return 1
    def free(self, _): return "0"
    def rows(self, *_, **__): return []
    def submit(self, *_): time.sleep(0.1)
    def value(self, *_, **__): return 0

WORKER = '''
import subprocess, sys
subprocess.run([sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"])
'''
rush.Books = rush.Person = Nobody
rush.WORKER = [sys.executable, "-c", WORKER]
rush.rush(Nobody())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_rush_takes_its_worker_along(number: signal.Signals) -> None:
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER], cwd=APP_DIR, stderr=subprocess.PIPE, text=True
    )
    assert driver.stderr is not None
    assert driver.stderr.readline() == "up\n"
    driver.send_signal(number)
    # The worker holds the pipe, too: it is at its end when both are gone.
    assert driver.communicate(timeout=30)[1] == ""
    assert driver.returncode == 128 + number
