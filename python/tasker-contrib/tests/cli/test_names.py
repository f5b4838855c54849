"""Names from the command line are checked before anything is rendered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_contrib.cli import names
from tasker_contrib.cli.errors import UsageProblem


@pytest.mark.parametrize(
    ("given_name", "expected"),
    [("charge_card", "charge_card"), ("ChargeCard", "charge_card"), ("v2CSVLoad", "v2_csv_load")],
)
def test_good_names(given_name: str, expected: str) -> None:
    assert names.handler_name(given_name) == expected


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "../evil",
        "a/b",
        "a\\b",
        "/etc/passwd",
        "a.b",
        "a-b",
        "a b",
        "1st",
        "_",
        "a\n",
        "naïve",
        "{{ 7*7 }}",
        "class",
        "Class",
        "match",
        "app",
        "conftest",
        "x" * 65,
        "con\0",
    ],
)
def test_bad_names(bad: str) -> None:
    with pytest.raises(UsageProblem) as raised:
        names.handler_name(bad)
    assert raised.value.fix
    assert raised.value.exit_code == 2


@pytest.mark.parametrize("bad", ["", "A", "a-b", "a.b", "x" * 30, "1a", "a\n", "../a"])
def test_bad_namespaces(bad: str) -> None:
    with pytest.raises(UsageProblem):
        names.namespace(bad)


@pytest.mark.parametrize("bad", ["", ".", "a..b", "a.", "..", "a/b", "a.class", "../a", "a" * 129])
def test_bad_modules(bad: str) -> None:
    with pytest.raises(UsageProblem):
        names.module(bad)


def test_good_namespaces_and_modules() -> None:
    assert names.namespace("x" * 29) == "x" * 29
    assert names.module("shop.handlers") == "shop.handlers"


def test_steps() -> None:
    assert names.steps("Fetch, clean:Fetch,store:clean+fetch") == [
        ("fetch", []),
        ("clean", ["fetch"]),
        ("store", ["clean", "fetch"]),
    ]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("", "not valid"),
        ("a,", "not valid"),
        ("a,a", "given twice"),
        ("a:b", "which --steps does not define"),
        ("a:b,b:a", "cycle through a, b"),
        ("a:a", "cycle through a"),
        ("a:b+,b", "not valid"),
    ],
)
def test_bad_steps(bad: str, message: str) -> None:
    with pytest.raises(UsageProblem, match=message):
        names.steps(bad)


@given(st.text(max_size=80))
def test_whatever_is_accepted_is_a_safe_identifier(text: str) -> None:
    try:
        name = names.handler_name(text)
    except UsageProblem:
        return
    assert name.isidentifier()
    assert name.isascii()
    assert not {"/", "\\", "."} & set(name)
