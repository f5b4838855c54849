"""Makes Django's settings known before tests of its apps are imported."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_settings")
django.setup()
