"""Every view says which scope it needs; a view that says nothing lets nobody in."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from rest_framework.exceptions import MethodNotAllowed
from rest_framework.metadata import BaseMetadata
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from runs_app.domain.errors import InsufficientScope, Unauthenticated
from runs_app.domain.scopes import Scope, alternatives, any_grants
from runs_app.web.caller import Caller

if TYPE_CHECKING:
    # REST framework loads this module while its views are still loading.
    from rest_framework.views import APIView


# What REST framework calls the action of OPTIONS.
OPTIONS: Final = "metadata"


class NoMetadata(BaseMetadata):
    """OPTIONS answers with the header `Allow` alone, and tells nothing about our classes."""

    def determine_metadata(self, request: Request, view: "APIView") -> None:
        return None


class ScopedViewMixin:
    """Declares scopes by action (`list`, `create` ...) as `action:type`.

    Where `scope_id_kwarg` names an argument of the route, a scope for that very id will do too;
    `scope_id` brings the argument into the form that scopes name.
    """

    required_scopes: ClassVar[Mapping[str, str]] = {}
    scope_id_kwarg: ClassVar[str | None] = None
    metadata_class: Any = NoMetadata

    def scope_id(self, given: str) -> str:
        return given


class HasRequiredScope(BasePermission):
    """Decided from the credential and the route alone, before anything is loaded."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        caller = request.user
        if not isinstance(caller, Caller):
            raise Unauthenticated(supplied=False)
        if _is_wrong_method(view):
            # Permissions are asked before the method is looked at.
            raise MethodNotAllowed(request.method or "")
        if getattr(view, "action", None) == OPTIONS:
            return True
        wanted = _wanted_scope(view)
        if wanted is None:
            return False
        if caller.scopes and not any_grants(caller.scopes, wanted):
            raise InsufficientScope(alternatives(wanted))
        return True


def _is_wrong_method(view: "APIView") -> bool:
    return hasattr(view, "action_map") and getattr(view, "action", None) is None


def _wanted_scope(view: "APIView") -> Scope | None:
    scopes: Mapping[str, str] = getattr(view, "required_scopes", {})
    declared = scopes.get(getattr(view, "action", None) or "")
    if declared is None:
        return None
    action, type_ = declared.split(":")
    kwarg: str | None = getattr(view, "scope_id_kwarg", None)
    given: str | None = view.kwargs.get(kwarg) if kwarg else None
    if given is None:
        return Scope(action, type_)
    form: Callable[[str], str] = getattr(view, "scope_id", str)
    return Scope(action, type_, form(given))
