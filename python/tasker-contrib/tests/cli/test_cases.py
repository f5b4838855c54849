"""The case filters agree with heck."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasker_contrib.cli.cases import camel_case, kebab_case, pascal_case, snake_case, words

# What heck 0.5 makes of these (snake, pascal, camel, kebab), printed by the crate itself.
HECK = """
CamelCase                  camel_case                 CamelCase               camelCase               camel-case
XMLHttpRequest             xml_http_request           XmlHttpRequest          xmlHttpRequest          xml-http-request
FIELD_NAME11               field_name11               FieldName11             fieldName11             field-name11
99BOTTLES                  99bottles                  99bottles               99bottles               99bottles
FieldNamE11                field_nam_e11              FieldNamE11             fieldNamE11             field-nam-e11
abc123def456               abc123def456               Abc123def456            abc123def456            abc123def456
abc123DEF456               abc123_def456              Abc123Def456            abc123Def456            abc123-def456
abc123DEf456               abc123_d_ef456             Abc123DEf456            abc123DEf456            abc123-d-ef456
ABC123def456               abc123def456               Abc123def456            abc123def456            abc123def456
ABC123Def456               abc123_def456              Abc123Def456            abc123Def456            abc123-def456
ABC123DEf456               abc123d_ef456              Abc123dEf456            abc123dEf456            abc123d-ef456
ABC123dEEf456FOO           abc123d_e_ef456_foo        Abc123dEEf456Foo        abc123dEEf456Foo        abc123d-e-ef456-foo
abcDEF                     abc_def                    AbcDef                  abcDef                  abc-def
ABcDE                      a_bc_de                    ABcDe                   aBcDe                   a-bc-de
process-payment_v2         process_payment_v2         ProcessPaymentV2        processPaymentV2        process-payment-v2
__already__snake__         already_snake              AlreadySnake            alreadySnake            already-snake
HTTP2Server                http2_server               Http2Server             http2Server             http2-server
loadV2CSVFile              load_v2csv_file            LoadV2csvFile           loadV2csvFile           load-v2csv-file
XΣXΣ                       xσxς                       Xσxς                    xσxς                    xσxς
"""  # noqa: E501, RUF001
TABLE = [line.split() for line in HECK.strip().splitlines()]


@pytest.mark.parametrize(("text", "snake", "pascal", "camel", "kebab"), TABLE)
def test_as_heck(text: str, snake: str, pascal: str, camel: str, kebab: str) -> None:
    assert snake_case(text) == snake
    assert pascal_case(text) == pascal
    assert camel_case(text) == camel
    assert kebab_case(text) == kebab


def reference_words(text: str) -> list[str]:
    """heck's rules as it documents them, as one expression for ASCII text.

    Words end before an upper-case letter that follows a lower-case one (digits between them
    belong to the word), and before the last upper-case letter of a run followed by a lower-case
    one (digits inside the run belong to it).
    """
    found = []
    for chunk in re.split(r"[^A-Za-z0-9]+", text):
        marked = re.sub(r"(?<=[a-z])([0-9]*)(?=[A-Z])", r"\1 ", chunk)
        marked = re.sub(r"([A-Z][0-9]*)(?=[A-Z][a-z])", r"\1 ", marked)
        found += marked.split()
    return found


ASCII = st.text(alphabet=string.ascii_letters + string.digits + "_- .", max_size=24)


@settings(max_examples=500, deadline=None)
@given(ASCII)
def test_words_follow_the_documented_rules(text: str) -> None:
    assert list(words(text)) == reference_words(text)


@settings(max_examples=200, deadline=None)
@given(ASCII)
def test_snake_and_kebab_are_stable_and_keep_every_letter(text: str) -> None:
    snake = snake_case(text)
    assert snake_case(snake) == snake
    assert kebab_case(snake) == kebab_case(text)
    letters = re.sub(r"[^a-z0-9]", "", text.lower())
    assert snake.replace("_", "") == letters
    assert pascal_case(text).lower() == letters
    assert camel_case(text).lower() == letters


def test_nothing_to_convert() -> None:
    for convert in (snake_case, pascal_case, camel_case, kebab_case):
        assert convert("") == ""
        assert convert("-_ ") == ""
