from django.db import models


class Order(models.Model):
    amount = models.IntegerField()
    state = models.CharField(max_length=20, default="new")

    class Meta:
        permissions = (
            ("view_tasks", "Can see tasks"),
            ("create_tasks", "Can create tasks"),
            ("manage_tasks", "Can manage tasks"),
        )

    def __str__(self) -> str:
        return f"order {self.pk}"


class Payment(models.Model):
    key = models.UUIDField(unique=True)
    amount = models.IntegerField()

    def __str__(self) -> str:
        return f"payment {self.key}"
