"""Runs a supervisor in its own process: `supervised.py BEHAVIOUR DIR N RELOAD`."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from alone import load

CHILD = Path(__file__).with_name("supervised_child.py")


def changes(folder: Path) -> Iterator[str]:
    seen = 0
    never = threading.Event()
    while not never.wait(0.02):
        touched = len(list(folder.glob("change-*")))
        if touched > seen:
            seen = touched
            yield "app/main.py"


def main() -> int:
    behaviour, folder, processes, reload = sys.argv[1:]
    module = load("supervisor")
    exit_code: int = module.Supervisor(
        module.SupervisorOptions(
            commands=[[sys.executable, str(CHILD), behaviour, folder, str(os.getpid())]]
            * int(processes),
            stop_timeout=1.0 if behaviour == "deaf" else 20.0,
            restart_delay=0.05,
            restart_delay_max=0.2,
            min_uptime=5.0,
            max_failures=3,
        ),
        changes=(lambda _ends: changes(Path(folder))) if reload == "reload" else None,
    ).run()
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
