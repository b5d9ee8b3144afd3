"""`/api/v1/errors/bulk`."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from errors_app.api.bodies import read_nothing
from errors_app.api.bulk_bodies import read_bulk_change
from errors_app.api.bulk_schemas import OPERATIONS
from errors_app.api.groups import actor_of
from errors_app.api.presenters import window_item
from errors_app.domain.bulk import BulkResult, SkippedGroup, UndoResult
from errors_app.services.bulk import change_groups
from errors_app.services.undo import undo_operation
from runs_app.domain.ids import error_id
from runs_app.web.caller import tenant_of
from runs_app.web.permissions import ScopedViewMixin


@extend_schema_view(**OPERATIONS)
class BulkViewSet(ScopedViewMixin, GenericViewSet):  # type: ignore[type-arg]
    """A scope for one group does not do here: it says nothing of the others."""

    required_scopes: ClassVar = {"create": "write:errors", "undo": "write:errors"}

    def create(self, request: Request) -> Response:
        change = read_bulk_change(request)
        result = change_groups(tenant_of(request), change, actor_of(request))
        return Response(_bulk_result(result))

    @action(detail=True, methods=["post"])
    def undo(self, request: Request, operation_id: str) -> Response:
        read_nothing(request)
        result = undo_operation(tenant_of(request), operation_id, actor_of(request))
        return Response(_undo_result(result))


def _bulk_result(result: BulkResult) -> dict[str, Any]:
    """`window` is there where the groups were chosen by a filter."""
    body: dict[str, Any] = {
        "operationId": result.operation_id,
        "matched": result.matched,
        "changed": result.changed,
        "skipped": [_skipped(each) for each in result.skipped],
    }
    if result.window is not None:
        body["window"] = window_item(result.window)
    return body


def _undo_result(result: UndoResult) -> dict[str, Any]:
    return {
        "operationId": result.operation_id,
        "restored": result.restored,
        "skipped": [_skipped(each) for each in result.skipped],
    }


def _skipped(skipped: SkippedGroup) -> dict[str, str | None]:
    return {
        "id": error_id(skipped.picked.error_fingerprint),
        "taskIdentifier": skipped.picked.task_identifier,
        "reason": skipped.reason.value,
    }
