"""`/api/v1/errors`."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from errors_app.api.bodies import read_conditions, read_nothing, read_resolution
from errors_app.api.presenters import activity_item, group_detail, group_item, window_item
from errors_app.api.schemas import OPERATIONS
from errors_app.domain.activity import ActivityEntry
from errors_app.domain.groups import Actor, ActorKind, GroupState
from errors_app.queries.occurrences import GroupFacts
from errors_app.services import browse, lifecycle
from errors_app.services.browse import (
    ACTIVITY_CURSOR_KEYS,
    CURSOR_KEYS,
    GroupDetail,
    ListedGroup,
    about_activity,
    about_list,
)
from errors_app.web.filters import parse_group_filters, parse_picked_task
from runs_app.domain.ids import canonical_error_id
from runs_app.domain.paging import Page, PageRequest
from runs_app.web.caller import caller_of, tenant_of
from runs_app.web.pagination import KeysetPagination, KeysetSource, keyset_response
from runs_app.web.permissions import ScopedViewMixin


@extend_schema_view(**OPERATIONS)
class ErrorGroupViewSet(ScopedViewMixin, GenericViewSet):  # type: ignore[type-arg]
    pagination_class = KeysetPagination
    scope_id_kwarg = "error_id"
    required_scopes: ClassVar = {
        "list": "read:errors",
        "retrieve": "read:errors",
        "activity": "read:errors",
        "resolve": "write:errors",
        "ignore": "write:errors",
        "unresolve": "write:errors",
    }

    def scope_id(self, given: str) -> str:
        return canonical_error_id(given)

    def list(self, request: Request) -> Response:
        tenant = tenant_of(request)
        filters, sort = parse_group_filters(request.query_params)

        def fetch(page_request: PageRequest) -> Page[ListedGroup]:
            found = browse.list_groups(tenant, filters, sort, page_request)
            source.extra["window"] = window_item(found.window)
            return found.page

        source = KeysetSource(about_list(filters, sort), CURSOR_KEYS, fetch)
        return keyset_response(request, source, group_item)

    def retrieve(self, request: Request, error_id: str) -> Response:
        task = parse_picked_task(request.query_params)
        detail = browse.read_group(tenant_of(request), error_id, task)
        return Response(group_detail(detail))

    @action(detail=True)
    def activity(self, request: Request, error_id: str) -> Response:
        tenant = tenant_of(request)
        task = parse_picked_task(request.query_params)

        def fetch(page_request: PageRequest) -> Page[ActivityEntry]:
            return browse.list_activity(tenant, error_id, task, page_request)

        source = KeysetSource(about_activity(error_id, task), ACTIVITY_CURSOR_KEYS, fetch)
        return keyset_response(request, source, activity_item)

    @action(detail=True, methods=["post"])
    def resolve(self, request: Request, error_id: str) -> Response:
        wanted = read_resolution(request)
        facts = _group_to_change(request, error_id)
        state = lifecycle.resolve_group(tenant_of(request), facts.key, actor_of(request), wanted)
        return _changed(facts, state)

    @action(detail=True, methods=["post"])
    def ignore(self, request: Request, error_id: str) -> Response:
        conditions = read_conditions(request)
        facts = _group_to_change(request, error_id)
        state = lifecycle.ignore_group(
            tenant_of(request), facts.key, actor_of(request), conditions, facts.count
        )
        return _changed(facts, state)

    @action(detail=True, methods=["post"])
    def unresolve(self, request: Request, error_id: str) -> Response:
        read_nothing(request)
        facts = _group_to_change(request, error_id)
        state = lifecycle.unresolve_group(tenant_of(request), facts.key, actor_of(request))
        return _changed(facts, state)


def actor_of(request: Request) -> Actor:
    """The person behind the credential, else the key itself."""
    caller = caller_of(request)
    return Actor(
        kind=ActorKind.KEY if caller.user_id is None else ActorKind.USER,
        user_id=caller.user_id,
        client=caller.client,
        api_key_id=caller.api_key_id,
    )


def _group_to_change(request: Request, error_id: str) -> GroupFacts:
    task = parse_picked_task(request.query_params)
    return browse.find_for_change(tenant_of(request), error_id, task)


def _changed(facts: GroupFacts, state: GroupState) -> Response:
    return Response(group_detail(GroupDetail(facts, state)))
