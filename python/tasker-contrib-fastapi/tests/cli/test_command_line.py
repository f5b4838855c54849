"""The command as a user runs it: exit codes, messages, no stack traces."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tasker_contrib_fastapi.cli.app import app

TASKER_CTL = os.environ.get("TASKER_CTL_BIN", "")
COMMAND = [sys.executable, "-c", "from tasker_contrib_fastapi.cli import main; main()"]


def tasker(cwd: Path, *arguments: str, env: dict[str, str] | None = None) -> tuple[int, str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("TASKER_", "DATABASE_URL"))}
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env={**clean, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


def invoke(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def test_help_names_every_command() -> None:
    code, output = invoke("--help")
    assert code == 0
    for command in ("init", "generate", "check", "config", "worker"):
        assert command in output
    for command in (
        ["init"],
        ["generate", "handler"],
        ["generate", "template"],
        ["generate", "workflow"],
        ["generate", "subscriber"],
        ["worker"],
    ):
        code, output = invoke(*command, "--help")
        assert code == 0
        assert "Example:" in output


def test_flags_are_shown_as_flags() -> None:
    for command in ([], ["generate", "handler"], ["config", "explain"], ["worker"]):
        _, output = invoke(*command, "--help")
        assert "--help" in output
        assert "bool" not in output


def test_version() -> None:
    code, output = invoke("--version")
    assert (code, output.strip()) == (0, "0.1.0")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["generate", "handler", "../evil"], 2, "error: name '../evil' is not valid"),
        (["generate", "handler", "a", "--type", "nope"], 2, "'nope'"),
        (["generate", "handler", "a", "--force", "--skip"], 2, "exclude each other"),
        (["generate", "template", "a", "--steps", "a:b"], 2, "which --steps does not define"),
        (["generate", "workflow", "a", "--steps", "a:b"], 2, "which --steps does not define"),
        (["generate", "subscriber", "a", "--event", "a b"], 2, "event 'a b' is not valid"),
        (["generate", "handler", "a", "--undo", "--force"], 2, "--undo goes with neither"),
        (["init", "--framework", "django"], 2, "framework 'django' is not supported"),
        (["worker", "main"], 2, "write module:attribute"),
        (["worker", "nope.main:app"], 2, "there is no module 'nope.main'"),
        (["check", "main"], 2, "write module:attribute"),
        (["check"], 2, "name it: tasker check MODULE:APP"),
        (["nope"], 2, "No such command"),
        (["--env-file", "none.env", "check"], 2, "--env-file none.env is not a file"),
    ],
)
def test_usage_errors(
    arguments: list[str],
    code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    exit_code, output = invoke(*arguments)
    assert exit_code == code
    assert message in output
    assert list(tmp_path.iterdir()) == []


def test_variables_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "my.env").write_text("TASKER_DRAIN_TIMEOUT=7\nTASKER_ENVIRONMENT=fromfile\n")
    command = ["--env-file", "my.env", "config", "explain"]
    code, output, _ = tasker(tmp_path, *command, env={"TASKER_ENVIRONMENT": "exported"})
    assert code == 0
    rows = {line.split()[0]: line.split()[1] for line in output.splitlines()}
    assert (rows["drain_timeout"], rows["environment"]) == ("7.0", "exported")


def test_a_conflict_and_its_ways_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["generate", "template", "report"]
    file = tmp_path / "config/tasks/report.yaml"
    assert invoke(*command, "--dry-run")[1].split() == [
        "would",
        "create",
        "config/tasks/report.yaml",
    ]
    assert not file.exists()
    assert invoke(*command)[0] == 0
    assert "unchanged  config/tasks/report.yaml" in invoke(*command)[1]
    generated = file.read_text()
    file.write_text("mine: true\n")
    code, output = invoke(*command)
    assert code == 1
    assert "nothing was written" in output
    assert "fix: run it again with --force" in output
    assert "conflict  config/tasks/report.yaml" in invoke(*command, "--dry-run")[1]
    assert invoke(*command, "--skip")[0] == 0
    assert file.read_text() == "mine: true\n"
    assert invoke(*command, "--force")[0] == 0
    assert file.read_text() == generated


def test_what_was_generated_can_be_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["generate", "workflow", "order", "--steps", "validate,charge:validate"]
    assert invoke(*command)[0] == 0
    handlers = tmp_path / "app/handlers/order.py"
    edited = handlers.read_text() + "# mine\n"
    handlers.write_text(edited)

    code, output = invoke(*command, "--undo", "--dry-run")
    assert code == 0
    assert "would remove  config/tasks/order.yaml" in output
    assert "edited  app/handlers/order.py" in output
    assert (tmp_path / "config/tasks/order.yaml").exists()

    code, output = invoke(*command, "--undo")
    assert code == 0
    assert " remove  config/tasks/order.yaml" in output
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [handlers]
    assert handlers.read_text() == edited
    assert not (tmp_path / "config").exists(), "no empty folder is left"
    assert "absent  config/tasks/order.yaml" in invoke(*command, "--undo")[1]


def test_the_commands_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    block = readme.split("## Generate")[1].split("```sh\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path)
    for line in block.splitlines():
        code, output = invoke(*line.split(" #")[0].split()[1:])
        assert code == 0, output
    assert (tmp_path / "app/handlers/charge_card.py").exists()
    assert not (tmp_path / "app/handlers/order.py").exists()


def test_a_whole_session_in_processes(tmp_path: Path) -> None:
    code, out, _ = tasker(tmp_path, "init", "--framework", "fastapi", "shop")
    assert code == 0
    assert "cd shop" in out
    shop = tmp_path / "shop"
    code, out, err = tasker(shop, "check")
    assert (code, err) == (0, "checking app.main:app\n")
    assert "1 template with 2 steps: no errors, 0 warnings" in out

    code, out, _ = tasker(shop, "generate", "handler", "pay", "--namespace", "shop")
    assert code == 0
    assert "next: add a step with `handler: {callable: shop.pay}` to a template" in out
    code, out, err = tasker(shop, "check", "app.main:app")
    assert code == 0, "a handler that waits for its step is no error"
    assert "warning: handler 'shop.pay' never runs" in err
    assert "no errors, 1 warning" in out

    handlers = shop / "app/handlers/count_words.py"
    handlers.write_text(handlers.read_text().replace('"split_text")]', '"split_txt")]'))
    code, _, err = tasker(shop, "check", "app.main:app")
    assert code == 1
    assert (
        "step 'count_words': parameter 'split' of handler 'shop.count_words' is "
        'Result("split_txt"), but the template has no such step; its other steps are split_text; '
        "did you mean 'split_text'?"
    ) in err
    handlers.write_text(handlers.read_text().replace("split_txt", "split_text"))

    template = shop / "config/tasks/count_words.yaml"
    template.write_text(template.read_text().replace("shop.split_text", "shop.splt_text"))
    (shop / "config/tasks/bad.yaml").write_text(
        "name: bad\nnamespace_name: shop\nversion: 1.0.0\n"
        "steps:\n  - {name: a, handler: {callable: shop.split_text}, dependencies: [a]}\n"
    )
    code, out, err = tasker(shop, "check", "app.main:app")
    assert code == 1
    assert "no handler 'shop.splt_text' is registered" in err
    assert "step 'a' depends on itself" in err
    assert "2 errors, 0 warnings" in err, "the handler that is meant is not called unused as well"


def test_check_knows_what_core_would_do_otherwise(tmp_path: Path) -> None:
    tasker(tmp_path, "init", "shop")
    shop = tmp_path / "shop"
    (shop / "config/tasks/batch.yaml").write_text(
        """
name: batch
namespace_name: shop
version: 1.0.0
steps:
  - {name: analyze, type: batchable, handler: {callable: shop.analyze}}
  - name: work
    type: batch_worker
    dependencies: [analyze]
    handler: {callable: shop.work}
    batch_config: {batch_size: 1, parallelism: 1, cursor_field: x, worker_template: work,
                   failure_strategy: fail_fast}
  - {name: total, type: deferred_convergence, handler: {callable: shop.count_words},
     dependencies: [work]}
  - {name: mail, handler: {callable: shop.count_words}, dependencies: [total]}
"""
    )
    code, _, err = tasker(shop, "check", "app.main:app")
    assert code == 1
    assert "worker_template_name" in err
    assert "step 'mail' starts before 'total'" in err


def test_bad_settings_and_broken_apps(tmp_path: Path) -> None:
    code, _, err = tasker(
        tmp_path, "config", "explain", env={"DATABASE_URL": "postgres://u:secret@h/db"}
    )
    assert code == 1
    assert "postgresql://" in err
    assert "secret" not in err

    (tmp_path / "broken.py").write_text("import os\n\nx = 1 / 0\n")
    code, _, err = tasker(tmp_path, "check", "broken:app")
    assert code == 1
    assert "importing 'broken' failed: ZeroDivisionError" in err
    assert "broken.py:3: x = 1 / 0" in err

    (tmp_path / "empty.py").write_text("")
    code, _, err = tasker(tmp_path, "check", "empty:app")
    assert code == 2
    assert "module 'empty' has no 'app'" in err


def test_config_explain_has_sources_and_no_secrets(tmp_path: Path) -> None:
    env = {
        "DATABASE_URL": "postgresql://u:hunter2@127.0.0.1:5432/db",
        "TASKER_DRAIN_TIMEOUT": "12",
    }
    code, out, _ = tasker(tmp_path, "config", "explain", "--json", env=env)
    assert code == 0
    assert "hunter2" not in out
    rows = {row["name"]: row for row in json.loads(out)}
    assert rows["drain_timeout"]["value"] == "12.0"
    assert rows["drain_timeout"]["source"] == "environment TASKER_DRAIN_TIMEOUT"
    assert rows["database.url"]["source"] == "environment DATABASE_URL"
    assert rows["database.pool_size"]["core_key"] == "common.database.pool.max_connections"
    code, out, _ = tasker(tmp_path, "config", "explain", env=env)
    assert code == 0
    assert "hunter2" not in out
    assert "(environment TASKER_DRAIN_TIMEOUT)" in out


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.modules['typer'] = None\n"
            "from tasker_contrib_fastapi.cli import main; main()",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert "pip install 'tasker-contrib-fastapi[cli]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not TASKER_CTL, reason="TASKER_CTL_BIN is not set")
def test_it_goes_through_tasker_ctl(tmp_path: Path) -> None:
    command = ["generate", "handler", "charge_card", "--type", "decision"]
    code, out, err = tasker(tmp_path, *command, env={"TASKER_CTL": TASKER_CTL})
    assert code == 0, err
    assert "create  app/handlers/charge_card.py" in out
    code, out, err = tasker(tmp_path, *command, env={"TASKER_CTL": ""})
    assert code == 0, err
    assert out.count("unchanged") == 2, "the built-in renderer makes the same files"
