"""Imports `tasker_core` quietly; must run before anything else imports it.

The native library installs a console logger on stdout when it is imported, at `debug` unless
`LOG_LEVEL` or `RUST_LOG` say otherwise, and the level cannot be changed afterwards. We say `warn`
(or `TASKER_LOG_LEVEL`) for the moment of the import and leave the environment as it was.
"""

from __future__ import annotations

import os
import sys

if "tasker_core" not in sys.modules and not {"LOG_LEVEL", "RUST_LOG"} & os.environ.keys():
    os.environ["LOG_LEVEL"] = os.environ.get("TASKER_LOG_LEVEL", "warn")
    try:
        import tasker_core
    finally:
        del os.environ["LOG_LEVEL"]
else:
    import tasker_core

__all__ = ["tasker_core"]
