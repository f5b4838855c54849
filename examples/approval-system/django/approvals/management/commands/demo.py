from __future__ import annotations

import os
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.core.management.base import BaseCommand
from django.db import transaction

from approvals.models import Budget, Employee

# Name, manager, groups. Each one's manager comes before.
PEOPLE = [
    ("vera", None, ["board"]),
    ("viktor", None, ["board"]),
    ("vilma", None, ["board"]),
    ("fatima", "vera", ["finance"]),
    ("felix", "vera", ["finance"]),
    ("frida", "vera", ["finance"]),
    ("mira", "vera", []),
    ("max", "vera", []),
    ("erik", "mira", []),
    ("elena", "mira", []),
    ("emil", "max", []),
    ("alex", None, ["auditors"]),
]
RIGHTS = {
    "board": ["view_budget", "view_every_request"],
    "finance": ["view_budget", "view_every_request"],
    "auditors": ["view_budget", "view_every_request", "view_auditentry", "view_booking"],
}
BUDGETS = [
    ("it", "Computers and software", "250000.00"),
    ("office", "Office", "20000.00"),
    ("travel", "Travel", "5000.00"),
]


class Command(BaseCommand):
    help = "Makes people, groups and budgets to try the example with."

    @transaction.atomic
    def handle(self, **_: Any) -> None:
        password = os.environ.get("APPROVALS_DEMO_PASSWORD", "approve-me")
        for group, rights in RIGHTS.items():
            found, _created = Group.objects.get_or_create(name=group)
            found.permissions.set(
                Permission.objects.filter(codename__in=rights, content_type__app_label="approvals")
            )
        for name, manager, groups in PEOPLE:
            self.person(name, manager, groups, password)
        for code, title, amount in BUDGETS:
            Budget.objects.get_or_create(
                code=code, defaults={"name": title, "amount": Decimal(amount)}
            )
        self.stdout.write(f"{len(PEOPLE)} people; everybody's password is {password}")

    def person(self, name: str, manager: str | None, groups: list[str], password: str) -> None:
        user, is_new = User.objects.get_or_create(
            username=name,
            defaults={"first_name": name.title(), "email": f"{name}@example.com"},
        )
        if is_new:
            user.set_password(password)
        # The auditors look at the books in the admin.
        user.is_staff = "auditors" in groups
        user.save()
        user.groups.set(Group.objects.filter(name__in=groups))
        above = User.objects.get(username=manager) if manager else None
        Employee.objects.update_or_create(user=user, defaults={"manager": above})
