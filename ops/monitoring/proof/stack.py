"""PostgreSQL, the server, workers, recovery, and what observes them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import psycopg
import yaml

from tests.catalogue import program as debian

from .programs import Program, eventually, free_port, get

SHOP = "examples/e-commerce-workflow"
UNIT = Path(__file__).resolve().parents[1]
ROOT = UNIT.parents[1]
WORKER = UNIT / "proof/worker"
RULES = UNIT / "prometheus-rules/tasker.rules.yml"


def program(name: str) -> str:
    """The path of a program that this repository has compiled.

    Raises:
        FileNotFoundError: nobody has compiled it; the message says how.
    """
    given = os.environ.get(f"{name.upper().replace('-', '_')}_BIN")
    path = Path(given or Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / name)
    if not path.is_file():
        package = {
            "tasker-server": "tasker-orchestration",
            "shop": "e-commerce-axum",
            "shop-bank": "e-commerce-axum",
        }.get(name, name)
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
        self.data = folder / "none"
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "TASKER_"))}

    def run(self, name: str, argv: list[str], cwd: Path = WORKER, **env: str) -> Program:
        started = Program(self.folder, name, argv, env={**self.environment, **env}, cwd=cwd)
        self.programs.append(started)
        return started

    def port(self, name: str) -> int:
        return self.ports.setdefault(name, free_port())

    def url(self, name: str, path: str = "") -> str:
        return f"http://127.0.0.1:{self.port(name)}{path}"

    def end(self) -> None:
        for running in reversed(self.programs):
            running.end()
        shutil.rmtree(self.data, ignore_errors=True)

    def postgres(self) -> Program:
        """A PostgreSQL with Tasker's schema; sets DATABASE_URL for the programs that follow."""
        tools = sorted(ROOT.glob(".xtask/tools/postgresql-*/bin"))
        if not tools:
            raise FileNotFoundError("PostgreSQL is missing; cargo xtask setup")
        data = Path(tempfile.mkdtemp(prefix="tasker-monitoring-", dir="/var/tmp"))
        drop = (
            ["setpriv", "--pdeathsig=INT", "--reuid=65534", "--regid=65534", "--clear-groups"]
            if os.geteuid() == 0
            else []
        )
        (data / "password").write_text("tasker")
        if drop:
            shutil.chown(data, 65534, 65534)
            shutil.chown(data / "password", 65534, 65534)
        initdb = [*drop, str(tools[-1] / "initdb"), "-D", str(data / "pg"), "-U", "tasker", "--auth=scram-sha-256"]
        initdb += [f"--pwfile={data / 'password'}", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"]
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

    def relay(self) -> Program:
        """A relay of an empty outbox."""
        tasker, table = str(ROOT / "python/tasker-contrib-fastapi/.venv/bin/tasker"), "relay.tasker_outbox"
        ddl = subprocess.run([tasker, "outbox", "sql", "--table", table], check=True, capture_output=True, text=True)
        self.sql(f"create schema relay; {ddl.stdout}")
        argv = [tasker, "outbox", "relay", "--table", table, "--metrics-port", str(self.port("relay"))]
        relay = self.run("relay", argv)
        relay.answers(self.url("relay", "/metrics"))
        return relay

    def recovery(self) -> Program:
        argv = [program("tasker-recovery"), "run", "--install", "--listen", f"127.0.0.1:{self.port('recovery')}"]
        recovery = self.run("recovery", argv)
        recovery.answers(self.url("recovery", "/ready"))
        return recovery

    def shop(self) -> Program:
        """The example on Axum, with its payment service."""
        folder = ROOT / SHOP / "axum"
        migrate = [program("shop"), "migrate", "--catalogue", str(ROOT / SHOP / "catalogue.json")]
        subprocess.run(migrate, env=self.environment, cwd=folder, check=True, capture_output=True)
        bank = self.run("bank", [program("shop-bank"), "--port", str(self.port("bank"))], cwd=folder)
        argv = [program("shop"), "serve", "--port", str(self.port("shop")), "--bank-url", self.url("bank")]
        shop = self.run("shop", [*argv, "--review-token", "let-me-decide"], cwd=folder, SHOP_URL=self.url("shop"))
        assert bank.process.poll() is None
        shop.answers(self.url("shop", "/tasker/ready"))
        return shop

    def exporter(self) -> Program:
        """The PostgreSQL exporter, as the role that the guide has made."""
        self.sql((UNIT / "postgres-exporter/role.sql").read_text())
        # What Go's driver takes; the throw-away cluster is made with fewer rounds.
        self.sql("set scram_iterations = 4096; alter role tasker_monitor with password 'monitor'")
        argv = [debian("prometheus-postgres-exporter"), f"--web.listen-address=127.0.0.1:{self.port('exporter')}"]
        argv += [f"--extend.query-path={UNIT / 'postgres-exporter/queries.yaml'}"]
        argv += (UNIT / "postgres-exporter/options").read_text().splitlines()[1:]
        dsn = f"postgres://tasker_monitor:monitor@127.0.0.1:{self.port('postgres')}/tasker?sslmode=disable"
        exporter = self.run("exporter", argv, DATA_SOURCE_NAME=dsn)
        exporter.answers(self.url("exporter", "/metrics"))
        return exporter

    def prometheus(self, name: str = "prometheus", rules: Path = RULES, **more: object) -> Program:
        """Prometheus with the jobs and labels of the example configuration, and our rules; it looks every second."""
        targets: dict[str, list[tuple[str, str, dict[str, str]]]] = {
            "tasker-server": [("server", "/metrics", {})],
            "tasker-worker": [
                ("worker", "/metrics", {"worker_pool": "fastapi"}),
                ("shop", "/tasker/metrics", {"worker_pool": "axum"}),
                ("relay", "/metrics", {"worker_pool": "relay"}),
            ],
            "tasker-recovery": [("recovery", "/metrics", {})],
            "tasker-postgres": [("exporter", "/metrics", {})],
        }
        jobs = []
        for job, parts in targets.items():
            here = [(self.port(name), path, labels) for name, path, labels in parts if name in self.ports]
            # One job has one path unless a label says otherwise.
            configs = [
                {"targets": [f"127.0.0.1:{port}"], "labels": {"cluster": "proof", "__metrics_path__": path, **labels}}
                for port, path, labels in here
            ]
            # Without a database the exporter takes a second and more to say so.
            slow = {"scrape_interval": "3s", "scrape_timeout": "3s"} if job == "tasker-postgres" else {}
            jobs.append({"job_name": job, "static_configs": configs, **slow})
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(rules)],
            "scrape_configs": jobs,
            **more,
        }
        file = self.folder / f"{name}.yml"
        file.write_text(yaml.safe_dump(config, sort_keys=False))
        argv = [debian("prometheus"), f"--config.file={file}", f"--storage.tsdb.path={self.folder / name}"]
        prometheus = self.run(name, [*argv, f"--web.listen-address=127.0.0.1:{self.port(name)}"])
        prometheus.answers(self.url(name, "/-/ready"))
        return prometheus

    def ask(self, path: str, **parameters: object) -> Any:
        """What Prometheus' API answers."""
        query = urllib.parse.urlencode(parameters, doseq=True)
        answer = get(self.url("prometheus", f"/api/v1/{path}?{query}"))
        assert answer is not None, f"Prometheus did not answer {path}?{query}"
        return json.loads(answer)["data"]

    def create(self, **context: object) -> str:
        """Creates a task of the proof's template; its UUID."""
        nonce = uuid.uuid4().hex
        body = {
            "name": "proof",
            "namespace": "proof",
            "version": "1.0.0",
            "initiator": "proof",
            "source_system": "proof",
        }
        self.post(
            "server", "/v1/tasks", {**body, "reason": "proof", "context": {"name": "proof", "nonce": nonce, **context}}
        )
        ((task,),) = self.sql(f"select task_uuid from tasker.tasks where context->>'nonce' = '{nonce}'")
        return str(task)

    def post(self, name: str, path: str, body: object) -> None:
        """Posts until it is done. A creation whose start lost a race answers 500, and 409 when it is repeated."""
        request = urllib.request.Request(
            self.url(name, path), json.dumps(body).encode(), {"content-type": "application/json"}
        )

        def is_done() -> bool:
            try:
                urllib.request.urlopen(request, timeout=30).close()
            except urllib.error.HTTPError as error:
                if error.code < 500 and error.code != 409:
                    raise
                return error.code == 409
            return True

        eventually(f"{name} takes {path}", is_done)
