"""Settings of a Django site with all generated apps."""

import os
from pathlib import Path

BASE = Path(__file__).parent
SECRET_KEY = "a site for tests"
INSTALLED_APPS = sorted(path.parent.name for path in BASE.glob("*/step_handlers.py"))
DATABASES: dict[str, dict[str, str]] = {}
USE_TZ = True
TASKER = {
    "DATABASE_URL": os.environ.get("DATABASE_URL", ""),
    "ORCHESTRATION_URL": os.environ.get("TASKER_ORCHESTRATION_URL", "http://127.0.0.1:8080"),
}
