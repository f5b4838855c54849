"""Checks values of Core's configuration keys before Core can see (or silently ignore) them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from ._contract import CONFIG_KEYS, OPTIONAL_SECTIONS, PATTERNS, ConfigKey
from .names import did_you_mean

_SECRET_WORDS = ("token", "password", "secret", "api_key", "private_key", "public_key")


class Problem(Exception):
    """Why a value is not acceptable (without the name of the setting)."""


def lookup(path: str) -> ConfigKey:
    """The key at a dotted path of Core's configuration.

    Raises:
        Problem: there is no such key.
    """
    key = CONFIG_KEYS.get(path)
    if key is None:
        if path in OPTIONAL_SECTIONS or any(k.startswith(f"{path}.") for k in CONFIG_KEYS):
            raise Problem("is a section; set one of its keys")
        raise Problem(f"is not a key of Core's configuration{did_you_mean(path, CONFIG_KEYS)}")
    return key


def check(key: ConfigKey, value: Any) -> Any:
    """Return the value in the key's type.

    Raises:
        Problem: wrong type, out of range, not one of the choices, or of the wrong form.
    """
    value = _typed(key, value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        low, high = key.minimum, key.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            raise Problem(f"must be {_range(low, high)}")
    if key.choices and value not in key.choices:
        raise Problem(f"must be one of {', '.join(key.choices)}{did_you_mean(value, key.choices)}")
    if key.pattern and isinstance(value, str):
        _match(key.pattern, value)
    if key.path.endswith(".base_url") and not str(value).startswith(("http://", "https://")):
        raise Problem("must start with http:// or https://")
    return value


def _typed(key: ConfigKey, value: Any) -> Any:
    kind = key.type
    if kind == "bool" and isinstance(value, bool):
        return value
    if kind == "int" and isinstance(value, int) and not isinstance(value, bool):
        return value
    if kind == "float" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if kind == "str" and isinstance(value, str):
        return value
    if kind in ("str_list", "int_list") and isinstance(value, (list, tuple)):
        item = str if kind == "str_list" else int
        if all(isinstance(v, item) and not isinstance(v, bool) for v in value):
            return tuple(value)
    words = {
        "str": "a text",
        "bool": "true or false",
        "int": "a whole number",
        "float": "a number",
        "str_list": "a list of texts",
        "int_list": "a list of whole numbers",
    }
    raise Problem(f"must be {words[kind]}")


def _range(low: float | None, high: float | None) -> str:
    def text(value: float) -> str:
        return str(int(value)) if float(value).is_integer() else str(value)

    if low is None:
        return f"at most {text(high or 0)}"
    if high is None:
        return f"at least {text(low)}"
    return f"{text(low)} to {text(high)}"


def _match(name: str, value: str) -> None:
    """Check a named form. Core checks the same and aborts the process when it does not match."""
    pattern = PATTERNS[name]
    if re.fullmatch(pattern.regex, value):
        # The pattern lets these into a password, where they end the host part of a URL.
        password = value.partition("://")[2].rpartition("@")[0]
        for character, code in (("/", "%2F"), ("?", "%3F"), ("#", "%23")):
            if character in password and "database" in name:
                raise Problem(f"has a {character} in the password; write it as {code}")
        return
    if name.startswith("database_url"):
        raise Problem(database_url_problem(value))
    raise Problem(f"must have the form {pattern.doc}")


def database_url_problem(url: str) -> str:
    """Say what is wrong with a database URL and how it should read. Never shows the password."""
    form = "postgresql://user:password@host:port/database"
    if not url.strip():
        return f"is empty; it must have the form {form}"
    scheme, separator, rest = url.partition("://")
    if not separator:
        return f"must have the form {form}"
    if scheme != "postgresql":
        fixed = f"postgresql://{rest}"
        if scheme == "postgres" or scheme.startswith(("postgresql+", "postgres+")):
            return f"must start with postgresql://, not {scheme}://; write {mask_url(fixed)}"
        return f"must be a PostgreSQL URL of the form {form}, not {scheme}://"
    authority, _, path = rest.partition("/")
    user_info, at, host = authority.rpartition("@")
    if authority.count("@") > 1 or (at and "@" in user_info):
        return "has an @ in the user or the password; write it as %40"
    if at and ":" not in user_info:
        return f"has a user without a password; the form is {form}"
    if at and not re.fullmatch(r"[a-zA-Z0-9_-]+", user_info.partition(":")[0]):
        return "may have only letters, digits, _ and - in the user name"
    if at and not user_info.partition(":")[2]:
        return f"has an empty password; the form is {form}"
    if host.startswith("["):
        return "has an IPv6 address, which Core refuses; use a host name"
    if not host or "host=" in path:
        return "has no host; Core does not support sockets, use 127.0.0.1"
    database = path.partition("?")[0]
    if not database:
        return "has no database name after the host"
    if not re.fullmatch(r"[a-zA-Z0-9_-]+", database):
        return "may have only letters, digits, _ and - in the database name"
    return f"must have the form {form}"


def is_secret(path: str) -> bool:
    """Whether the value of a key must not be shown at all."""
    last = path.rsplit(".", 1)[-1]
    return any(word in last for word in _SECRET_WORDS) and not last.endswith(
        ("_header", "_enabled", "_hours", "_method", "_path")
    )


def shown(path: str, value: Any) -> str:
    """The value as it may be printed: without passwords, tokens and keys."""
    if value is None:
        return "(not set)"
    if is_secret(path) and value != "":
        return "***"
    if isinstance(value, str) and "://" in value:
        return mask_url(value)
    if isinstance(value, str) and value and re.search(r"(database|rabbitmq|redis)\.url$", path):
        return "***"  # not a URL, but perhaps a password all the same
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(shown(path, item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def mask_url(url: str) -> str:
    """Replace the password of a URL by ***."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return "***"
    # Passwords may hold any character, so cut at the last @ of the whole, and drop the query.
    before, at, after = rest.rpartition("@")
    user = before.partition(":")[0]
    after = after.partition("?")[0]
    return f"{scheme}://{user}:***@{after}" if at else f"{scheme}://{after}"


def host_of(url: str) -> str:
    """host:port/database of a URL, for messages."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 5432}{parts.path}"
