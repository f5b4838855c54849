"""PostgreSQL, the server, workers, recovery, and what observes them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

from .programs import Program, eventually, free_port

UNIT = Path(__file__).resolve().parents[1]
ROOT = UNIT.parents[1]
WORKER = UNIT / "proof/worker"


def program(name: str) -> str:
    """The path of a program that this repository has compiled.

    Raises:
        FileNotFoundError: nobody has compiled it; the message says how.
    """
    given = os.environ.get(f"{name.upper().replace('-', '_')}_BIN")
    path = Path(given or Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / name)
    if not path.is_file():
        package = {"tasker-server": "tasker-orchestration", "shop": "shop"}.get(name, name)
        raise FileNotFoundError(
            f"{path} is missing; cargo build --package workspace-hack --package {package} --bin {name}"
        )
    return str(path)


class Stack:
    """All programs of one proof, with free ports of the loopback interface."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs: list[Program] = []
        self.ports: dict[str, int] = {}
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "TASKER_"))}

    def run(self, name: str, argv: list[str], **env: str) -> Program:
        started = Program(self.folder, name, argv, env={**self.environment, **env}, cwd=WORKER)
        self.programs.append(started)
        return started

    def port(self, name: str) -> int:
        return self.ports.setdefault(name, free_port())

    def url(self, name: str, path: str = "") -> str:
        return f"http://127.0.0.1:{self.port(name)}{path}"

    def end(self) -> None:
        for running in reversed(self.programs):
            running.end()

    def postgres(self) -> Program:
        """A PostgreSQL with Tasker's schema; sets DATABASE_URL for the programs that follow."""
        tools = sorted(ROOT.glob(".xtask/tools/postgresql-*/bin"))
        if not tools:
            raise FileNotFoundError("PostgreSQL is missing; cargo xtask setup")
        data = Path(tempfile.mkdtemp(prefix="tasker-monitoring-", dir="/var/tmp"))
        drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
        if drop:
            shutil.chown(data, 65534, 65534)
        (self.folder / "password").write_text("tasker")
        (self.folder / "password").chmod(0o644)
        self.folder.chmod(0o755)
        initdb = [*drop, str(tools[-1] / "initdb"), "-D", str(data / "pg"), "-U", "tasker", "--auth=scram-sha-256"]
        initdb += [f"--pwfile={self.folder / 'password'}", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, env=self.environment, cwd="/")
        options = [
            f"-cport={self.port('postgres')}",
            "-clisten_addresses=127.0.0.1",
            f"-cunix_socket_directories={data}",
        ]
        options += ["-cfsync=off", "-ctrack_io_timing=on"]
        postgres = self.run("postgres", [*drop, str(tools[-1] / "postgres"), "-D", str(data / "pg"), *options])
        self.data = data
        self.dsn = f"postgresql://tasker:tasker@127.0.0.1:{self.port('postgres')}/tasker"
        self.environment["DATABASE_URL"] = self.dsn
        eventually("PostgreSQL answers", self.create_database)
        migrate = subprocess.run(
            [program("tasker-dev"), "migrate"], env=self.environment, capture_output=True, text=True
        )
        if migrate.returncode:
            raise RuntimeError(migrate.stdout + migrate.stderr)
        return postgres

    def create_database(self) -> bool:
        try:
            with psycopg.connect(self.dsn.rsplit("/", 1)[0] + "/postgres", autocommit=True) as connection:
                connection.execute("create database tasker")
        except psycopg.OperationalError:
            return False
        return True

    def sql(self, text: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            cursor = connection.execute(text.encode())
            return cursor.fetchall() if cursor.description else []

    def server(self) -> Program:
        config = self.folder / "orchestration.toml"
        argv = [program("tasker-dev"), "config", "orchestration", "--database-url", self.dsn]
        argv += ["--orchestration-url", self.url("server")]
        config.write_text(subprocess.run(argv, env=self.environment, check=True, capture_output=True, text=True).stdout)
        server = self.run("server", [program("tasker-server")], TASKER_CONFIG_PATH=str(config), LOG_LEVEL="warn")
        server.answers(self.url("server", "/health/ready"))
        self.environment["TASKER_ORCHESTRATION_URL"] = self.url("server")
        return server

    def worker(self) -> Program:
        tasker = ROOT / "python/tasker-contrib-fastapi/.venv/bin/tasker"
        argv = [str(tasker), "worker", "app.main:app", "--health-port", str(self.port("worker"))]
        worker = self.run("worker", argv, TASKER_HANDLERS="app", TASKER_DRAIN_TIMEOUT="1")
        worker.answers(self.url("worker", "/ready"))
        return worker

    def recovery(self) -> Program:
        argv = [program("tasker-recovery"), "run", "--install", "--listen", f"127.0.0.1:{self.port('recovery')}"]
        recovery = self.run("recovery", argv)
        recovery.answers(self.url("recovery", "/ready"))
        return recovery


if __name__ == "__main__":
    stack = Stack(Path(sys.argv[1]))
    try:
        stack.postgres()
        stack.recovery()
        stack.server()
        stack.worker()
        print(stack.environment["DATABASE_URL"], stack.ports, flush=True)
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        stack.end()
