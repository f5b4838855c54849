"""Fetches HTMX with npm's own client, so that whatever registry npm is configured for is used.

The version and the checksums are pinned; nothing else is accepted. The file is kept in `.data` of
this example and never committed. HTMX is under the Zero-Clause BSD licence, which comes with it.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

PACKAGE = "htmx.org@2.0.11"
FILES = {
    "package/dist/htmx.min.js": "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717",
    "package/LICENSE": "d3d2456f76414f2456104660ebd65aff1c04cd7966b942bdabd63f3cdb316a38",
}


def has(folder: Path) -> bool:
    return all(
        (folder / Path(name).name).is_file()
        and hashlib.sha256((folder / Path(name).name).read_bytes()).hexdigest() == checksum
        for name, checksum in FILES.items()
    )


class Command(BaseCommand):
    help = "Fetches HTMX from npm, once. Without it pages work, but do not refresh themselves."

    def handle(self, **_: Any) -> None:
        folder: Path = settings.VENDOR_DIR
        if has(folder):
            self.stdout.write(f"{PACKAGE} is there, checksums match")
            return
        npm = shutil.which("npm")
        if npm is None:
            raise CommandError(f"npm is not in PATH; it is needed once, to fetch {PACKAGE}")
        with tempfile.TemporaryDirectory() as place:
            command = [npm, "pack", PACKAGE, "--silent", "--pack-destination", place]
            done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=place)
            found = list(Path(place).glob("*.tgz"))
            if done.returncode or len(found) != 1:
                output = (done.stderr or done.stdout).strip()
                raise CommandError(f"`npm pack {PACKAGE}` failed:\n{output}")
            self.unpack(found[0], folder)
        self.stdout.write(f"{PACKAGE} is in {folder}")

    def unpack(self, tarball: Path, folder: Path) -> None:
        contents: dict[str, bytes] = {}
        with tarfile.open(tarball) as archive:
            for name, checksum in FILES.items():
                member = archive.extractfile(name)
                contents[name] = member.read() if member else b""
                found = hashlib.sha256(contents[name]).hexdigest()
                if found != checksum:
                    raise CommandError(
                        f"{name} of {PACKAGE} has sha256 {found}, expected {checksum}; "
                        "nothing was written"
                    )
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (folder / Path(name).name).write_bytes(content)
