"""The addresses of the pages of groups, under the name of a model that has no table."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path

from errors_app.admin.triage.bulk_pages import bulk
from errors_app.admin.triage.bulk_results import bulk_result, bulk_undo
from errors_app.admin.triage.changes import decide, versions
from errors_app.admin.triage.group_list import group_list
from errors_app.admin.triage.group_page import group_page
from errors_app.admin.triage.grouping import grouping
from errors_app.admin.triage.merging import merge, split
from errors_app.admin.triage.places import sticky_place
from errors_app.admin.triage.run_page import run_page
from errors_app.domain.groups import Action
from errors_app.models import ErrorGroup


@admin.register(ErrorGroup)
class ErrorGroupPages(admin.ModelAdmin):  # type: ignore[type-arg]
    def get_urls(self) -> list[URLPattern]:
        own = "<str:ref>/<str:slug>/"
        views = {
            "changelist": ("", _to_sticky_environment),
            "list": (own, group_list),
            "bulk": (own + "bulk/", bulk),
            "bulk_result": (own + "bulk/<str:operation_id>/", bulk_result),
            "bulk_undo": (own + "bulk/<str:operation_id>/undo/", bulk_undo),
            "merge": (own + "merge/", merge),
            "versions": (own + "versions/", versions),
            # Ids that come from elsewhere may have slashes in them.
            "run": (own + "runs/<path:run_id>/", run_page),
            "resolve": (own + "<path:error_id>/resolve/", decide(Action.RESOLVE)),
            "ignore": (own + "<path:error_id>/ignore/", decide(Action.IGNORE)),
            "unresolve": (own + "<path:error_id>/unresolve/", decide(Action.UNRESOLVE)),
            "split": (own + "<path:error_id>/split/", split),
            "grouping": (own + "<path:error_id>/grouping/", grouping),
            "page": (own + "<path:error_id>/", group_page),
        }
        return [
            path(address, self.admin_site.admin_view(view), name=f"errors_app_errorgroup_{name}")
            for name, (address, view) in views.items()
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _to_sticky_environment(request: HttpRequest) -> HttpResponse:
    place = sticky_place(request)
    if place is None:
        context = {**admin.site.each_context(request), "title": "Error groups"}
        return render(request, "admin/errors_app/errorgroup/no_environment.html", context)
    return HttpResponseRedirect(place.list_address)
