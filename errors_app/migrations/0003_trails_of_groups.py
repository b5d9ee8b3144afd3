"""A trail is read newest first, from any entry on: its entries are numbered within their group, so
that one index has exactly this order. And it is searched for what a key did."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Count, OuterRef, Subquery


def number_entries(apps, schema_editor):
    """Every change so far made one entry and the next version."""
    activity = apps.get_model("errors_app", "ErrorGroupActivity").objects
    until_here = activity.filter(state=OuterRef("state"), id__lte=OuterRef("id")).order_by()
    numbers = until_here.values("state").annotate(number=Count("id")).values("number")
    activity.update(state_version=Subquery(numbers))


class Migration(migrations.Migration):
    dependencies = [("errors_app", "0002_initial")]

    operations = [
        migrations.AddField(
            model_name="errorgroupactivity",
            name="state_version",
            field=models.PositiveBigIntegerField(default=0),
            preserve_default=False,
        ),
        migrations.RunPython(number_entries, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="errorgroupactivity",
            constraint=models.UniqueConstraint(
                fields=("state", "state_version"), name="one_activity_per_change"
            ),
        ),
        migrations.AddIndex(
            model_name="errorgroupactivity",
            index=models.Index(fields=["api_key_id"], name="activity_of_key"),
        ),
        migrations.AlterField(
            model_name="errorgroupactivity",
            name="state",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="activity",
                to="errors_app.errorgroupstate",
            ),
        ),
    ]
