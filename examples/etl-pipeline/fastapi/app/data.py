"""Fetches the example's data sets: `python -m app.data`.

The files come from the npm package `vega-datasets`, fetched with npm's own client, so that
whatever registry, proxy or mirror npm is configured for is used. The version and the checksums of
the package and of each file are pinned below; nothing else is accepted. The files are kept in the
folder `.data` of this example, so that npm is needed only once, and are then placed in
`ETL_DATA_DIR`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from app.settings import CACHE_DIR, get_settings

PACKAGE = "vega-datasets"
VERSION = "3.2.1"
TARBALL_SHA256 = "6f72fda460a9863fae5fcb32f85bcd49e1761fdea6dc6cf9f4962472881cc5a3"

# Files of the package, with their checksums.
FILES = {
    "airports.csv": "903c7169e6d558eefb95295fe2947ec8503135fbb855ea5c737cf4a90ea603ad",
    "flights-20k.json": "52f0ddd892d4569284b845e17323abc9afb7d303ec8f63251634a20327a610bb",
    "flights-5k.json": "15041d59d44b6d31924d1accfb2cd400bca146dd785822dd812809614629953a",
    "flights-airport.csv": "f9f66bc27adebf459e39fbdb6d71402c4355584f27ea1062606219d771ea4bcf",
}

# Files made from them, with their checksums: see `damaged`, and `FEW` flights for many runs.
DAMAGED = "flights-damaged.json"
FEW = "flights-200.json"
DERIVED = {
    DAMAGED: "919d950c687bca53d416a0e0030a4434072b6faa0d9ad0ab4da2761162a41c4a",
    FEW: "2ba0be96f2b4376d22fbed8c1046a42baa18cc302ab6e47822ff4f077ac3fdbf",
}


class DataError(Exception):
    """The data sets cannot be provided; the message says what to do."""


def damaged(flights: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the flights with a known share of them broken, the same ones every time.

    Real delay data is well kept, so a run that must be held needs help: a feed with the kinds of
    damage that feeds really have. Each kind hits rows at its own prime distance, so that some
    rows have several.
    """
    result: list[dict[str, Any]] = []
    for index, original in enumerate(flights):
        row = dict(original)
        if index % 23 == 0:
            row["origin"] = "ZZ9"
        if index % 29 == 1:
            row["delay"] = None
        if index % 31 == 2:
            row["distance"] *= 10
        if index % 37 == 3:
            row["destination"] = row["origin"]
        if index % 41 == 4:
            row["delay"] = 99999
        if index % 43 == 5:
            row["date"] = row["date"].replace("2001/", "2001-13-")
        if index % 53 == 6:
            row["distance"] = "n/a"
        result.append(row)
        if index % 47 == 7:
            result.append(dict(row))
    return result


def fill_cache(cache: Path = CACHE_DIR) -> bool:
    """Make sure that the cache has all files with the right content.

    Returns:
        Whether anything had to be fetched or made.

    Raises:
        DataError: npm is missing or fails, or a checksum differs.
    """
    wanted = FILES | DERIVED
    if all(_has(cache / name, checksum) for name, checksum in wanted.items()):
        return False
    cache.mkdir(parents=True, exist_ok=True)
    if not all(_has(cache / name, checksum) for name, checksum in FILES.items()):
        _fetch(cache)
    flights = json.loads((cache / "flights-5k.json").read_bytes())
    for name, rows in ((DAMAGED, damaged(flights)), (FEW, flights[:200])):
        content = json.dumps(rows, separators=(",", ":")).encode()
        _write(cache / name, content, DERIVED[name])
    return True


def place_files(target: Path, cache: Path = CACHE_DIR) -> None:
    """Copy the cached files to a data folder, unless it is the cache itself."""
    if target.resolve() == cache.resolve():
        return
    target.mkdir(parents=True, exist_ok=True)
    for name, checksum in (FILES | DERIVED).items():
        if not _has(target / name, checksum):
            _write(target / name, (cache / name).read_bytes(), checksum)


def _fetch(cache: Path) -> None:
    specification = f"{PACKAGE}@{VERSION}"
    npm = shutil.which("npm")
    if npm is None:
        raise DataError(
            f"npm is not on PATH; it is needed once, to fetch {specification}.\n"
            f"Install Node.js, or put the files {', '.join(FILES)} into {cache} yourself."
        )
    # Beside the cache, so that moving a finished file into it is atomic.
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=cache) as folder:
        command = [npm, "pack", specification, "--silent", "--pack-destination", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
        tarballs = list(Path(folder).glob("*.tgz"))
        if done.returncode != 0 or len(tarballs) != 1:
            output = (done.stderr or done.stdout).strip() or "no output"
            raise DataError(
                f"`npm pack {specification}` failed with exit code {done.returncode}:\n{output}\n"
                "Check the network and npm's registry setting, then try again."
            )
        _check(tarballs[0].name, tarballs[0].read_bytes(), TARBALL_SHA256)
        with tarfile.open(tarballs[0]) as tarball:
            for name, checksum in FILES.items():
                member = tarball.extractfile(f"package/data/{name}")
                if member is None:
                    raise DataError(f"{specification} has no file data/{name}")
                _write(cache / name, member.read(), checksum)


def _write(path: Path, content: bytes, checksum: str) -> None:
    """Write a file in one move, after checking its content."""
    _check(path.name, content, checksum)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-", delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(content)
            file.flush()
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def _check(name: str, content: bytes, checksum: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != checksum:
        raise DataError(
            f"{name}: sha256 is {found}, expected {checksum}.\n"
            f"The content is not that of {PACKAGE} {VERSION}; nothing was written."
        )


def _has(path: Path, checksum: str) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == checksum
    except OSError:
        return False


def main() -> int:
    """Fetch what is missing, place it in `ETL_DATA_DIR`, and say so."""
    target = get_settings().data_dir
    try:
        fetched = fill_cache()
        place_files(target)
    except (DataError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    how = f"fetched {PACKAGE} {VERSION}" if fetched else "already there, checksums match"
    print(f"data: {len(FILES | DERIVED)} files in {target} ({how})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
