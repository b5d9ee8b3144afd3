"""Organizations own projects, projects own four environments, people belong to organizations."""

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models

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
    # Which fingerprint rule groups this project's failures; a rule that shipped never changes.
    grouping_rule = models.CharField(max_length=10, default="v1", choices=(("v1", "v1"),))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("slug",)
        constraints = (
            models.UniqueConstraint(fields=("organization", "slug"), name="project_slug_once"),
        )

    def __str__(self) -> str:
        return self.name


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
            grouping_rule=self.project.grouping_rule,
        )
