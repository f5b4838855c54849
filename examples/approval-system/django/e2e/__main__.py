"""`python -m e2e SCENARIO` plays a scenario on the running application, and prints the books."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

from . import stories
from .books import Books
from .chaos import chaos
from .page import page
from .rush import COUNT, rush
from .waiting import waiting

SCENARIOS: dict[str, Callable[[Books], dict[str, Any]]] = {
    "straight": stories.straight,
    "rejected": stories.rejected,
    "board": stories.board,
    "quorum": stories.quorum,
    "delegate": stories.delegate,
    "escalation": stories.escalation,
    "withdrawn": stories.withdrawn,
    "changed": stories.changed,
    "over-budget": stories.over_budget,
    "rules": stories.rules,
    "page": page,
    "rush": rush,
    "waiting": waiting,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m e2e", description=__doc__)
    parser.add_argument("scenario", choices=[*SCENARIOS, "chaos"])
    parser.add_argument(
        "--requests", type=int, default=COUNT, metavar="N", help="of `chaos` (%(default)s)"
    )
    arguments = parser.parse_args()
    if arguments.scenario == "chaos":
        told = chaos(arguments.requests)
    else:
        told = SCENARIOS[arguments.scenario](Books())
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
