"""Renders generator templates in process.

The templates are Tera, because ``tasker-ctl`` renders them too. They keep to what Tera and Jinja2
have in common; the filters whose arguments differ are given Tera's signature here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from tasker_contrib.cli import cases
from tasker_contrib.cli.errors import CliProblem
from tasker_contrib.cli.plugin import Template


@dataclass(frozen=True)
class RenderedFile:
    """A file to place: its path relative to the project, and its text."""

    path: PurePosixPath
    content: str


class _TeraUndefined(StrictUndefined):
    """Tera's rule: printing an undefined variable is an error, testing it is false."""

    def __bool__(self) -> bool:  # type: ignore[override]
        return False


def _default(piped: Any, /, *, value: Any) -> Any:
    return value if isinstance(piped, _TeraUndefined) else piped


def _replace(piped: str, /, **arguments: str) -> str:
    return piped.replace(arguments["from"], arguments["to"])  # `from` is a keyword of Python


def _split(piped: str, /, *, pat: str) -> list[str]:
    return piped.split(pat)


def _trim_start_matches(piped: str, /, *, pat: str) -> str:
    while pat and piped.startswith(pat):
        piped = piped[len(pat) :]
    return piped


def environment(template: Template | None = None) -> SandboxedEnvironment:
    """A Jinja2 environment that behaves as Tera does for the subset the templates use."""
    result = SandboxedEnvironment(
        loader=FileSystemLoader(template.directory) if template else None,
        undefined=_TeraUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # files are code, not HTML
    )
    # Jinja's own globals would answer for parameters of these names (namespace, range, dict …).
    result.globals.clear()
    result.filters.update(
        snake_case=cases.snake_case,
        kebab_case=cases.kebab_case,
        pascal_case=cases.pascal_case,
        camel_case=cases.camel_case,
        default=_default,
        replace=_replace,
        split=_split,
        trim_start_matches=_trim_start_matches,
    )
    return result


def render(template: Template, parameters: dict[str, str]) -> list[RenderedFile]:
    """Render every output of ``template``.

    Args:
        template: The template to render.
        parameters: Its parameters, already validated.

    Raises:
        CliProblem: the template does not render with these parameters.
    """
    values = template.values(parameters)
    jinja = environment(template)
    files = []
    for output in template.outputs:
        try:
            name = jinja.from_string(output.filename).render(values)
            folder = jinja.from_string(output.subdir or "").render(values)
            text = jinja.get_template(output.template).render(values)
        except TemplateError as error:
            raise CliProblem(
                f"{template.directory / output.template} does not render: {error}"
            ) from error
        files.append(RenderedFile(PurePosixPath(folder) / name, text))
    return files
