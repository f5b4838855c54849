"""The app `tasker_contrib_django.outbox`: tasks that are written in the project's transactions.

Add it to `INSTALLED_APPS`, run `migrate`, and let `manage.py tasker outbox relay` run somewhere.
"""
