"""Every view says which scope it needs, which credentials open it, and what its requests count as.

One that says nothing is not loaded, see `insist_on_declarations`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern, URLResolver
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.metadata import BaseMetadata
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from runs_app.domain.callers import (
    ENVIRONMENT_KINDS,
    Caller,
    CredentialKind,
    EnvironmentCaller,
)
from runs_app.domain.errors import InsufficientScope, Unauthenticated
from runs_app.domain.scopes import Scope, alternatives, any_grants
from runs_app.web.hints import credentials_hint, scope_hint
from runs_app.web.throttling import Budget

if TYPE_CHECKING:
    # REST framework loads this module while its views are still loading.
    from rest_framework.views import APIView


# What REST framework calls the action of OPTIONS.
OPTIONS: Final = "metadata"
# For an action that any credential of an accepted kind may do.
NO_SCOPE: Final = ""


class NoMetadata(BaseMetadata):
    """OPTIONS answers with the header `Allow` alone, and tells nothing about our classes."""

    def determine_metadata(self, request: Request, view: "APIView") -> None:
        return None


class ScopedViewMixin:
    """Declares scopes by action (`list`, `create` ...) as `action:type`, and accepted credentials.

    Where `scope_id_kwarg` names an argument of the route, a scope for that very id will do too;
    `scope_id` brings the argument into the form that scopes name. `budgets` says by action what a
    request counts towards, where that is not `Budget.REQUESTS`.
    """

    required_scopes: ClassVar[Mapping[str, str]] = {}
    accepts: ClassVar[frozenset[CredentialKind]] = ENVIRONMENT_KINDS
    scope_id_kwarg: ClassVar[str | None] = None
    budgets: ClassVar[Mapping[str, Budget]] = {}
    metadata_class: Any = NoMetadata

    def scope_id(self, given: str) -> str:
        return given

    def check_permissions(self, request: Request) -> None:
        """Counts first: whoever keeps asking for what is refused is stopped, too."""
        super().check_throttles(request)  # type: ignore[misc]
        super().check_permissions(request)  # type: ignore[misc]

    def check_throttles(self, request: Request) -> None:
        """REST framework asks after the permissions. It was done before them."""


class HasRequiredScope(BasePermission):
    """Decided from the credential and the route alone, before anything is loaded."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        caller: object = request.user
        if not isinstance(caller, Caller):
            accepted: frozenset[CredentialKind] = getattr(view, "accepts", frozenset())
            raise Unauthenticated(supplied=False, hint=credentials_hint("", accepted))
        if _is_wrong_method(view):
            # Permissions are asked before the method is looked at.
            raise MethodNotAllowed(request.method or "")
        if getattr(view, "action", None) == OPTIONS:
            return True
        declared = _declared_scope(view)
        if declared is None:
            return False
        if declared == NO_SCOPE:
            return True
        wanted = _wanted_scope(view, declared)
        held = caller.scopes if isinstance(caller, EnvironmentCaller) else ()
        if not any_grants(held, wanted):
            raise InsufficientScope(alternatives(wanted), hint=scope_hint(caller))
        return True


def _is_wrong_method(view: "APIView") -> bool:
    return hasattr(view, "action_map") and getattr(view, "action", None) is None


def _declared_scope(view: "APIView") -> str | None:
    scopes: Mapping[str, str] = getattr(view, "required_scopes", {})
    return scopes.get(getattr(view, "action", None) or "")


def _wanted_scope(view: "APIView", declared: str) -> Scope:
    action, type_ = declared.split(":")
    kwarg: str | None = getattr(view, "scope_id_kwarg", None)
    given: str | None = view.kwargs.get(kwarg) if kwarg else None
    if given is None:
        return Scope(action, type_)
    form: Callable[[str], str] = getattr(view, "scope_id", str)
    return Scope(action, type_, form(given))


def insist_on_declarations(patterns: Iterable[URLPattern | URLResolver]) -> None:
    """Raises ImproperlyConfigured for the first route among `patterns` whose view does not declare
    what it needs."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            insist_on_declarations(pattern.url_patterns)
            continue
        view_class = getattr(pattern.callback, "cls", None)
        actions: Mapping[str, str] = getattr(pattern.callback, "actions", None) or {}
        declared: Mapping[str, str] = getattr(view_class, "required_scopes", {})
        if not (
            isinstance(view_class, type)
            and issubclass(view_class, ScopedViewMixin)
            and view_class.accepts
            and actions
            and set(actions.values()) <= set(declared)
        ):
            raise ImproperlyConfigured(
                f"The view of {pattern.pattern} does not declare which scope it needs: give it a"
                " ScopedViewMixin, and each of its actions an entry in required_scopes."
            )
