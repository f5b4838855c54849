"""What `_internal/depends.py` uses of FastAPI that is not public.

When a new FastAPI fails here, adapt that file, run `test_dependencies.py` and raise the upper bound
in `pyproject.toml`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib.metadata import requires
from typing import Any

import fastapi
import pytest
from fastapi.dependencies.utils import SolvedDependency, get_dependant, solve_dependencies
from packaging.requirements import Requirement

GIVEN: list[tuple[Callable[..., Any], set[str]]] = [
    (get_dependant, {"path", "call"}),
    (
        solve_dependencies,
        {
            "request",
            "dependant",
            "dependency_overrides_provider",
            "async_exit_stack",
            "embed_body_fields",
        },
    ),
]


@pytest.mark.parametrize(
    ("function", "given"), GIVEN, ids=lambda value: getattr(value, "__name__", "")
)
def test_the_solver_takes_what_we_give_and_needs_no_more(
    function: Callable[..., Any], given: set[str]
) -> None:
    parameters = inspect.signature(function).parameters
    required = {name for name, p in parameters.items() if p.default is p.empty}
    assert given <= parameters.keys()
    assert required <= given, "a new FastAPI asks for more"


def test_the_solver_returns_what_we_read() -> None:
    assert {"values", "errors"} <= {*inspect.signature(SolvedDependency).parameters}


def test_the_installed_fastapi_is_within_bounds_and_there_is_an_upper_one() -> None:
    declared = [Requirement(line) for line in requires("tasker-contrib-fastapi") or []]
    (bounds,) = [r.specifier for r in declared if r.name == "fastapi"]
    assert any(part.operator in {"<", "<=", "~="} for part in bounds)
    assert bounds.contains(fastapi.__version__)
