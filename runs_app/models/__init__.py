"""The relational store of the base: who is who, credentials, runs, and the outbox."""

from runs_app.models.credentials import ApiKey, PersonalAccessToken
from runs_app.models.outbox import OutboxEntry
from runs_app.models.runs import TaskRun
from runs_app.models.tenancy import Environment, Membership, Organization, Project, User

__all__ = [
    "ApiKey",
    "Environment",
    "Membership",
    "Organization",
    "OutboxEntry",
    "PersonalAccessToken",
    "Project",
    "TaskRun",
    "User",
]
