"""Reads a YAML file as Core does, whose reader is stricter than PyYAML."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

#: Levels that Core's reader follows.
_DEEPEST = 128

_TOO_DEEP = f"is nested too deep, or contains itself; Core reads {_DEEPEST} levels"


class UnreadableTemplateError(Exception):
    """The file is no single YAML document that Core would read; the message says why."""


def read(path: Path) -> Any:
    """The content of a file with one YAML document.

    Raises:
        UnreadableTemplateError: it cannot be read, or Core would read something else.
    """
    try:
        return _parse(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as problem:
        raise UnreadableTemplateError(f"is not UTF-8: {problem.reason}") from problem
    except OSError as problem:
        raise UnreadableTemplateError(f"cannot be read: {problem}") from problem
    except yaml.YAMLError as problem:
        raise UnreadableTemplateError(
            f"is not valid YAML: {' '.join(str(problem).split())}"
        ) from problem
    except RecursionError as problem:
        raise UnreadableTemplateError(_TOO_DEEP) from problem


def _parse(text: str) -> Any:
    loader = yaml.SafeLoader(text)
    documents: list[yaml.Node] = []
    while loader.check_node():
        documents.append(loader.get_node())  # type: ignore[arg-type]
    if not documents:
        raise UnreadableTemplateError("is empty; a template is one YAML document")
    if len(documents) != 1:
        raise UnreadableTemplateError(f"has {len(documents)} YAML documents; a template is one")
    _refuse_what_core_reads_otherwise(documents[0], 0, set())
    return loader.construct_document(documents[0])


def _refuse_what_core_reads_otherwise(node: yaml.Node, depth: int, done: set[int]) -> None:
    if depth == _DEEPEST:
        raise UnreadableTemplateError(_TOO_DEEP)
    if id(node) in done:  # an alias
        return
    if isinstance(node, yaml.MappingNode):
        _check_keys(node)
    for child in _children(node):
        _refuse_what_core_reads_otherwise(child, depth + 1, done)
    done.add(id(node))


def _check_keys(node: yaml.MappingNode) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        line = f"line {key.start_mark.line + 1}"
        if key.tag == "tag:yaml.org,2002:merge":
            raise UnreadableTemplateError(
                f"{line}: '<<' merges nothing in Core, which takes it for a key; write the keys out"
            )
        if key.value in seen:
            raise UnreadableTemplateError(
                f"{line}: key {key.value!r} twice; Core refuses the file, or keeps one of them"
            )
        seen.add(key.value)


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield value
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value
