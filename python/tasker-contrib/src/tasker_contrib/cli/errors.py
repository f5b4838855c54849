"""Errors of the command line: a sentence and its fix, never a stack trace."""

from __future__ import annotations


class CliProblem(Exception):
    """Something the user can correct.

    Args:
        message: What is wrong and where.
        fix: What to do about it, as an instruction.
    """

    exit_code = 1

    def __init__(self, message: str, *, fix: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def render(self) -> str:
        """The text for the terminal: the message, then the fix on its own line."""
        return f"{self.message}\n  fix: {self.fix}" if self.fix else self.message


class UsageProblem(CliProblem):
    """A bad argument: exit code 2."""

    exit_code = 2
