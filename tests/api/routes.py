"""Every route under /api/, as the URL resolver knows them."""

from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

Methods = frozenset[str]


def api_routes() -> dict[str, Methods]:
    """The methods of each route, written as its pattern: `v1/errors/<str:error_id>`."""
    return {
        route.removeprefix("api/"): methods
        for route, methods in _routes(get_resolver().url_patterns, "")
        if route.startswith("api/")
    }


def _routes(patterns: list[Any], prefix: str) -> Iterator[tuple[str, Methods]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route, _methods(pattern.callback)


def _methods(view: Any) -> Methods:
    """A view set says its methods by action; any other view by the handlers it has."""
    actions = getattr(view, "actions", None)
    if actions:
        return frozenset(method.upper() for method in actions) - {"HEAD"}
    view_class = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if view_class is None:
        return frozenset({"GET"})
    names = getattr(view_class, "http_method_names", ())
    return frozenset(name.upper() for name in names if hasattr(view_class, name)) - {
        "HEAD",
        "OPTIONS",
    }
