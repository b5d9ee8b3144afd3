"""`/api/v1/errors/{errorId}/grouping`: why a group is a group."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from errors_app.api.grouping_presenters import grouping_detail
from errors_app.api.grouping_schemas import GROUPING_OPERATIONS
from errors_app.services.grouping_page import read_grouping
from errors_app.web.grouping_filters import parse_explained_runs
from runs_app.domain.ids import canonical_error_id
from runs_app.web.caller import tenant_of
from runs_app.web.permissions import ScopedViewMixin


@extend_schema_view(**GROUPING_OPERATIONS)
class GroupingViewSet(ScopedViewMixin, GenericViewSet):  # type: ignore[type-arg]
    scope_id_kwarg = "error_id"
    required_scopes: ClassVar = {"retrieve": "read:errors"}

    def scope_id(self, given: str) -> str:
        return canonical_error_id(given)

    def retrieve(self, request: Request, error_id: str) -> Response:
        task, runs = parse_explained_runs(request.query_params)
        return Response(grouping_detail(read_grouping(tenant_of(request), error_id, task, runs)))
