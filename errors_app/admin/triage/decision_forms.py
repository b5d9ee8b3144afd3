"""What people fill in to decide about groups: in dialogs, and on pages of their own.

The limits are those of the API, and so is the outcome: a resolution, or conditions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.http import QueryDict

from errors_app.domain.decisions import (
    HIGHEST_RATE,
    LONGEST_IGNORE,
    LONGEST_REASON,
    LONGEST_VERSION,
    MOST_OCCURRENCES,
    WantedResolution,
)
from errors_app.domain.groups import Action, IgnoreConditions
from runs_app.domain.times import to_milliseconds, utc_now

NOW, NEXT, NAMED = "now", "next", "named"
UNLIMITED, UNTIL = "", "until"
DURATIONS: Final[Mapping[str, tuple[str, timedelta]]] = {
    "1h": ("1 hour", timedelta(hours=1)),
    "8h": ("8 hours", timedelta(hours=8)),
    "24h": ("24 hours", timedelta(hours=24)),
    "7d": ("7 days", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
}
NO_NEXT: Final = (
    "No run here has named a version yet, so there is no next one."
    " Name the version, or resolve now."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for, whichever the action: the other half has its defaults."""

    resolution: WantedResolution = field(default_factory=WantedResolution)
    conditions: IgnoreConditions = field(default_factory=IgnoreConditions)


class DecisionForm(forms.Form):
    """Once it is valid, `asked` tells what was asked for."""

    def asked(self) -> Asked:
        return Asked()


class UnresolveForm(DecisionForm):
    """Nothing is asked for."""


class ResolveForm(DecisionForm):
    when = forms.ChoiceField(
        label="Resolved",
        choices=((NOW, "now"), (NEXT, "in the next version"), (NAMED, "in version")),
        initial=NOW,
        required=False,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": "Choose now, in the next version, or in a version."},
    )
    version = forms.CharField(
        label="Version",
        required=False,
        max_length=LONGEST_VERSION,
        widget=forms.TextInput(attrs={"autocomplete": "off", "data-fl-picks": f"when:{NAMED}"}),
    )

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        when, version = given.get("when") or NOW, given.get("version")
        if when == NAMED and not version and "version" not in self.errors:
            self.add_error("version", "Name the version.")
        elif when != NAMED and version:
            self.add_error("version", "Choose “in version” above to use this, or empty it.")
        return given

    def asked(self) -> Asked:
        when, version = self.cleaned_data["when"], self.cleaned_data["version"]
        return Asked(
            resolution=WantedResolution(version=version or None, in_next_version=when == NEXT)
        )


class IgnoreForm(DecisionForm):
    duration = forms.ChoiceField(
        label="For",
        choices=(
            (UNLIMITED, "no time limit"),
            *((key, label) for key, (label, _) in DURATIONS.items()),
            (UNTIL, "until"),
        ),
        initial=UNLIMITED,
        required=False,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": "Choose one of the times."},
    )
    until = forms.DateTimeField(
        label="Date and time, UTC",
        required=False,
        input_formats=("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"),
        widget=forms.DateTimeInput(
            format="%Y-%m-%dT%H:%M",
            attrs={"type": "datetime-local", "data-fl-picks": f"duration:{UNTIL}"},
        ),
        error_messages={"invalid": "Write it as 2025-01-31T14:00, in UTC."},
    )
    total = forms.IntegerField(
        label="Failures from now on",
        required=False,
        min_value=1,
        max_value=MOST_OCCURRENCES,
    )
    rate = forms.FloatField(
        label="Failures a minute",
        required=False,
        max_value=HIGHEST_RATE,
        widget=forms.NumberInput(attrs={"min": "0", "step": "any"}),
    )
    reason = forms.CharField(
        label="Reason",
        required=False,
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    total_presets: Final = ((10, "10 more"), (100, "100 more"), (1_000, "1,000 more"))
    rate_presets: Final = ((1, "1 a minute"), (10, "10 a minute"), (100, "100 a minute"))

    def clean_rate(self) -> float | None:
        rate: float | None = self.cleaned_data["rate"]
        if rate is not None and rate <= 0:
            raise forms.ValidationError("The rate must be above 0.", code="min_value")
        return rate

    def clean_until(self) -> datetime | None:
        until: datetime | None = self.cleaned_data["until"]
        now = utc_now()
        if until is not None and until <= now:
            raise forms.ValidationError("That has passed. Times are in UTC.", code="past")
        if until is not None and until > now + LONGEST_IGNORE:
            raise forms.ValidationError(
                f"At most {LONGEST_IGNORE.days:,} days ahead.", code="too_far"
            )
        return until

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if "until" not in self.errors:
            duration, until = given.get("duration"), given.get("until")
            if duration == UNTIL and until is None:
                self.add_error("until", "Say until when.")
            elif duration != UNTIL and until is not None:
                self.add_error("until", "Choose “until” above to use this, or empty it.")
        return given

    def asked(self) -> Asked:
        given = self.cleaned_data
        until = given["until"]
        if given["duration"] in DURATIONS:
            until = utc_now() + DURATIONS[given["duration"]][1]
        return Asked(
            conditions=IgnoreConditions(
                until=None if until is None else to_milliseconds(until),
                occurrence_rate=given["rate"],
                total_occurrences=given["total"],
                reason=given["reason"] or None,
            )
        )


FORMS: Final[Mapping[Action, type[DecisionForm]]] = {
    Action.RESOLVE: ResolveForm,
    Action.IGNORE: IgnoreForm,
    Action.UNRESOLVE: UnresolveForm,
}


def form_of(action: Action, data: QueryDict | None = None) -> DecisionForm:
    """The form of one of DECISIONS, empty or with what was sent. Several may stand in one page."""
    return FORMS[action](data, auto_id=f"{action.value}-%s")
