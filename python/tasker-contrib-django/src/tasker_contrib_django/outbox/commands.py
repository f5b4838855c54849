"""`manage.py tasker outbox …`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError, OutputWrapper
from django.db import DEFAULT_DB_ALIAS, connections
from tasker_contrib.cli import outbox as texts
from tasker_contrib.cli.errors import CliProblem

from .enqueue import must_be_installed


def add_arguments(parser: ArgumentParser) -> None:
    """Add the verbs of the outbox."""
    parser.add_argument(
        "what",
        choices=["relay", "list", "retry", "discard"],
        help="relay: create the tasks until SIGTERM or Ctrl-C; list: show the rows; retry: try "
        "rows again now; discard: remove rows without creating their tasks",
    )
    parser.add_argument("ids", nargs="*", type=int, help="retry, discard: ids of rows")
    parser.add_argument("--all-dead", action="store_true", help="retry, discard: all that are dead")
    parser.add_argument("--dead", action="store_true", help="list: only rows that are dead")
    parser.add_argument("--limit", type=int, default=50, help="list: how many (50)")
    parser.add_argument("--json", action="store_true", help="list: machine-readable")
    parser.add_argument("--poll", type=float, default=1.0, help="relay: seconds between looks (1)")
    parser.add_argument("--metrics-port", type=int, help="relay: serve /metrics on this port")
    parser.add_argument("--metrics-host", default="127.0.0.1", help="address of --metrics-port")
    parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="alias of the database")


def run(stdout: OutputWrapper, options: dict[str, Any]) -> None:
    """Run one of them."""
    must_be_installed()
    try:
        if options["what"] == "relay":
            sys.exit(_relay(options))
        _look_after(stdout, options)
    except CliProblem as problem:
        raise CommandError(problem.render(), returncode=problem.exit_code) from None


def _relay(options: dict[str, Any]) -> int:
    from tasker_contrib.outbox.process import run_until_signal, serve_metrics

    from .relay import outbox_relay

    connection = connections[options["database"]]
    if connection.vendor != "postgresql":
        raise CommandError(
            f"the database {options['database']!r} is {connection.display_name}, and the relay "
            "needs PostgreSQL; in tests use tasker_contrib_django.testing.relay_outbox"
        )
    relay = outbox_relay(options["database"], poll=options["poll"])
    if options["metrics_port"] is not None:
        serve_metrics(options["metrics_host"], options["metrics_port"])
    return run_until_signal(relay)


def _look_after(stdout: OutputWrapper, options: dict[str, Any]) -> None:
    from .store import DjangoStore

    store = DjangoStore(options["database"])
    if options["what"] == "retry":
        stdout.write(texts.retry(store, options["ids"], all_dead=options["all_dead"]))
    elif options["what"] == "discard":
        stdout.write(texts.discard(store, options["ids"], all_dead=options["all_dead"]))
    elif options["json"]:
        stdout.write(texts.listing_json(store, dead=options["dead"], limit=options["limit"]))
    else:
        for line in texts.listing(store, dead=options["dead"], limit=options["limit"]):
            stdout.write(line)
