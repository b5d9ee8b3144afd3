"""What people and rules decided about error groups. ClickHouse holds what happened."""

import uuid

from django.db import models

from errors_app.domain.groups import Action, ActorKind, Status
from runs_app.models import Environment, User


class ErrorGroup(models.Model):  # noqa: DJ008 there are no rows to name
    """No table: failed runs make a group in ClickHouse. It names the pages of the admin, and the
    permissions to view groups and to change them."""

    class Meta:
        managed = False
        default_permissions = ("view", "change")


class ErrorGroupState(models.Model):
    """The state of one group (environment, task, fingerprint). No row means unresolved.

    `version` grows by one with every change; ClickHouse's copy keeps the highest. A rate is
    occurrences a minute. `ignored_at_occurrence_count` is the count `totalOccurrences` starts at.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    environment = models.ForeignKey(
        Environment, on_delete=models.CASCADE, related_name="error_group_states", db_index=False
    )
    task_identifier = models.CharField(max_length=255)
    error_fingerprint = models.CharField(max_length=64)
    status = models.CharField(
        max_length=12,
        choices=[(member.value, member.value) for member in Status],
        default=Status.UNRESOLVED,
    )
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_in_version = models.CharField(max_length=100, null=True, blank=True)
    # Resolved in the next version: the newest that was seen then.
    resolved_after_version = models.CharField(max_length=100, null=True, blank=True)
    resolved_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    ignored_at = models.DateTimeField(null=True, blank=True)
    ignored_until = models.DateTimeField(null=True, blank=True)
    ignored_until_occurrence_rate = models.FloatField(null=True, blank=True)
    ignored_until_total_occurrences = models.PositiveBigIntegerField(null=True, blank=True)
    ignored_at_occurrence_count = models.PositiveBigIntegerField(null=True, blank=True)
    ignored_reason = models.CharField(max_length=1000, null=True, blank=True)
    ignored_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    # Never a group that is merged itself; null where it is not merged.
    merged_into = models.CharField(max_length=64, null=True, blank=True)
    version = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("environment", "error_fingerprint", "task_identifier"),
                name="one_state_per_error_group",
            ),
        )
        indexes = (
            models.Index(fields=("environment", "status"), name="states_by_status"),
            # Few groups are merged, and every request asks for them.
            models.Index(
                fields=("environment", "error_fingerprint"),
                name="merged_groups",
                condition=models.Q(merged_into__isnull=False),
            ),
            models.Index(
                fields=("environment", "merged_into"),
                name="groups_by_survivor",
                condition=models.Q(merged_into__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.task_identifier} {self.error_fingerprint}: {self.status}"


class BulkOperation(models.Model):
    """One decision about many groups, and what it takes to undo it.

    `changes` is JSON: of every changed group its key, the version the operation gave its state, and
    the state before. It is emptied when it is undone, or the time for that is over. `parameters`
    tell what was asked for, and which groups stayed as they were.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    environment = models.ForeignKey(
        Environment, on_delete=models.CASCADE, related_name="bulk_operations"
    )
    action = models.CharField(
        max_length=16, choices=[(member.value, member.value) for member in Action]
    )
    parameters = models.JSONField(default=dict, blank=True)
    actor_kind = models.CharField(
        max_length=8, choices=[(member.value, member.value) for member in ActorKind]
    )
    user = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    client = models.CharField(max_length=255, default="", blank=True)
    api_key_id = models.UUIDField(null=True, blank=True)
    matched = models.PositiveIntegerField()
    changed = models.PositiveIntegerField()
    changes = models.BinaryField(default=bytes, blank=True)
    created_at = models.DateTimeField(db_index=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.action} {self.changed} of {self.matched}"


class ErrorGroupActivity(models.Model):
    """One change of one group's state: who or what did it, from what to what, and why.

    `state_version` is the version of the state that the change made: it orders the group's trail.
    `api_key_id` names the key without pointing at it, so that the trail outlives the key.
    `run_id` and `task_version` are set where a failure caused the change; `details` holds the
    figures or conditions of the change.
    """

    state = models.ForeignKey(
        ErrorGroupState, on_delete=models.CASCADE, related_name="activity", db_index=False
    )
    state_version = models.PositiveBigIntegerField()
    operation = models.ForeignKey(
        BulkOperation, null=True, blank=True, on_delete=models.SET_NULL, related_name="activity"
    )
    action = models.CharField(
        max_length=16, choices=[(member.value, member.value) for member in Action]
    )
    from_status = models.CharField(max_length=12)
    to_status = models.CharField(max_length=12)
    actor_kind = models.CharField(
        max_length=8, choices=[(member.value, member.value) for member in ActorKind]
    )
    user = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    client = models.CharField(max_length=255, default="", blank=True)
    api_key_id = models.UUIDField(null=True, blank=True)
    rule = models.CharField(max_length=32, default="", blank=True)
    reason = models.CharField(max_length=1000, default="", blank=True)
    run_id = models.CharField(max_length=132, default="", blank=True)
    task_version = models.CharField(max_length=100, default="", blank=True)
    details = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "error group activity"
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("state", "state_version"), name="one_activity_per_change"
            ),
        )
        indexes = (models.Index(fields=("api_key_id",), name="activity_of_key"),)

    def __str__(self) -> str:
        return f"{self.action}: {self.from_status} to {self.to_status}"
