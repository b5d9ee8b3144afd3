"""Organizations own projects, projects own four environments, people belong to organizations."""

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models

from runs_app.domain.grouping.rules import DEFAULT_RULE
from runs_app.domain.grouping.settings import GroupingSettings
from runs_app.domain.ids import new_project_ref
from runs_app.domain.tenant import EnvironmentType, Tenant


class User(AbstractUser):
    """A person. The id is random so that it tells nothing and never collides on a move."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)


class Organization(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(max_length=50, unique=True)
    title = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)
    members = models.ManyToManyField(User, through="Membership", related_name="organizations")

    class Meta:
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.title


class Membership(models.Model):
    class Role(models.TextChoices):
        OWNER = "owner"
        ADMIN = "admin"
        MEMBER = "member"
        VIEWER = "viewer"

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="memberships"
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("organization", "user"), name="one_membership_each"),
        )

    def __str__(self) -> str:
        return f"{self.user} in {self.organization} ({self.role})"


class Project(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="projects"
    )
    external_ref = models.CharField(
        max_length=25, unique=True, default=new_project_ref, editable=False
    )
    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=50)
    # How this project's failures are grouped from now on; a rule that shipped never changes.
    grouping_rule = models.CharField(
        max_length=10,
        default=DEFAULT_RULE,
        choices=(("v1", "v1"), ("v2", "v2")),
        help_text=(
            "What groups a failure by its class, message and stack. A change groups only what is"
            " reported from then on: failures that are known stay in their groups, so that one bug"
            " may have two for a while."
        ),
    )
    keyword_grouping = models.BooleanField(
        "group by keywords",
        default=False,
        help_text=(
            "Group failures by words in their messages, such as timeout or token, before the rule"
            " is asked. It merges on words inside of other words, and splits on ids in the text."
            " Categories are shown either way."
        ),
    )
    expected_api_errors = models.BooleanField(
        "leave out expected API errors",
        default=False,
        help_text=(
            "Answers of an API with status 401 or 429, or with a code of a rate limit, make failed"
            " runs that count in no group."
        ),
    )
    expected_environment_errors = models.BooleanField(
        "leave out errors of the environment",
        default=False,
        help_text=(
            "Failures of the machine or its network, such as a name that is not found or a"
            " connection that hangs up, make failed runs that count in no group."
        ),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("slug",)
        constraints = (
            models.UniqueConstraint(fields=("organization", "slug"), name="project_slug_once"),
        )

    def __str__(self) -> str:
        return self.name

    def grouping_settings(self) -> GroupingSettings:
        return GroupingSettings(
            rule=self.grouping_rule,
            keywords=self.keyword_grouping,
            expected_api_errors=self.expected_api_errors,
            expected_environment_errors=self.expected_environment_errors,
        )


class Environment(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="environments")
    slug = models.CharField(max_length=20)
    type = models.CharField(
        max_length=12, choices=[(member.value, member.value) for member in EnvironmentType]
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("project", "slug")
        constraints = (
            models.UniqueConstraint(fields=("project", "slug"), name="environment_slug_once"),
        )

    def __str__(self) -> str:
        return f"{self.project}/{self.slug}"

    def tenant(self) -> Tenant:
        """The first argument of every query. Needs `project` loaded."""
        return Tenant(
            organization_id=str(self.project.organization_id),
            project_id=str(self.project_id),
            environment_id=str(self.id),
            environment_slug=self.slug,
            environment_type=EnvironmentType(self.type),
            grouping=self.project.grouping_settings(),
        )
