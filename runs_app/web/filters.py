"""Filters in square brackets, declared with django-filter.

`filter[status]=a,b` is the declared filter `status`; `filter[createdAt][from]` is
`createdAt__from`. Values are checked by form fields; every failing one is reported at once, and
an unknown filter is refused, because ignoring it would answer with more than was asked for.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from runs_app.domain.errors import Detail, InvalidInput
from runs_app.domain.secrets_in_text import mask_secrets
from runs_app.domain.times import utc_now
from runs_app.domain.window import (
    WindowRequest,
    is_empty,
    parse_moment,
    parse_period,
    until_now,
)
from runs_app.models import TaskRun
from runs_app.web.pagination import page_faults, repetition

LONGEST_VALUE: Final = 1_000
LONGEST_LIST: Final = 100
MISSPELT: Final = re.compile("[A-Za-z_]{1,24}")
# What the filters of a window are, for the document of the API.
FROM: Final = (
    "The window's start, ISO 8601 or epoch milliseconds, floored to the minute. Alone: until now."
)
TO: Final = "The window's end, ISO 8601 or epoch milliseconds, ceiled to the minute."
PERIOD: Final = "The window from so long ago until now, such as 30m, 12h, 1d or 2w."


class TextListField(forms.CharField):
    """A list, comma-separated or of texts that are taken as they are; empty parts are skipped."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 20_000)
        super().__init__(**kwargs)

    def clean(self, value: Any) -> tuple[str, ...]:
        parts = tuple(dict.fromkeys(text.strip() for text in self._texts(value) if text.strip()))
        if len(parts) > LONGEST_LIST:
            raise ValidationError(f"At most {LONGEST_LIST} values.", code="too_many")
        if not parts and (isinstance(value, list) or super().clean(value)):
            raise ValidationError("The list is empty.", code="empty")
        return parts

    def _texts(self, value: Any) -> list[str]:
        checked = super().clean
        if isinstance(value, list):
            return [checked(text) for text in value]
        text: str = checked(value)
        return text.split(",")


class ChoiceListField(TextListField):
    """A list of known words. The refusal names the allowed ones, and those bad ones that look like
    words: anything else is not repeated."""

    def __init__(self, *, allowed: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.allowed = allowed

    def clean(self, value: Any) -> tuple[str, ...]:
        parts = super().clean(value)
        unknown = [part for part in parts if part not in self.allowed]
        if unknown:
            named = [part for part in unknown if MISSPELT.fullmatch(part)][:5]
            told = f"Unknown: {', '.join(named)}. " if named else ""
            raise ValidationError(
                f"{told}Allowed: {', '.join(self.allowed)}.", code="unknown_value"
            )
        return parts


class OneWordField(forms.CharField):
    """One of some known words. The refusal names them, not what was sent."""

    def __init__(self, *, allowed: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.allowed = allowed

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        if text and text not in self.allowed:
            raise ValidationError(f"Takes one of: {', '.join(self.allowed)}.", code="unknown_value")
        return text


class PeriodField(forms.CharField):
    def clean(self, value: Any) -> timedelta | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_period(text)
        except ValueError as error:
            raise ValidationError(str(error), code="invalid_period") from None


class MomentField(forms.CharField):
    def clean(self, value: Any) -> datetime | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_moment(text)
        except ValueError as error:
            raise ValidationError(str(error), code="invalid_time") from None


class TrueFalseField(forms.CharField):
    def clean(self, value: Any) -> bool | None:
        text = super().clean(value)
        if text in {"", "true", "false"}:
            return None if text == "" else text == "true"
        raise ValidationError("Takes true or false.", code="invalid_boolean")


class TextListFilter(django_filters.Filter):
    field_class = TextListField


class ChoiceListFilter(django_filters.Filter):
    field_class = ChoiceListField


class OneWordFilter(django_filters.Filter):
    field_class = OneWordField


class PeriodFilter(django_filters.Filter):
    field_class = PeriodField


class MomentFilter(django_filters.Filter):
    field_class = MomentField


class TrueFalseFilter(django_filters.Filter):
    field_class = TrueFalseField


class TextFilter(django_filters.CharFilter):
    """Free text, at most 1000 characters, spaces included."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, max_length=LONGEST_VALUE, strip=False, **kwargs)


@dataclass(frozen=True, slots=True)
class WindowNames:
    """The three declared filters that make up a window."""

    period: str
    start: str
    end: str


class BracketFilterSet(django_filters.FilterSet):
    """Reads filters and plain parameters from a query string.

    Subclasses declare filters and turn `values()` into the domain's own filters. `plain` lists
    declared filters that stand in the query without brackets; `window` names the filters that
    make up a window.
    """

    plain: tuple[str, ...] = ()
    window: WindowNames | None = None

    def __init__(self, query: QueryDict) -> None:
        declared = type(self).base_filters
        data = {
            name: query[parameter]
            for name in declared
            if (parameter := self.parameter(name)) in query
        }
        # django-filter asks for a model only to name its form fields.
        super().__init__(data=data, queryset=TaskRun.objects.none())
        self._query = query

    @classmethod
    def parameter(cls, name: str) -> str:
        """How a declared filter is spelt in the query string."""
        if name in cls.plain:
            return name
        return "filter" + "".join(f"[{part}]" for part in name.split("__"))

    def place(self, name: str) -> str:
        """Where a declared filter stands in the request."""
        return f"/query/{self.parameter(name)}"

    def values(self) -> dict[str, Any]:
        """The checked values by declared name.

        Raises InvalidInput with every failing one, and with what is wrong about the page, so that
        a caller learns of all of it at once.
        """
        details = [
            *self._unknown(),
            *self._repeated(),
            *self._invalid(),
            *self._contradictions(),
            *page_faults(self._query),
        ]
        if details:
            raise InvalidInput(details)
        cleaned: dict[str, Any] = self.form.cleaned_data
        return cleaned

    def _unknown(self) -> Iterator[Detail]:
        known = {self.parameter(name) for name in self.filters}
        for parameter in self._query:
            if parameter.startswith("filter[") and parameter not in known:
                yield Detail(
                    "There is no such filter. Filters here: " + ", ".join(sorted(known)) + ".",
                    f"/query/{safe_name(parameter)}",
                    "unknown_filter",
                )

    def _repeated(self) -> Iterator[Detail]:
        for name in self.filters:
            parameter = self.parameter(name)
            if len(self._query.getlist(parameter)) > 1:
                yield repetition(parameter)

    def _contradictions(self) -> Iterator[Detail]:
        names = self.window
        if names is None or not self.form.is_bound:
            return
        given = self.form.cleaned_data
        period, start, end = (given.get(each) for each in (names.period, names.start, names.end))
        if period is not None and (start is not None or end is not None):
            yield Detail(
                "A period stands alone: give either a period, or from and to.",
                self.place(names.period),
                "period_with_bounds",
            )
        elif start is not None and is_empty(start, end or until_now(utc_now())):
            if names.end in self.form.errors:
                return
            yield Detail(
                "The window is empty: it must end after it starts.",
                self.place(names.start),
                "empty_window",
            )

    def _invalid(self) -> Iterator[Detail]:
        for name, errors in self.form.errors.as_data().items():
            for error in errors:
                for message in error.messages:
                    yield Detail(message, self.place(name), error.code or "invalid")


def window_request(values: Mapping[str, Any], names: WindowNames) -> WindowRequest:
    """The window in the checked values."""
    return WindowRequest(
        period=values[names.period], start=values[names.start], end=values[names.end]
    )


def safe_name(parameter: str) -> str:
    """The name of an unknown parameter is the caller's text: keep letters and brackets of it, and
    nothing that looks like a key put in the wrong place."""
    masked = mask_secrets(parameter)[:60]
    return "".join(char for char in masked if char.isalnum() or char in "[]_-")
