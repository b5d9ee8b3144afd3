"""The admin pages of the base. Importing this package registers them."""

from django.contrib import admin

from runs_app.admin import (
    credentials,
    memberships,
    organizations,
    outbox,
    people,
    quarantine,
    runs,
)

__all__ = [
    "credentials", "memberships", "organizations", "outbox", "people", "quarantine", "runs",
]  # fmt: skip

admin.site.site_header = "Faultline"
admin.site.site_title = "Faultline"
admin.site.index_title = "Administration"
