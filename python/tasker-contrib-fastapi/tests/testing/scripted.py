"""The interpreter of the workflow cases, which the tests of tasker-contrib have."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_SOURCE = Path(__file__).parents[3] / "tasker-contrib/tests/testing/scripted.py"

_spec = importlib.util.spec_from_file_location("tasker_contrib_scripted", _SOURCE)
assert _spec is not None
assert _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = _module
_spec.loader.exec_module(_module)

CASES = _module.CASES
load_case = _module.load_case
scripted = _module.scripted
