"""The admin keeps people and budgets; the books themselves can only be looked at."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from .models import AuditEntry, Booking, Budget, Delegation, Dispatch, Employee


class ReadOnly(admin.ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(AuditEntry)
class AuditAdmin(ReadOnly):
    list_display = ["at", "request", "revision", "event", "actor", "detail"]


@admin.register(Booking)
class BookingAdmin(ReadOnly):
    list_display = ["booked_at", "budget", "request", "revision", "kind", "amount"]


@admin.register(Dispatch)
class DispatchAdmin(ReadOnly):
    list_display = ["created_at", "key", "attempt", "task_uuid", "done_at", "error"]


@admin.register(Budget)
class BudgetAdmin(admin.ModelAdmin):
    list_display = ["name", "amount", "free"]


@admin.register(Employee)
class EmployeeAdmin(admin.ModelAdmin):
    list_display = ["user", "manager"]


@admin.register(Delegation)
class DelegationAdmin(admin.ModelAdmin):
    list_display = ["principal", "delegate", "first_day", "last_day"]
