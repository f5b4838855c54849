"""What a scrape costs: `.venv/bin/python -m proof.scrape_cost`, as docs/benchmarks.md has it."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from .programs import get
from .stack import Stack

SCRAPES = 30
QUEUES = 100


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and of all below it, the ended ones included."""
    total = 0.0
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(folder.name) == pid or int(fields[1]) == pid:
                own, children = sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))
                total += (own + children if int(folder.name) == pid else own) / os.sysconf("SC_CLK_TCK")
    return total


def main() -> None:
    stack = Stack(Path(tempfile.mkdtemp()))
    try:
        postgres = stack.postgres()
        server = stack.server()
        exporter = stack.exporter()
        stack.sql(f"select count(pgmq.create('worker_n' || n || '_queue')) from generate_series(1, {QUEUES}) n")
        batch = "lateral pgmq.send_batch('worker_n' || n || '_queue', array_fill('{}'::jsonb, array[100]))"
        stack.sql(f"select count(*) from generate_series(1, {QUEUES}) n, {batch}")
        stack.sql(
            "insert into tasker.task_namespaces (name, created_at, updated_at)"
            f" select 'n' || n, now(), now() from generate_series(1, {QUEUES}) n"
        )
        running = {"PostgreSQL": postgres, "the server": server, "the exporter": exporter}

        def measure(scrape: bool) -> dict[str, float]:
            before = {name: cpu_seconds(program.process.pid) for name, program in running.items()}
            for _ in range(SCRAPES):
                begun = time.monotonic()
                if scrape:
                    assert get(stack.url("exporter", "/metrics"))
                    assert get(stack.url("server", "/metrics"))
                time.sleep(max(0, 1 - (time.monotonic() - begun)))
            return {name: cpu_seconds(program.process.pid) - before[name] for name, program in running.items()}

        measure(True)
        without, with_scrapes = measure(False), measure(True)
        for name in running:
            each = (with_scrapes[name] - without[name]) / SCRAPES
            print(f"{name}: {each * 1000:.1f} ms of CPU a scrape, {each * 10:.2f} % of a core at 10 s")
        print(f"load {os.getloadavg()[0]:.1f}")
    finally:
        stack.end()


if __name__ == "__main__":
    main()
