"""The admin pages of error groups. Importing this package registers them."""

from errors_app.admin import activity, states, triage

__all__ = ["activity", "states", "triage"]
