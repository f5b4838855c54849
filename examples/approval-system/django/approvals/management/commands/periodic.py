from __future__ import annotations

import signal
import threading
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from approvals.periodic import look


class Command(BaseCommand):
    help = "Sends reminders, escalates, and creates the tasks that are still missing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="look once and end, as for cron")
        parser.add_argument("--every", type=float, default=5, metavar="SECONDS", help="default: 5")
        parser.add_argument(
            "--hours-ahead",
            type=float,
            default=0,
            metavar="HOURS",
            help="look as if it were that much later, to see what will be sent",
        )

    def handle(self, **options: Any) -> None:
        ahead = timedelta(hours=options["hours_ahead"])
        stop = threading.Event()
        if not options["once"]:
            for name in (signal.SIGTERM, signal.SIGINT):
                signal.signal(name, lambda *_: stop.set())
        while True:
            more = self.look(ahead, must=options["once"])
            if options["once"] and not more:
                return
            if stop.wait(0 if more else options["every"]):
                return

    def look(self, ahead: timedelta, *, must: bool) -> bool:
        """Look once; whether more is due already."""
        close_old_connections()
        try:
            looked = look(timezone.now() + ahead)
        except DatabaseError as why:
            if must:
                raise
            # The database may be away for a while; what is due stays due.
            self.stderr.write(f"not looked: {why}")
            return False
        if looked.reminders or looked.escalations or looked.tasks:
            self.stdout.write(str(looked))
        return looked.is_full
