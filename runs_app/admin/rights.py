"""What a person's role in an organization lets them do there.

Django's permissions say which kinds of things somebody may change at all, a role in which
organizations: both are needed. Superusers have every role.
"""

from typing import Any

from django.db.models import QuerySet

from runs_app.domain.roles import MANAGERS, OWNER
from runs_app.models import Membership, Organization, User
from runs_app.queries import memberships


def role_in(user: User, organization_id: Any) -> str:
    """Empty for somebody who is no member."""
    if user.is_superuser:
        return OWNER
    return memberships.role_in(str(user.pk), str(organization_id)) or ""


def managed_organizations(user: User) -> QuerySet[Organization]:
    """Those whose members and credentials the person manages."""
    organizations = Organization.objects.order_by()
    if user.is_superuser:
        return organizations
    return organizations.filter(
        pk__in=Membership.objects.filter(user=user, role__in=MANAGERS).values("organization")
    )


def manages_any(user: User) -> bool:
    """Whether there may be organizations that the person manages."""
    return user.is_superuser or managed_organizations(user).exists()
