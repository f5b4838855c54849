"""Settings of a Django site with all generated apps."""

from pathlib import Path

BASE_DIR = Path(__file__).parent
SECRET_KEY = "a site for tests"
APPS = sorted(path.parent.name for path in BASE_DIR.glob("*/step_handlers.py"))
INSTALLED_APPS = ["tasker_contrib_django", *APPS]
DATABASES: dict[str, dict[str, str]] = {}
USE_TZ = True
