"""Latency of a page of Django: without steps, and beside a worker that runs some.

Run it with ``cargo xtask bench django``, which prepares the environment and the local stack. The
load and the steps are those of the FastAPI package's benchmark, whose functions this one calls.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tasker_contrib.testing import start_stack

sys.path.append(str(Path(__file__).parents[2] / "tasker-contrib-fastapi/benchmarks"))
from web_latency import TEMPLATE, measure, process

SETTINGS = """\
from pathlib import Path

BASE_DIR = Path(__file__).parent
SECRET_KEY = "bench"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "pages"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "tasker_contrib_django"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
TASKER = {"HANDLERS": ["steps"], "DRAIN_TIMEOUT": 0}
"""

PAGES = """\
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

PAGE = "<table>{% for row in rows %}<tr><td>{{ row.model }}</td></tr>{% endfor %}</table>"


def page(request: HttpRequest) -> HttpResponse:
    template = engines["django"].from_string(PAGE)
    return HttpResponse(template.render({"rows": ContentType.objects.all()}, request))


urlpatterns = [path("page", page)]
"""

STEPS = """\
import json

from tasker_contrib_django import step_handler


@step_handler("bench.rows")
def rows() -> int:
    rows = [{"number": number, "name": str(number) * 3} for number in range(20_000)]
    return len(json.loads(json.dumps(rows)))
"""

WSGI = "from django.core.wsgi import get_wsgi_application\n\napplication = get_wsgi_application()\n"


def main() -> None:
    """Measure the two cases on one stack."""
    with tempfile.TemporaryDirectory() as folder, start_stack() as stack:
        site = Path(folder)
        (site / "config/tasks").mkdir(parents=True)
        (site / "config/tasks/busy.yaml").write_text(TEMPLATE)
        for name, text in {
            "settings": SETTINGS,
            "pages": PAGES,
            "steps": STEPS,
            "wsgi": WSGI,
        }.items():
            (site / f"{name}.py").write_text(text)
        env = {
            **os.environ,
            **stack.env,
            "DJANGO_SETTINGS_MODULE": "settings",
            "PYTHONPATH": folder,
        }
        migrate = [sys.executable, "-m", "django", "migrate", "-v", "0"]
        subprocess.run(migrate, cwd=site, env=env, check=True)
        idle: float | None = None
        for case in ("no steps", "worker apart"):
            with contextlib.ExitStack() as processes:
                if case == "worker apart":
                    worker = ["django", "tasker", "worker", "--no-reload"]
                    processes.enter_context(process(site, env, worker, "is ready"))
                web = ["gunicorn", "wsgi", "--bind", "127.0.0.1:0", "--threads", "4"]
                found = processes.enter_context(
                    process(site, env, web, r"Listening at: (http://\S+)")
                )
                tasks = None if case == "no steps" else stack.orchestration_url
                latencies = asyncio.run(measure(f"{found.group(1)}/page", tasks))
            p99 = statistics.quantiles(latencies, n=100)[98]
            idle = idle or p99
            record = {
                "case": case,
                "requests": len(latencies),
                "p50_ms": round(statistics.median(latencies), 1),
                "p99_ms": round(p99, 1),
                "p99_ratio_to_no_steps": round(p99 / idle, 1),
            }
            print(json.dumps(record), flush=True)


if __name__ == "__main__":
    main()
