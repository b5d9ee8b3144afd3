"""REST framework's nested validation errors as a flat list of details."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rest_framework.settings import api_settings

from runs_app.domain.errors import Detail

# The framework's own texts of these codes repeat what was submitted.
MESSAGES: Final[Mapping[str, str]] = {
    "does_not_exist": "There is no such thing.",
    "incorrect_type": "This is not a reference of the right type.",
    "invalid_choice": "This is not one of the allowed values.",
    "not_a_dict": "An object is expected.",
    "not_a_list": "A list is expected.",
    "unique": "This is taken already.",
}
ANY_MESSAGE: Final = "This value is not valid."
QUOTATION: Final = re.compile("[\"“”«»`]|(?<!\\w)'")


def validation_details(place: str, errors: Any) -> tuple[Detail, ...]:
    """`errors` is the `detail` of a ValidationError of any shape; `place` is /body or /query."""
    return tuple(_flattened(place, errors))


def _flattened(path: str, errors: Any) -> Iterator[Detail]:
    if isinstance(errors, Mapping):
        for key, inner in errors.items():
            about_all = key == api_settings.NON_FIELD_ERRORS_KEY
            yield from _flattened(path if about_all else f"{path}/{_escaped(key)}", inner)
    elif isinstance(errors, list | tuple):
        for index, inner in enumerate(errors):
            nested = isinstance(inner, Mapping | list | tuple)
            yield from _flattened(f"{path}/{index}" if nested else path, inner)
    else:
        yield _detail(path, str(errors), str(getattr(errors, "code", None) or "invalid"))


def _detail(path: str, message: str, code: str) -> Detail:
    if code in MESSAGES:
        message = MESSAGES[code]
    elif QUOTATION.search(message):
        # A quotation is as a rule the submitted value.
        message = ANY_MESSAGE
    return Detail(message=message, path=path, code=code)


def _escaped(key: object) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")
