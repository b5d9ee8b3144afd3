"""The environment a page is about, and what the person may do there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from errors_app.domain.groups import Actor, ActorKind, GroupKey
from runs_app.admin.rights import role_in
from runs_app.admin.visibility import person_of, visible_environments
from runs_app.domain.ids import error_id
from runs_app.domain.roles import may_change_groups
from runs_app.domain.tenant import Tenant
from runs_app.models import Environment, User

VIEW: Final = "errors_app.view_errorgroup"
CHANGE: Final = "errors_app.change_errorgroup"
# The name by which the trail knows that a person acted here.
CLIENT: Final = "admin"
# Where the session keeps the environment that was looked at last.
STICKY: Final = "faultline_environment"
# Of very many environments a menu offers the first; the others have addresses all the same.
MOST_OFFERED: Final = 200

Rest = ParamSpec("Rest")
View = Callable[..., HttpResponse]
PlaceView = Callable[Concatenate[HttpRequest, "Place", Rest], HttpResponse]


@dataclass(frozen=True, slots=True)
class Place:
    """One environment as one person sees it."""

    environment: Environment
    tenant: Tenant
    person: User
    may_change: bool

    @property
    def name(self) -> str:
        """`proj_.../prod`, as commands take it."""
        return f"{self.environment.project.external_ref}/{self.environment.slug}"

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.USER, user_id=str(self.person.pk), client=CLIENT)

    @property
    def list_address(self) -> str:
        return self.address("list")

    def address(self, page: str, *args: object, query: Mapping[str, Any] | None = None) -> str:
        """The path of one of this environment's pages, by its short name."""
        own = (self.environment.project.external_ref, self.environment.slug)
        return reverse(f"admin:errors_app_errorgroup_{page}", args=(*own, *args), query=query)

    def group_address(self, key: GroupKey, page: str = "page") -> str:
        """The page of a group, or another page of it (`resolve`, `ignore`, `unresolve`)."""
        query = {"taskIdentifier": key.task_identifier}
        return self.address(page, error_id(key.error_fingerprint), query=query)


def in_environment(view: PlaceView[Rest]) -> View:
    """Hand the view its place, which is remembered as the person's own from now on.

    Whoever may not view groups gets 403; an environment of strangers is not there.
    """

    @wraps(view)
    def within(
        request: HttpRequest, ref: str, slug: str, *args: Rest.args, **kwargs: Rest.kwargs
    ) -> HttpResponse:
        place = find_place(request, ref, slug)
        remember(request, place)
        return view(request, place, *args, **kwargs)

    return within


def in_changeable_environment(view: PlaceView[Rest]) -> View:
    """The same for pages that change groups: whoever may only view them gets 403."""

    @wraps(view)
    def within(
        request: HttpRequest, place: Place, /, *args: Rest.args, **kwargs: Rest.kwargs
    ) -> HttpResponse:
        if not place.may_change:
            raise PermissionDenied
        return view(request, place, *args, **kwargs)

    return in_environment(within)


def find_place(request: HttpRequest, ref: str, slug: str) -> Place:
    """Raises PermissionDenied, Http404."""
    person = person_of(request)
    if not person.has_perm(VIEW):
        raise PermissionDenied
    environments = visible_environments(person).filter(project__external_ref=ref, slug=slug)
    environment = None if "\0" in ref + slug else environments.first()
    if environment is None:
        raise Http404
    return place_of(person, environment)


def place_of(person: User, environment: Environment) -> Place:
    role = role_in(person, environment.project.organization_id)
    may_change = person.has_perm(CHANGE) and may_change_groups(role)
    return Place(environment, environment.tenant(), person, may_change)


def sticky_place(request: HttpRequest) -> Place | None:
    """Where the person was last; else their first production, else first environment; None for
    whom there is none. Raises PermissionDenied."""
    person = person_of(request)
    if not person.has_perm(VIEW):
        raise PermissionDenied
    environments = visible_environments(person).order_by("project__slug", "project_id", "slug")
    remembered = _id_in(request.session.get(STICKY))
    found = None if remembered is None else environments.filter(pk=remembered).first()
    found = found or environments.filter(slug="prod").first() or environments.first()
    return None if found is None else place_of(person, found)


def offered_environments(place: Place) -> QuerySet[Environment]:
    """Where the person may go from there, by name."""
    visible = visible_environments(place.person)
    return visible.order_by("project__slug", "project_id", "slug")[:MOST_OFFERED]


def remember(request: HttpRequest, place: Place) -> None:
    """Sessions are written only where somebody goes to another environment."""
    own = str(place.environment.pk)
    if request.session.get(STICKY) != own:
        request.session[STICKY] = own


def draw(
    request: HttpRequest,
    place: Place,
    template: str,
    context: Mapping[str, Any],
    *,
    status: int = 200,
) -> HttpResponse:
    """A page of the environment, with what Django's own pages have around them."""
    return render(
        request,
        f"admin/errors_app/errorgroup/{template}",
        {**admin.site.each_context(request), "place": place, **context},
        status=status,
    )


def _id_in(remembered: object) -> UUID | None:
    try:
        return UUID(str(remembered))
    except ValueError:
        return None
