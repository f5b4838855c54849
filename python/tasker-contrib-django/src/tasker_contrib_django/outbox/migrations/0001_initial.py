import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="OutboxEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("namespace", models.TextField()),
                ("name", models.TextField()),
                ("version", models.TextField()),
                ("context", models.JSONField()),
                ("options", models.JSONField(default=dict)),
                ("ordering_key", models.TextField(null=True)),
                ("correlation_id", models.UUIDField()),
                ("attempts", models.IntegerField(default=0)),
                ("not_before", models.DateTimeField(default=django.utils.timezone.now)),
                ("last_error", models.TextField(null=True)),
                ("dead_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "outbox entry",
                "verbose_name_plural": "outbox entries",
                "db_table": "tasker_outbox",
                "indexes": [
                    models.Index(
                        condition=models.Q(("dead_at__isnull", True)),
                        fields=["not_before", "id"],
                        name="tasker_outbox_open",
                    ),
                    models.Index(
                        condition=models.Q(("ordering_key__isnull", False)),
                        fields=["ordering_key", "id"],
                        name="tasker_outbox_key",
                    ),
                ],
            },
        ),
    ]
