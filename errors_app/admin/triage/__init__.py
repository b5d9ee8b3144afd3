"""The pages on which people triage error groups. Importing this package registers them."""

from errors_app.admin.triage import pages

__all__ = ["pages"]
