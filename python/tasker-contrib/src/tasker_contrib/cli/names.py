"""What a name given on the command line may look like: checked before anything is rendered."""

from __future__ import annotations

import keyword
import re

from tasker_contrib.cli.cases import snake_case
from tasker_contrib.cli.errors import UsageProblem

MAX_NAME = 64
# Core's queue name is `worker_{namespace}_queue` and PGMQ caps it at 47 characters.
MAX_NAMESPACE = 29

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_EVENT = re.compile(r"[a-z0-9_.*]+")
_NAMESPACE = re.compile(r"[a-z][a-z0-9_]*")
# Names that a generated module would shadow or be shadowed by.
_RESERVED = frozenset({"test", "tests", "conftest", "tasker", "app"})


def handler_name(value: str) -> str:
    """Check a handler or template name and return it in snake case.

    Raises:
        UsageProblem: not an identifier, a Python keyword, too long, or reserved.
    """
    _check(value, "name", _NAME, MAX_NAME, "letters, digits and underscores, a letter first")
    result = snake_case(value)
    if keyword.iskeyword(result) or keyword.issoftkeyword(result):
        raise UsageProblem(
            f"name '{value}' becomes '{result}', a Python keyword", fix="choose another name"
        )
    if result in _RESERVED:
        raise UsageProblem(
            f"name '{value}' is reserved: a module '{result}' would hide another one",
            fix="choose a name that says what the step does, like 'charge_card'",
        )
    return result


def namespace(value: str) -> str:
    """Check a namespace: Core builds a queue name from it.

    Raises:
        UsageProblem: other characters than ``a-z0-9_``, or longer than 29 characters.
    """
    _check(
        value,
        "namespace",
        _NAMESPACE,
        MAX_NAMESPACE,
        "lower-case letters, digits and underscores, a letter first",
    )
    return value


def module(value: str) -> str:
    """Check a dotted package name such as ``app.handlers``.

    Raises:
        UsageProblem: a part is not an identifier or is a keyword.
    """
    for part in value.split("."):
        if not _NAME.fullmatch(part) or keyword.iskeyword(part):
            raise UsageProblem(
                f"module '{value}' is not a dotted Python package name (part '{part}')",
                fix="write it as you would import it, for example: --module app.handlers",
            )
    if len(value) > 2 * MAX_NAME:
        raise UsageProblem(
            f"module '{value[:20]}…' has {len(value)} characters", fix=f"use {2 * MAX_NAME} at most"
        )
    return value


def event(value: str) -> str:
    """Check the name of a domain event, or a pattern of names.

    Raises:
        UsageProblem: other characters than lower-case letters, digits and ``_ . *``.
    """
    _check(value, "event", _EVENT, MAX_NAME, "lower-case letters, digits, '_', '.' and '*'")
    return value


def _check(value: str, what: str, pattern: re.Pattern[str], longest: int, allowed: str) -> None:
    if len(value) > longest:
        raise UsageProblem(
            f"{what} '{value[:20]}…' has {len(value)} characters", fix=f"use {longest} at most"
        )
    if not pattern.fullmatch(value):
        raise UsageProblem(f"{what} {value!r} is not valid", fix=f"use {allowed}")


def steps(value: str) -> list[tuple[str, list[str]]]:
    """Parse ``a,b:a,c:a+b`` into steps with their dependencies, in the order given.

    Raises:
        UsageProblem: a bad name, a repeated step, an unknown dependency, or a cycle.
    """
    parsed: list[tuple[str, list[str]]] = []
    for item in value.split(","):
        step, _, dependencies = item.strip().partition(":")
        parents = [parent.strip() for parent in dependencies.split("+")] if dependencies else []
        parsed.append((handler_name(step), [handler_name(parent) for parent in parents]))
    known = [step for step, _ in parsed]
    for step, parents in parsed:
        if known.count(step) > 1:
            raise UsageProblem(f"step '{step}' is given twice in --steps", fix="name it once")
        for parent in parents:
            if parent not in known:
                raise UsageProblem(
                    f"step '{step}' depends on '{parent}', which --steps does not define",
                    fix=f"add it: --steps {parent},{value}",
                )
    _refuse_cycle(dict(parsed))
    return parsed


def _refuse_cycle(graph: dict[str, list[str]]) -> None:
    remaining = {step: set(parents) for step, parents in graph.items()}
    while remaining:
        free = [step for step, parents in remaining.items() if not parents & remaining.keys()]
        if not free:
            raise UsageProblem(
                f"--steps has a cycle through {', '.join(sorted(remaining))}",
                fix="remove one of these dependencies",
            )
        for step in free:
            del remaining[step]
