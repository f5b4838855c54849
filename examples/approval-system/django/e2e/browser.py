"""Chromium without a window, driven over WebDriver, the W3C's protocol that ChromeDriver speaks."""

from __future__ import annotations

import base64
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ENTER, TAB = "\ue007", "\ue004"

# A cold Chromium on a busy machine takes seconds.
PATIENCE = 60.0
# Often enough to see states that pass.
GLANCE = 0.05
WIDTH, LOWEST, HIGHEST = 1000, 400, 3000

# No sandbox, because test machines run as root; nothing that looks for other hosts.
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Browser:
    """A session with one window."""

    def __init__(self, http: httpx.Client, session: str) -> None:
        self._http = http
        self._session = session

    def call(self, method: str, path: str, **body: Any) -> Any:
        json = body if method == "POST" else None
        answer = self._http.request(method, f"/session/{self._session}{path}", json=json)
        return _value(answer)

    def open(self, url: str) -> None:
        self.call("POST", "/url", url=url)

    def run(self, script: str, *arguments: Any) -> Any:
        """The value of the body of a function in the page."""
        return self.call("POST", "/execute/sync", script=script, args=list(arguments))

    def until(self, script: str, *arguments: Any) -> Any:
        """Wait until the script returns something true; return that."""
        end = time.monotonic() + PATIENCE
        while not (value := self.run(script, *arguments)):
            if time.monotonic() > end:
                page = self.run("return document.body.innerText")
                raise SystemExit(f"in the page, this never became true: {script}\n{page}")
            time.sleep(GLANCE)
        return value

    def type(self, text: str) -> None:
        """Press keys, wherever the focus is."""
        keys = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        self.call("POST", "/actions", actions=[{"type": "key", "id": "keys", "actions": keys}])

    def tab_to(self, selector: str) -> None:
        """Press Tab until the focus is on what the selector finds; more than once around fails."""
        for _ in range(100):
            if self.run("return document.activeElement.matches(arguments[0])", selector):
                return
            self.type(TAB)
        raise SystemExit(f"the Tab key does not lead to {selector}")

    def names(self, selector: str) -> list[tuple[str, str]]:
        """Role and name of each such element, as a screen reader is told them."""
        found = self.call("POST", "/elements", using="css selector", value=selector)
        return [
            (
                self.call("GET", f"/element/{one[_ELEMENT]}/computedrole"),
                self.call("GET", f"/element/{one[_ELEMENT]}/computedlabel"),
            )
            for one in found
        ]

    def picture(self, file: Path) -> None:
        """Write what the page looks like as a PNG file; the window is as high as the page."""
        self.call("POST", "/window/rect", width=WIDTH, height=LOWEST)
        height = self.run("return document.documentElement.scrollHeight")
        self.call("POST", "/window/rect", width=WIDTH, height=min(height + 160, HIGHEST))
        file.write_bytes(base64.b64decode(self.call("GET", "/screenshot")))


@contextmanager
def browser() -> Iterator[Browser]:
    """Start ChromeDriver on a port of its choice, and Chromium through it; end both."""
    try:
        driver = subprocess.Popen(
            ["chromedriver", "--port=0", "--log-level=SEVERE"], stdout=subprocess.PIPE, text=True
        )
    except FileNotFoundError:
        raise SystemExit(
            "this scenario needs a browser: `chromedriver` is not in PATH; install Chromium and "
            "ChromeDriver, on Debian by `apt-get install chromium chromium-driver`"
        ) from None
    with driver:
        try:
            url = f"http://127.0.0.1:{_port(driver)}"
            with httpx.Client(base_url=url, timeout=PATIENCE) as http:
                wanted = {"alwaysMatch": {"goog:chromeOptions": {"args": ARGUMENTS}}}
                made = _value(http.post("/session", json={"capabilities": wanted}))
                try:
                    yield Browser(http, made["sessionId"])
                finally:
                    http.delete(f"/session/{made['sessionId']}")
        finally:
            driver.terminate()


def _port(driver: subprocess.Popen[str]) -> str:
    assert driver.stdout is not None
    for line in driver.stdout:
        if found := re.search(r"started successfully on port (\d+)", line):
            return found[1]
    raise SystemExit("chromedriver ended before it listened")


def _value(answer: httpx.Response) -> Any:
    value = answer.json()["value"]
    if answer.is_error:
        raise SystemExit(f"the browser refused: {value['error']}: {value['message']}")
    return value
