"""`/api/v1/errors/merge`, and splitting what was merged."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from errors_app.api.groups import actor_of
from errors_app.api.merging_bodies import read_merge, read_split
from errors_app.api.merging_schemas import OPERATIONS
from errors_app.api.presenters import group_detail
from errors_app.services.merging import merge_groups, split_group
from errors_app.web.filters import parse_picked_task
from runs_app.web.caller import tenant_of
from runs_app.web.permissions import ScopedViewMixin


@extend_schema_view(**OPERATIONS)
class MergingViewSet(ScopedViewMixin, GenericViewSet):  # type: ignore[type-arg]
    """A scope for one group does not do here: each of these changes others, too."""

    required_scopes: ClassVar = {"create": "write:errors", "split": "write:errors"}

    def create(self, request: Request) -> Response:
        wanted = read_merge(request)
        return Response(group_detail(merge_groups(tenant_of(request), wanted, actor_of(request))))

    @action(detail=True, methods=["post"])
    def split(self, request: Request, error_id: str) -> Response:
        fingerprint = read_split(request)
        task = parse_picked_task(request.query_params)
        detail = split_group(tenant_of(request), error_id, task, fingerprint, actor_of(request))
        return Response(group_detail(detail))
