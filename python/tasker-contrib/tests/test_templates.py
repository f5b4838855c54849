"""Checks of task templates and of the handlers behind them."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import pytest
import yaml
from pydantic import BaseModel, BeforeValidator, field_validator

from tasker_contrib import (
    BatchConfig,
    BatchResults,
    Config,
    HandlerImportError,
    Input,
    Result,
    TaskerConfigError,
    batch_analyzer,
    step_handler,
)
from tasker_contrib.templates import (
    CheckReport,
    check_app,
    check_templates,
    load_templates,
)

pytestmark = pytest.mark.usefixtures("clean_registry")

BATCH = {
    "batch_size": 2,
    "parallelism": 2,
    "cursor_field": "id",
    "worker_template": "part",
    "failure_strategy": "continue_on_failure",
}


def good() -> dict[str, Any]:
    return {
        "name": "t",
        "namespace_name": "ns",
        "version": "1.0.0",
        "steps": [
            {"name": "a", "handler": {"callable": "a"}},
            {"name": "b", "handler": {"callable": "b"}, "dependencies": ["a"]},
        ],
    }


def write(folder: Path, data: Any, name: str = "t.yaml") -> Path:
    path = folder / name
    path.write_text(data if isinstance(data, str) else yaml.safe_dump(data))
    return path


def test_a_good_template_has_no_problems(tmp_path: Path) -> None:
    write(tmp_path, good())
    report = load_templates(tmp_path)
    assert (report.errors, report.warnings) == ([], [])
    template = report.templates[0]
    assert (template.namespace, template.name, template.version) == ("ns", "t", "1.0.0")
    assert template.steps[1].dependencies == ("a",)


@pytest.mark.parametrize("place", ["input_schema", "result_schema"])
def test_what_is_no_json_schema_is_named(tmp_path: Path, place: str) -> None:
    data = good()
    (data if place == "input_schema" else data["steps"][1])[place] = {"type": "objekt"}
    write(tmp_path, data)
    (error,) = load_templates(tmp_path).errors
    assert f"{place} is not a valid JSON Schema: 'objekt'" in error


def test_missing_directory_and_same_identity(tmp_path: Path) -> None:
    assert "does not exist" in load_templates(tmp_path / "x").errors[0]
    write(tmp_path, good(), "one.yaml")
    write(tmp_path, good(), "two.yaml")
    assert "one.yaml" in load_templates(tmp_path).errors[0]


def test_keys_without_effect_warn(tmp_path: Path) -> None:
    data = good()
    data["environments"] = {"production": {}}
    data["lifecycle"] = {"staleness_action": "dlq"}
    data["steps"][0]["handler"]["method"] = "run"
    write(tmp_path, data)
    report = load_templates(tmp_path)
    assert report.errors == []
    assert len(report.warnings) == 3


def test_missing_duplicate_and_unused_handlers_in_one_report(tmp_path: Path) -> None:
    def first() -> None: ...

    def second() -> None: ...

    step_handler("a")(first)
    step_handler("a")(second)
    step_handler("bb")(second)
    write(tmp_path, good())
    report = check_templates(tmp_path)
    with pytest.raises(TaskerConfigError) as caught:
        report.raise_for_errors()
    text = str(caught.value)
    assert "step 'b': no handler 'b' is registered; did you mean 'bb'?" in text
    assert "handler 'a' is registered more than once" in text
    assert "first" in text
    assert "second" in text
    assert report.warnings == [], "the handler that is meant is not called unused as well"


@pytest.mark.parametrize(
    ("more", "warning"),
    [
        (["shop.pay"], "handler 'shop.pay' never runs: no step of a template has "
         "`handler: {callable: shop.pay}`"),
        (["z", "y"], "handlers 'y', 'z' never run: no step of a template names them"),
    ],
)  # fmt: skip
def test_handlers_that_no_template_uses_are_one_warning(
    tmp_path: Path, more: list[str], warning: str
) -> None:
    def fn() -> None: ...

    for name in ("a", "b", *more):
        step_handler(name)(fn)
    write(tmp_path, good())
    report = check_templates(tmp_path)
    assert report.errors == []
    (line,) = report.warnings
    assert line.startswith(warning)


@pytest.mark.parametrize("content", ["name: [", "name: t\nnamespace_name: ns\nsteps: []\n"])
def test_a_broken_template_is_the_only_problem(tmp_path: Path, content: str) -> None:
    step_handler("a")(lambda: None)
    write(tmp_path, content)
    report = check_templates(tmp_path)
    assert report.errors
    assert "'a'" not in "".join(report.errors)
    assert report.warnings == []


class Order(BaseModel):
    lines: int
    note: str | None = None
    tags: list[str] = []


class Lenient(BaseModel):
    lines: int

    @field_validator("lines", mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        return len(str(value))


def _takes(annotation: Any) -> Any:
    def fn(value: Any) -> None: ...

    fn.__annotations__["value"] = annotation
    return fn


def _has_default(value: Annotated[int | None, Result("aa")] = None) -> None: ...


TEXT = {"type": "object", "properties": {"lines": {"type": "string"}}}
CLOSED = {"type": "object", "additionalProperties": False, "properties": {"n": {}}}


@pytest.mark.parametrize(
    ("fn", "schema", "error"),
    [
        (_takes(Annotated[int, Result("aa")]), None,
         "parameter 'value' of handler 'b' is Result(\"aa\"), but the template has no such step; "
         "its other steps are a, c; did you mean 'a'?"),
        (_takes(Annotated[int, Result("c")]), None,
         "step 'c' does not run before 'b'; add 'c' to the dependencies of 'b'"),
        (_takes(Annotated[list[int], BatchResults("a")]), None,
         "step 'a' is of type 'standard', not batch_worker"),
        (_takes(Annotated[int, Config("limt")]), None,
         "the step has no handler.initialization.limt; did you mean 'limit'?"),
        (_takes(Annotated[int, Input("lines")]), TEXT,
         "parameter 'value' of handler 'b' takes an integer, but input_schema wants a string in "
         "'lines'"),
        (_takes(Annotated[str | None, Input("n")]),
         {"properties": {"n": {"type": ["integer", "null"]}}},
         "takes a string, but input_schema wants an integer or null in 'n'"),
        (_takes(Annotated[dict[str, int], Input("n")]), {"properties": {"n": {"type": "array"}}},
         "takes an object, but input_schema wants an array in 'n'"),
        (_takes(Annotated[Order, Input()]), TEXT,
         "field 'lines' of parameter 'value' of handler 'b' takes an integer"),
        (_takes(Annotated[int, Input("m")]), CLOSED,
         "is Input(\"m\"), but input_schema has no property 'm'"),
    ],
)  # fmt: skip
def test_parameters_that_cannot_work_are_errors(
    tmp_path: Path, fn: Any, schema: Any, error: str
) -> None:
    report = _with_handler(tmp_path, fn, schema)
    (found,) = report.errors
    assert found.startswith(f"{tmp_path / 't.yaml'}: step 'b': ")
    assert error in found


@pytest.mark.parametrize(
    ("fn", "schema", "warnings"),
    [
        (_takes(Annotated[int, Result("a")]), None, 0),
        (_takes(Annotated[int, Config("limit")]), None, 0),
        (_has_default, None, 1),  # None for ever, but the step runs
        (_takes(Annotated[int | None, Result("elsewhere")]), None, 0),
        (_takes(Annotated[int, Input("lines")]), {"properties": {"lines": {"type": "number"}}}, 0),
        (_takes(Annotated[int, Input("lines")]),
         {"properties": {"lines": {"type": "string", "pattern": "^[0-9]+$"}}}, 0),
        (_takes(Annotated[int, BeforeValidator(len), Input("lines")]), TEXT, 0),
        (_takes(Annotated[datetime, Input("lines")]),
         {"properties": {"lines": {"type": "number"}}}, 0),
        (_takes(Annotated[int | str, Input("lines")]), TEXT, 0),
        (_takes(Annotated[Lenient, Input()]), TEXT, 0),
        (_takes(Annotated[int, Input("line")]), TEXT, 1),
        (_takes(Annotated[int, Input("other")]), TEXT, 0),
    ],
)  # fmt: skip
def test_parameters_that_may_work_stop_nothing(
    tmp_path: Path, fn: Any, schema: Any, warnings: int
) -> None:
    report = _with_handler(tmp_path, fn, schema)
    assert report.errors == []
    assert len(report.warnings) == warnings, report.warnings


def _with_handler(folder: Path, fn: Any, schema: Any) -> CheckReport:
    def other() -> None: ...

    step_handler("a")(other)
    step_handler("b")(fn)
    data = good()
    data["steps"][1]["handler"]["initialization"] = {"limit": 3}
    data["steps"].append({"name": "c", "handler": {"callable": "a"}, "dependencies": ["b"]})
    if schema is not None:
        data["input_schema"] = schema
    write(folder, data)
    return check_templates(folder)


def test_kind_of_handler_must_fit_the_step(tmp_path: Path) -> None:
    data = good()
    data["steps"][1]["type"] = "decision"
    write(tmp_path, data)

    def fn() -> None: ...

    step_handler("a")(fn)
    step_handler("b")(fn)
    assert "needs a @decision_handler, but 'b' is a @step_handler" in "".join(
        check_templates(tmp_path).errors
    )


def test_analyzer_must_name_a_batch_worker(tmp_path: Path) -> None:
    data = good()
    data["steps"][0]["type"] = "batchable"
    write(tmp_path, data)

    def analyse() -> BatchConfig:
        return BatchConfig(0, 1)

    def fn() -> None: ...

    batch_analyzer("a", worker="bee")(analyse)
    step_handler("b")(fn)
    errors = check_templates(tmp_path).errors
    assert any("worker='bee') names no step" in error for error in errors)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    folder = tmp_path / "lib"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)

    def make(**files: str) -> None:
        (folder / "shop_handlers").mkdir(exist_ok=True)
        for name, text in {"__init__": "", **files}.items():
            (folder / "shop_handlers" / f"{name}.py").write_text(text)

    yield make
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_import_errors_are_fatal_and_all_named(package: Any, tmp_path: Path) -> None:
    package(
        good="x = 1\n",
        typo="import nothing_like_this\n",
        broken="\n\nraise RuntimeError('boom')\n",
        args="from tasker_contrib import step_handler\n@step_handler('x')\ndef x(y: int): ...\n",
    )
    with pytest.raises(HandlerImportError) as caught:
        check_app(tmp_path, ["shop_handlers", "no.such"])
    text = str(caught.value)
    assert "shop_handlers.typo' needs 'nothing_like_this'" in text
    assert "RuntimeError: boom" in text
    assert "broken.py, line 3" in text
    assert "parameter 'y' has no source" in text
    assert "'no.such' does not exist" in text


def test_a_default_module_need_not_exist(tmp_path: Path) -> None:
    write(tmp_path, good())
    report = check_app(tmp_path, ["no.such"], optional_modules=True)
    assert len(report.errors) == 2


CORE = """
from tasker_core import StepHandler
from tasker_core.step_handler import step_handler

class ByClass(StepHandler):
    handler_name = "a"
    def call(self, context):
        return self.success({})

class NoName(StepHandler):
    def call(self, context):
        return self.success({})

@step_handler("b")
def dsl(): return {}
"""


def test_cores_own_styles_are_found(package: Any, tmp_path: Path) -> None:
    data = good()
    data["steps"].append({"name": "c", "handler": {"callable": "shop_handlers.core.NoName"}})
    tasks = tmp_path / "tasks"
    tasks.mkdir()
    write(tasks, data)
    package(core=CORE, again="from .core import ByClass\n")
    report = check_app(tasks, ["shop_handlers"])
    assert report.errors == []
    package(
        twice="from tasker_core.step_handler import step_handler\n"
        "@step_handler('b')\ndef z(): ...\n"
    )
    errors = check_app(tasks, ["shop_handlers"]).errors
    assert "handler 'b' is registered more than once" in errors[0]
