"""How a start that fails is reported."""

from __future__ import annotations

import logging

import pytest

from tasker_contrib_fastapi._internal.startup_report import without_traceback


def test_only_the_report_of_this_error_is_shortened(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("uvicorn.error")
    without_traceback(ValueError("pool is 0"))
    log.error("Traceback (most recent call last):\n  …\nValueError: pool is 1\n")
    log.error("Traceback (most recent call last):\n  …\nValueError: pool is 0\n")
    log.error("Traceback (most recent call last):\n  …\nValueError: pool is 0\n")
    texts = [record.getMessage() for record in caplog.records]
    assert [text.startswith("Traceback") for text in texts] == [True, False, True]
    assert texts[1] == "pool is 0"
