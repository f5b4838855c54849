"""The programs that the proof starts, each in a process group that ends with the proof."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether a program could listen there now."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen()
        except OSError:
            return False
    return True


def eventually(what: str, look: Callable[[], T | None], seconds: float = 60) -> T:
    """Waits until `look` answers something that counts as true.

    Raises:
        TimeoutError: it never did; the message has its last answer.
    """
    end = time.monotonic() + seconds
    while True:
        answer = look()
        if answer:
            return answer
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s; last answer: {answer!r}")
        time.sleep(0.2)


def until_none(what: str, look: Callable[[], Collection[object]], seconds: float = 60) -> None:
    """Waits until `look` finds nothing any more.

    Raises:
        TimeoutError: it still found something; the message says what.
    """
    found: Collection[object] = ()

    def is_empty() -> bool:
        nonlocal found
        found = look()
        return not found

    try:
        eventually(what, is_empty, seconds)
    except TimeoutError:
        raise TimeoutError(f"{what} after {seconds:.0f} s: {found}") from None


def get(url: str) -> str | None:
    """What a URL answers, or nothing while nobody answers there or the answer is an error."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
    except (OSError, urllib.error.URLError):
        return None


class Program:
    """A running program. Its output is in `<folder>/<name>.log`."""

    def __init__(self, folder: Path, name: str, argv: list[str], **options: Any) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._argv = argv
        self._options = options
        self.process: subprocess.Popen[bytes]
        self.start()

    def start(self) -> None:
        # It ends with the proof, however that ends.
        argv = ["setpriv", "--pdeathsig=TERM", *self._argv]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                argv, stdout=log, stderr=subprocess.STDOUT, start_new_session=True, **self._options
            )

    def answers(self, url: str, seconds: float = 60) -> None:
        """Waits until a URL answers.

        Raises:
            RuntimeError: the program ended, or nobody answered; the message ends with what it printed.
        """

        def look() -> bool:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self.process.returncode}:\n{self.said()}")
            return get(url) is not None

        try:
            eventually(f"{self.name} answers {url}", look, seconds)
        except TimeoutError as error:
            raise RuntimeError(f"{error}\n{self.said()}") from None

    def said(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])

    def end(self, sign: signal.Signals = signal.SIGTERM) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, sign)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
