"""The command ``tasker`` (extra ``[cli]``)."""

from __future__ import annotations


def main() -> None:
    """Entry point of the console script; says what to install when the extra is missing."""
    try:
        from tasker_contrib_fastapi.cli.app import run
    except ModuleNotFoundError as error:
        if error.name not in {"typer", "jinja2", "watchfiles"}:
            raise
        raise SystemExit(
            f"the command `tasker` needs the package '{error.name}'\n"
            "  fix: pip install 'tasker-contrib-fastapi[cli]'"
        ) from None
    raise SystemExit(run())
