"""Settings of the example; what depends on the machine comes from the environment."""

from __future__ import annotations

import os
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypedDict

import dj_database_url

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = os.environ.get("APPROVALS_DEBUG", "0") == "1"
# A key for every start signs everybody out at every start: set one where that matters.
SECRET_KEY = os.environ.get("APPROVALS_SECRET_KEY") or os.urandom(32).hex()
ALLOWED_HOSTS = os.environ.get("APPROVALS_HOSTS", "127.0.0.1,localhost").split(",")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "tasker_contrib_django",
    "approvals",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "company.urls"
WSGI_APPLICATION = "company.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "approvals.views.inbox_size",
            ]
        },
    }
]

# The tables are in a schema of their own, because the user `tasker` of the local stack has Tasker's
# own schema first in its search path.
SCHEMA = "approvals"
DATABASES = {
    "default": {
        **dj_database_url.parse(
            os.environ.get("DATABASE_URL", "postgresql://tasker:tasker@127.0.0.1:5432/tasker"),
            conn_max_age=60,
        ),
        "OPTIONS": {"options": f"-c search_path={SCHEMA}"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "Europe/Berlin"
USE_TZ = True

STATIC_URL = "static/"
# HTMX is fetched once by `manage.py fetch_htmx`; pages work without it.
DATA_DIR = BASE_DIR.parent / ".data"
VENDOR_DIR = DATA_DIR / "htmx"
STATICFILES_DIRS = [("vendor", VENDOR_DIR)] if VENDOR_DIR.is_dir() else []
WHITENOISE_USE_FINDERS = True

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "inbox"
LOGOUT_REDIRECT_URL = "login"

EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = os.environ.get("APPROVALS_MAIL_DIR", DATA_DIR / "mail")
DEFAULT_FROM_EMAIL = "purchasing@example.com"

# Everything else about Tasker is in the environment; see tasker-contrib-django.
TASKER = {"TEMPLATES": "config/tasks"}


class Approvals(TypedDict):
    FINANCE_ABOVE: Decimal
    BOARD_ABOVE: Decimal
    FINANCE_QUORUM: int
    BOARD_QUORUM: int
    REMIND_AFTER: timedelta
    ESCALATE_AFTER: timedelta
    REPEAT_AFTER: timedelta
    URL: str


def hours(name: str, default: float) -> timedelta:
    return timedelta(hours=float(os.environ.get(name, default)))


APPROVALS: Approvals = {
    # Up to the first amount the manager alone decides; above the second the board decides, too.
    "FINANCE_ABOVE": Decimal("1000.00"),
    "BOARD_ABOVE": Decimal("10000.00"),
    # How many of a group must agree.
    "FINANCE_QUORUM": 2,
    "BOARD_QUORUM": 2,
    # When nobody answers.
    "REMIND_AFTER": hours("APPROVALS_REMIND_AFTER_HOURS", 48),
    "ESCALATE_AFTER": hours("APPROVALS_ESCALATE_AFTER_HOURS", 96),
    # A task that has not come to its end by then gets a successor.
    "REPEAT_AFTER": timedelta(seconds=float(os.environ.get("APPROVALS_REPEAT_AFTER", 600))),
    # Where e-mails lead to.
    "URL": os.environ.get("APPROVALS_URL", "http://127.0.0.1:8000"),
}
