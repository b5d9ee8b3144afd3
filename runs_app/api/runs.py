"""`/api/v1/runs` and `/api/v3/runs/{id}`."""

from typing import ClassVar, Final

from django.conf import settings
from drf_spectacular.utils import extend_schema_view
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from runs_app.api.filters import parse_run_filters
from runs_app.api.presenters import ingest_answer, run_detail, run_item
from runs_app.api.schemas.runs import RUN_OPERATIONS
from runs_app.domain.errors import TooLarge
from runs_app.domain.ids import friendly_run_id
from runs_app.domain.paging import Page, PageRequest
from runs_app.domain.records import RunRecord
from runs_app.domain.report_bodies import split_body
from runs_app.services import back_pressure, browse_runs
from runs_app.services.ingest import ingest
from runs_app.web.bodies import JSON_TYPES, media_type_of, read_body
from runs_app.web.caller import tenant_of
from runs_app.web.pagination import KeysetPagination, KeysetSource, keyset_response
from runs_app.web.permissions import ScopedViewMixin
from runs_app.web.throttling import Budget

LINE_TYPES: Final = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"})


@extend_schema_view(**RUN_OPERATIONS)
class RunViewSet(ScopedViewMixin, GenericViewSet):  # type: ignore[type-arg]
    pagination_class = KeysetPagination
    scope_id_kwarg = "run_id"
    required_scopes: ClassVar = {
        "list": "read:runs",
        "create": "write:runs",
        "retrieve": "read:runs",
    }
    budgets: ClassVar = {"create": Budget.INGEST}

    def scope_id(self, given: str) -> str:
        return friendly_run_id(given)

    def list(self, request: Request) -> Response:
        tenant = tenant_of(request)
        filters = parse_run_filters(request.query_params)

        def fetch(page_request: PageRequest) -> Page[RunRecord]:
            return browse_runs.list_runs(tenant, filters, page_request)

        source = KeysetSource(browse_runs.about_runs(filters), browse_runs.CURSOR_KEYS, fetch)
        return keyset_response(request, source, lambda run: run_item(tenant, run))

    def create(self, request: Request) -> Response:
        back_pressure.gauge.insist_on_room()
        media_type = media_type_of(request)
        if media_type not in JSON_TYPES | LINE_TYPES:
            raise UnsupportedMediaType(media_type)
        content = read_body(request._request, most=settings.INGEST_MAX_BYTES)
        body = split_body(content, lines=media_type in LINE_TYPES)
        if len(body.items) > settings.INGEST_MAX_RUNS:
            raise TooLarge(
                f"One request may report {settings.INGEST_MAX_RUNS:,} runs at most.",
                hint="Send the runs in several requests.",
            )
        return Response(ingest_answer(ingest(tenant_of(request), body)))

    def retrieve(self, request: Request, run_id: str) -> Response:
        tenant = tenant_of(request)
        return Response(run_detail(tenant, browse_runs.read_run(tenant, run_id)))
