"""Checks a task's context against the `input_schema` of templates that lie here."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema

from .._internal.names import did_you_mean
from ..errors import TaskerValidationError
from ..templates.files import load_templates

_Key = tuple[str, str, str]


class Schemas:
    """The schemas of a directory of templates, read when they are first needed."""

    def __init__(self, templates: Path | None) -> None:
        self._templates = templates
        self._lock = threading.Lock()
        self._found: dict[_Key, Mapping[str, Any] | None] | None = None

    def load(self) -> None:
        """Read the directory, unless that was done. An event loop does it in a thread."""
        self._all()

    @property
    def is_loaded(self) -> bool:
        """Whether the directory was read."""
        return self._found is not None

    def check(self, namespace: str, name: str, version: str, context: dict[str, Any]) -> None:
        """Compare a context with its template, if that lies here.

        Raises:
            TaskerValidationError: it does not match.
        """
        schema = self._all().get((namespace, name, version))
        if schema is None:
            return
        validator = jsonschema.Draft202012Validator(schema)
        errors = sorted(validator.iter_errors(context), key=lambda e: list(map(str, e.path)))
        if errors:
            texts = [
                f"{'.'.join(map(str, error.path)) or '(context)'}: {error.message}"
                for error in errors
            ]
            raise TaskerValidationError(
                f"the context does not match the input_schema of {namespace}/{name} {version}: "
                + "; ".join(texts),
                code="INPUT_SCHEMA",
                errors=texts,
            )

    def hint(self, namespace: str, name: str, version: str) -> str:
        """What to say of a template that the server does not have."""
        known = [" ".join(("/".join(key[:2]), key[2])) for key in self._all()]
        wanted = f"{namespace}/{name} {version}"
        if wanted in known:
            return "; it is in the template directory: is a worker running?"
        return did_you_mean(wanted, known)

    def _all(self) -> dict[_Key, Mapping[str, Any] | None]:
        with self._lock:
            if self._found is None:
                found: dict[_Key, Mapping[str, Any] | None] = {}
                if self._templates is not None and self._templates.is_dir():
                    for template in load_templates(self._templates).templates:
                        key = (template.namespace, template.name, template.version)
                        found[key] = template.input_schema
                self._found = found
            return self._found
