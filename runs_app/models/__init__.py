"""The relational store of the base: who is who, credentials, runs, and what goes to ClickHouse."""

from runs_app.models.credentials import ApiKey, PersonalAccessToken, SigningSecret
from runs_app.models.outbox import OutboxEntry
from runs_app.models.quarantine import QuarantinedRow
from runs_app.models.rebuilds import ClickHouseRebuild
from runs_app.models.runs import TaskRun
from runs_app.models.tenancy import Environment, Membership, Organization, Project, User

__all__ = [
    "ApiKey",
    "ClickHouseRebuild",
    "Environment",
    "Membership",
    "Organization",
    "OutboxEntry",
    "PersonalAccessToken",
    "Project",
    "QuarantinedRow",
    "SigningSecret",
    "TaskRun",
    "User",
]
