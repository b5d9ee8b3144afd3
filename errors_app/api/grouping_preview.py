"""`/api/v1/grouping/preview`: which group a failure would count in."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from errors_app.api.grouping_preview_bodies import read_failure
from errors_app.api.grouping_preview_schemas import OPERATIONS
from errors_app.services.preview import GroupingPreview, preview_failure
from runs_app.domain.grouping.resolve import Grouping
from runs_app.domain.grouping.stored import signals_members
from runs_app.domain.ids import error_id
from runs_app.domain.reporting import MAX_KEY_CHARACTERS
from runs_app.web.caller import tenant_of
from runs_app.web.permissions import ScopedViewMixin


@extend_schema_view(**OPERATIONS)
class GroupingPreviewViewSet(ScopedViewMixin, GenericViewSet):  # type: ignore[type-arg]
    """A scope for one group does not do here: the error may belong to any."""

    required_scopes: ClassVar = {"create": "read:errors"}

    def create(self, request: Request) -> Response:
        error, place = read_failure(request)
        return Response(preview_item(preview_failure(tenant_of(request), error, place)))


def preview_item(preview: GroupingPreview) -> dict[str, Any]:
    """What every rule has in common, and then each of them, the oldest first."""
    grouping = preview.grouping
    return {
        "id": _id(grouping),
        "exists": preview.exists,
        "rule": preview.rule,
        "slice": preview.slice,
        "category": grouping.category or None,
        "signals": signals_members(grouping.signals),
        "expected": grouping.expected,
        "expectedBy": grouping.expected_by or None,
        "groupings": [_grouping_item(*one) for one in preview.by_rule.items()],
    }


def _grouping_item(rule: str, grouping: Grouping) -> dict[str, Any]:
    return {
        "rule": rule,
        "id": _id(grouping),
        "fingerprint": grouping.fingerprint or None,
        "key": grouping.key[:MAX_KEY_CHARACTERS] or None,
        "decidedBy": grouping.rule if grouping.fingerprint else None,
    }


def _id(grouping: Grouping) -> str | None:
    return error_id(grouping.fingerprint) if grouping.fingerprint else None
