"""Runs checkov over the Dockerfiles of this folder: `dockerfiles.py CHECKOV…`, with the words that start it.

It knows Dockerfiles, and no Compose files, which compose-lint reads. What it finds is fixed, or is an exception here, with the number of times and the reason.
"""

from __future__ import annotations

import sys
from pathlib import Path

DOCKER = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(DOCKER.parent / "terraform/tools"))

from findings import judge  # noqa: E402

STAND_IN = "it stands in for an official image, which has none; Compose has the health check"

# How often checkov finds it, and why it stays.
EXCEPTIONS: dict[str, tuple[int, str]] = {
    "CKV_DOCKER_2": (4, STAND_IN),
    "CKV_DOCKER_3": (3, "the official images of PostgreSQL, Caddy and Python begin as root, and these stand in for them"),
    "CKV_DOCKER_7": (3, "the base is an argument, whose default has a version"),
}

if __name__ == "__main__":
    sys.exit(judge(sys.argv[1:], DOCKER, ["dockerfile"], EXCEPTIONS, "ops/docker/proof/dockerfiles.py"))
