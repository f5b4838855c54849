"""The virus scanner. This one knows only the EICAR test file: put a call of yours in its place."""

from __future__ import annotations

from typing import Annotated, Protocol

from fastapi import Depends

# The industry's harmless test file, in two parts so that no scanner takes this source for it.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class ScannerUnavailable(Exception):
    """The scanner gives no answer now; trying later may help."""


class Scanner(Protocol):
    async def find_virus(self, content: bytes) -> str | None:
        """Return the name of what was found, or None.

        Raises:
            ScannerUnavailable: there is no answer at the moment.
        """


class StubScanner:
    async def find_virus(self, content: bytes) -> str | None:
        return "EICAR-Test-File" if EICAR in content else None


def get_scanner() -> Scanner:
    return StubScanner()


ScannerDep = Annotated[Scanner, Depends(get_scanner)]
