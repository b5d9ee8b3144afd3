from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("runs_app", "0002_quarantine_rebuilds_and_retention"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="quarantinedrow",
            name="quarantined_at",
        ),
        migrations.AddIndex(
            model_name="outboxentry",
            index=models.Index(
                condition=models.Q(("batch_id__isnull", False)),
                fields=["id"],
                name="outbox_oldest_claimed",
            ),
        ),
        migrations.AddIndex(
            model_name="quarantinedrow",
            index=models.Index(
                condition=models.Q(("dropped_at__isnull", True)),
                fields=["row_count"],
                name="quarantined_waiting",
            ),
        ),
    ]
