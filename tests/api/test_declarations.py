"""Every view of the API says who may call it and for what, or the service does not start."""

import importlib
from collections.abc import Iterator
from typing import Any, Final

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.urls.resolvers import URLPattern, URLResolver
from django.views import View
from rest_framework.decorators import api_view
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

import config.urls
from runs_app.domain.callers import ENVIRONMENT_KINDS, PERSONAL_KINDS
from runs_app.domain.scopes import is_scope
from runs_app.web.authentication import BearerAuthentication
from runs_app.web.permissions import (
    NO_SCOPE,
    HasRequiredScope,
    ScopedViewMixin,
    insist_on_declarations,
)


def plain_function(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@api_view(["GET"])
def function_of_rest_framework(request: Any) -> Response:
    return Response()


class PlainView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse()


class PlainApiView(APIView):
    def get(self, request: Any) -> Response:
        return Response()


class ScopedApiView(ScopedViewMixin, APIView):
    """It has methods and no actions, so that no declared scope could be found for it."""

    required_scopes = {"get": NO_SCOPE}

    def get(self, request: Any) -> Response:
        return Response()


class PlainViewSet(GenericViewSet):
    required_scopes = {"list": NO_SCOPE}
    accepts = ENVIRONMENT_KINDS

    def list(self, request: Any) -> Response:
        return Response()


class DeclaredViewSet(ScopedViewMixin, PlainViewSet):
    required_scopes = {"list": "read:errors"}

    def create(self, request: Any) -> Response:
        return Response()


class SilentViewSet(ScopedViewMixin, PlainViewSet):
    pass


class ClosedViewSet(DeclaredViewSet):
    accepts = frozenset()


UNDECLARED = {
    "a function": plain_function,
    "a function of REST framework": function_of_rest_framework,
    "a view of Django": PlainView.as_view(),
    "an API view": PlainApiView.as_view(),
    "an API view with scopes and no actions": ScopedApiView.as_view(),
    "a view set without the mixin": PlainViewSet.as_view({"get": "list"}),
    "a view set that declares nothing": SilentViewSet.as_view({"get": "retrieve"}),
    "an action that is not declared": DeclaredViewSet.as_view({"get": "list", "post": "create"}),
    "no credential that is accepted": ClosedViewSet.as_view({"get": "list"}),
}


@pytest.mark.parametrize("view", UNDECLARED.values(), ids=UNDECLARED)
@pytest.mark.parametrize("nested", [False, True])
def test_a_view_that_does_not_say_who_may_call_it_is_not_loaded(view: Any, nested: bool) -> None:
    declared = path("declared", DeclaredViewSet.as_view({"get": "list"}))
    route = path("undeclared", view)
    patterns = [declared, path("deep/", include([route]))] if nested else [declared, route]

    with pytest.raises(ImproperlyConfigured, match="undeclared"):
        insist_on_declarations(patterns)


def test_a_view_that_says_it_is_loaded() -> None:
    insist_on_declarations([path("declared", DeclaredViewSet.as_view({"get": "list"}))])


def test_the_addresses_of_the_api_are_not_loaded_with_such_a_view(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    addresses = importlib.import_module("errors_app.api.urls")
    with monkeypatch.context() as patched:
        patched.setattr(addresses, "urlpatterns", [path("v1/undeclared", plain_function)])
        with pytest.raises(ImproperlyConfigured, match="v1/undeclared"):
            importlib.reload(config.urls)

    importlib.reload(config.urls)


def patterns_of(patterns: list[Any]) -> Iterator[URLPattern]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from patterns_of(pattern.url_patterns)
        else:
            yield pattern


PATTERNS: Final = list(patterns_of(config.urls.api))
of_every_route = pytest.mark.parametrize("pattern", PATTERNS, ids=lambda one: str(one.pattern))


@of_every_route
def test_no_view_does_without_the_doorkeepers(pattern: URLPattern) -> None:
    view = pattern.callback.cls

    assert view.authentication_classes == [BearerAuthentication]
    assert view.permission_classes == [HasRequiredScope]
    assert not {name for name in pattern.callback.initkwargs if name.endswith("_classes")}


@of_every_route
def test_what_a_view_declares_can_be_asked_for(pattern: URLPattern) -> None:
    view = pattern.callback.cls

    # Who the caller is, a view knows from what it accepts.
    assert view.accepts <= ENVIRONMENT_KINDS or view.accepts <= PERSONAL_KINDS
    for scope in view.required_scopes.values():
        assert scope == NO_SCOPE or (is_scope(scope) and scope.count(":") == 1)
        # A person has no scopes, and would be refused for ever.
        assert scope == NO_SCOPE or view.accepts <= ENVIRONMENT_KINDS
