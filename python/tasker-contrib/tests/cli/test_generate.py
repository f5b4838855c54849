"""The generator templates: expected files, and the two ways to render them."""

from __future__ import annotations

import keyword
import os
import stat
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tasker_contrib.cli import generate, plugin
from tasker_contrib.cli.errors import CliProblem, UsageProblem
from tasker_contrib.cli.generate import HandlerType
from tasker_contrib.cli.render import RenderedFile, environment, render

GOLDEN = Path(__file__).with_name("golden")

CASES = {
    "base": lambda: generate.handler("ChargeCard", HandlerType.BASE, "billing", "app.handlers"),
    "base_plain": lambda: generate.handler("charge", HandlerType.BASE, None, "shop.steps"),
    "api": lambda: generate.handler("fetch_rate", HandlerType.API, "billing", "app.handlers"),
    "decision": lambda: generate.handler("decide", HandlerType.DECISION, "billing", "app.handlers"),
    "batchable": lambda: generate.handler("sum", HandlerType.BATCHABLE, "billing", "app.handlers"),
    "template": lambda: generate.template("report", "billing", "fetch,clean:fetch,x:clean+fetch"),
    "workflow": lambda: generate.workflow("order", "shop", "a,b:a,c:a+b", "app.handlers"),
    "subscriber": lambda: generate.subscriber("send_receipt", "order.*", "app.subscribers"),
    "template_plain": lambda: generate.template("report", None, None),
}


@pytest.fixture(autouse=True)
def _no_tasker_ctl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TASKER_CTL", raising=False)
    monkeypatch.setattr("shutil.which", lambda name, *_: name if Path(name).is_file() else None)


@pytest.mark.parametrize("case", CASES)
def test_expected_files(case: str) -> None:
    """Run with UPDATE_GOLDEN=1 to write the expected files anew, then read the diff."""
    folder = GOLDEN / case
    made = {str(file.path): file.content for file in CASES[case]()}
    if os.environ.get("UPDATE_GOLDEN"):
        for path, content in made.items():
            # No .py here: tools that walk the tests must not take them for modules.
            target = folder / f"{path}.txt"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)
    expected = {
        str(path.relative_to(folder))[: -len(".txt")]: path.read_text()
        for path in folder.rglob("*.txt")
    }
    assert made == expected


def test_every_template_of_the_plugin_is_complete() -> None:
    root = plugin.plugin_directory()
    manifest = plugin._read(root / plugin.MANIFEST)
    assert manifest["plugin"]["language"] == "python"
    names = [entry["name"] for entry in manifest["templates"]]
    assert sorted(names) == sorted(path.parent.name for path in root.glob("templates/*/*.toml"))
    for name in names:
        template = plugin.load_template(name)
        assert {output.template for output in template.outputs} == {
            path.name for path in template.directory.glob("*.tera")
        }


def test_a_missing_parameter_is_named() -> None:
    with pytest.raises(UsageProblem, match="needs the parameter 'name'"):
        render(plugin.load_template("step_handler"), {})


def test_an_undefined_variable_is_an_error_as_in_tera() -> None:
    jinja = environment()
    assert jinja.from_string("{% if x %}a{% else %}b{% endif %}").render() == "b"
    assert jinja.from_string('{{ x | default(value="d") }}').render() == "d"
    assert jinja.from_string('{{ x | default(value="d") }}').render(x="") == ""
    # A global of Jinja would be printed here.
    assert jinja.from_string("{% if namespace %}a{% endif %}").render() == ""
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError):
        jinja.from_string("{{ x }}").render()


def test_templates_cannot_reach_python() -> None:
    from jinja2.exceptions import SecurityError

    jinja = environment()
    with pytest.raises(SecurityError):
        jinja.from_string("{{ ''.__class__.__mro__ }}").render()


FAKE = """#!{python}
import json, os, pathlib, sys
pathlib.Path({log!r}).write_text(json.dumps([os.getcwd(), sys.argv[1:],
    pathlib.Path(".config/tasker.toml").read_text(), sorted(os.listdir("."))]))
{body}
"""


def fake_tasker_ctl(tmp_path: Path, body: str) -> tuple[Path, Path]:
    binary, log = tmp_path / "tasker-ctl", tmp_path / "log.json"
    binary.write_text(FAKE.format(python=sys.executable, log=str(log), body=body))
    binary.chmod(binary.stat().st_mode | stat.S_IXUSR)
    return binary, log


WRITE = """
out = pathlib.Path(sys.argv[sys.argv.index("-o") + 1])
(out / "app").mkdir(parents=True)
(out / "app" / "x.py").write_text("from the binary\\n")
"""


def test_tasker_ctl_is_used_when_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    binary, log = fake_tasker_ctl(tmp_path, WRITE)
    monkeypatch.setenv("TASKER_CTL", str(binary))
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    made = generate.handler("ChargeCard", HandlerType.API, "billing", "app.handlers")
    assert [(str(file.path), file.content) for file in made] == [("app/x.py", "from the binary\n")]

    folder, arguments, config, content = json.loads(log.read_text())
    assert Path(folder) != project, "it must not see, or overwrite, the project"
    assert not Path(folder).exists()
    assert list(project.iterdir()) == []
    assert content == [".config", "out"]
    assert config == f'[cli]\nplugin-paths = ["{plugin.plugin_directory()}"]\n'
    assert arguments[:5] == ["template", "generate", "step_handler_api", "-l", "python"]
    assert "--plugin" not in arguments, "tasker-ctl ignores it beside -l"
    given = {value for flag, value in pairwise(arguments) if flag == "-p"}
    assert given == {"name=charge_card", "namespace=billing", "module_name=app.handlers"}


def test_tasker_ctl_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary, _ = fake_tasker_ctl(tmp_path, "sys.exit('no such template')")
    monkeypatch.setenv("TASKER_CTL", str(binary))
    with pytest.raises(CliProblem, match="exited with 1 for template 'step_handler': no such"):
        generate.handler("a", HandlerType.BASE, None, "app.handlers")


def test_tasker_ctl_that_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary, _ = fake_tasker_ctl(tmp_path, "")
    monkeypatch.setenv("TASKER_CTL", str(binary))
    with pytest.raises(CliProblem, match="made no file"):
        generate.handler("a", HandlerType.BASE, None, "app.handlers")


def test_a_wrong_tasker_ctl_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKER_CTL", "/nowhere/tasker-ctl")
    with pytest.raises(CliProblem, match="TASKER_CTL=/nowhere/tasker-ctl is not an executable"):
        generate.handler("a", HandlerType.BASE, None, "app.handlers")


def test_files_are_plain_values() -> None:
    assert all(isinstance(file, RenderedFile) for file in CASES["base"]())


@pytest.mark.parametrize("word", keyword.kwlist)
@pytest.mark.parametrize("name", ["step_handler", "step_handler_api", "workflow", "subscriber"])
def test_a_keyword_as_name_gives_valid_code(name: str, word: str) -> None:
    """`tasker generate` refuses them, but tasker-ctl passes every name to the templates."""
    values = {"name": word, "module_name": "app.x"}
    if name == "workflow":
        values["steps"] = f"{word},then:{word}"
    for file in render(plugin.load_template(name), values):
        if file.path.suffix == ".py":
            compile(file.content, str(file.path), "exec")
            assert not keyword.iskeyword(file.path.stem)
