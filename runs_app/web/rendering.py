"""JSON as this API writes it: UTF-8, compact, always valid."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from django.utils.functional import Promise
from rest_framework.renderers import BaseRenderer

LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def encode_json(value: object) -> bytes:
    """`value` as JSON. Infinite and undefined numbers become null, lone surrogates U+FFFD.

    Raises TypeError for a value that has no form in JSON: that is a bug of the caller.
    """
    try:
        return msgspec.json.encode(value, enc_hook=_plain)
    except UnicodeEncodeError:
        # Rare enough that the copy is paid only by the answer that needs it.
        return msgspec.json.encode(_without_lone_surrogates(value), enc_hook=_plain)


class ApiJSONRenderer(BaseRenderer):
    """The only renderer: there is no browsable HTML and no choice by `?format=`."""

    media_type = "application/json"
    format = "json"
    # JSON is UTF-8 by its own definition, so the content type names no charset.
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else encode_json(data)


def _plain(value: object) -> object:
    """Subclasses of plain types, and lazy texts, which msgspec does not know."""
    if isinstance(value, str | Promise):
        # Not str(): a SafeString answers that with itself.
        return str.__str__(str(value))
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _without_lone_surrogates(value: object) -> object:
    if isinstance(value, str | Promise):
        return LONE_SURROGATE.sub("\ufffd", str(value))
    if isinstance(value, Mapping):
        return {
            _without_lone_surrogates(key): _without_lone_surrogates(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_without_lone_surrogates(item) for item in value]
    return _without_lone_surrogates_inside(value)


def _without_lone_surrogates_inside(value: object) -> object:
    """Dataclasses and structs as builtins first; what is plain already stays as it is."""
    if value is None or isinstance(value, bool | int | float | msgspec.Raw):
        return value
    builtins = msgspec.to_builtins(value, enc_hook=_plain)
    return value if builtins is value else _without_lone_surrogates(builtins)
