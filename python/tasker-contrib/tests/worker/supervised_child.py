"""A child for the supervisor tests: no Tasker in it, it does what its first argument says.

Its folder (second argument) gets a file `<pid>.up` when it runs and `<pid>.drained` when it ended
after a stop request.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from alone import load


def main() -> None:
    behaviour, folder, parent = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    if behaviour == "broken":
        print("the database is on fire", file=sys.stderr)
        raise SystemExit(1)
    if behaviour == "unusable":
        print("app.main has no attribute 'app'", file=sys.stderr)
        raise SystemExit(2)
    # Not an Event: a signal that interrupts its `wait` would deadlock in its `set`.
    asked: list[bool] = []

    def ask(*_: object) -> None:
        asked.append(True)

    if behaviour == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, ask)
        load("parent").die_with_parent(parent, ask)
    # First: nobody reads it any more when the supervisor is killed on the sight of the file.
    print("hello from the child", flush=True)
    (folder / f"{os.getpid()}.up").touch()
    while not asked:
        time.sleep(0.02)
    (folder / f"{os.getpid()}.drained").touch()


if __name__ == "__main__":
    main()
