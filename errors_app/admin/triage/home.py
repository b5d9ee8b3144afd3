"""The home page: one environment at a glance, with Django's own start page below it."""

from typing import Final
from urllib.parse import urlencode

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from errors_app.admin.triage.home_groups import group_lists
from errors_app.admin.triage.home_parts import STORES_AWAY, shown_rates, shown_stores
from errors_app.admin.triage.list_controls import Link
from errors_app.admin.triage.moments import told_time
from errors_app.admin.triage.places import (
    VIEW,
    Place,
    draw,
    find_place,
    offered_environments,
    remember,
    sticky_place,
)
from errors_app.services.home_page import read_home
from runs_app.admin.visibility import person_of

# `proj_.../prod`, in the address: where somebody goes to another environment.
ENVIRONMENT: Final = "environment"
QUARANTINE: Final = "runs_app.view_quarantinedrow"


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Whoever may not view groups, or has no environment, gets Django's start page alone."""
    place = _place(request)
    if place is None:
        return admin.site.index(request)
    page = read_home(place.tenant)
    stores = page.stores.map(lambda figures: shown_stores(figures, page.clickhouse))
    context = {
        "title": "Home",
        "subtitle": None,
        "environment_links": _environment_links(place),
        "as_of": told_time(page.now, page.now),
        "clickhouse": page.clickhouse,
        "stores": stores.value or STORES_AWAY,
        "quarantine": _quarantine(place),
        "lists": group_lists(place, page),
        "rates": page.rates.map(lambda rates: shown_rates(place, rates)),
    }
    return draw(request, place, "home.html", context)


def _place(request: HttpRequest) -> Place | None:
    """Raises Http404."""
    if not person_of(request).has_perm(VIEW):
        return None
    asked = request.GET.get(ENVIRONMENT)
    if asked is None:
        return sticky_place(request)
    ref, slash, slug = asked.partition("/")
    if not slash:
        raise Http404
    place = find_place(request, ref, slug)
    remember(request, place)
    return place


def _environment_links(place: Place) -> tuple[Link, ...]:
    home = reverse("admin:index")
    return tuple(
        Link(
            f"{one.project.name} / {one.slug}",
            f"{home}?{urlencode({ENVIRONMENT: f'{one.project.external_ref}/{one.slug}'})}",
            one.pk == place.environment.pk,
        )
        for one in offered_environments(place)
    )


def _quarantine(place: Place) -> str:
    """Where rows that were set aside are looked at; empty for whoever may not."""
    may_look = place.person.has_perm(QUARANTINE)
    return reverse("admin:runs_app_quarantinedrow_changelist") if may_look else ""
