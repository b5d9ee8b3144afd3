"""Which group a failed run belongs to: the first of several answers that applies."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from runs_app.domain.grouping import keywords as words
from runs_app.domain.grouping import structured
from runs_app.domain.grouping.client_fingerprint import client_fingerprint, client_parts
from runs_app.domain.grouping.expected import believed, expected_by
from runs_app.domain.grouping.fingerprint import Fingerprint, fingerprint_of_key
from runs_app.domain.grouping.reported import NOT_AN_ERROR, reported_error
from runs_app.domain.grouping.rules import DEFAULT_RULE, RULES, fingerprint_of
from runs_app.domain.grouping.settings import GroupingSettings
from runs_app.domain.grouping.signals import (
    PROSE_LENGTH,
    ErrorSignals,
    message_of,
    read_signals,
)

DEFAULT_SETTINGS: Final = GroupingSettings(rule=DEFAULT_RULE)


@dataclass(frozen=True, slots=True)
class ErrorGroupingResolution:
    """What an error's structure and words tell. `hash`: `<slice>:<category>:<signature>`; it and
    `category` are both set or both None. `rule`: which of the two decided."""

    hash: str | None
    category: str | None
    signals: ErrorSignals
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Grouping:
    """`fingerprint`: the group's, empty for no group; `rule`: what decided; `key`: the text why.

    `expected_by`: who takes the error for an expected one, empty for nobody; the run is in no
    group only where the project believes that. It keeps the rule then, and has no key.
    """

    fingerprint: str
    rule: str
    key: str
    expected_by: str
    resolution: ErrorGroupingResolution

    @property
    def expected(self) -> bool:
        return self.expected_by != ""

    @property
    def category(self) -> str:
        """Empty where neither structure nor words tell one."""
        return self.resolution.category or ""

    @property
    def signals(self) -> ErrorSignals:
        return self.resolution.signals


def resolve_error_grouping(
    error: object, slice: str, *, keywords: bool = True
) -> ErrorGroupingResolution:
    """Read category and hash from any JSON value. Signals are told even where neither is."""
    message = message_of(error)
    lowered = message.lower()
    signals = read_signals(error, message, lowered)
    category = structured.structured_category(signals)
    if category is not None:
        signature = structured.structured_signature(signals)
        return _resolved(slice, category, signature, signals, structured.RULE)
    if keywords and message:
        prose = words.prose_of(lowered[:PROSE_LENGTH])
        category = words.keyword_category(prose)
        if category is not None:
            signature = words.keyword_signature(category, words.prose_of(message), prose)
            return _resolved(slice, category, signature, signals, words.RULE)
    return ErrorGroupingResolution(None, None, signals)


def group_error(
    error: object, slice: str = "", settings: GroupingSettings = DEFAULT_SETTINGS
) -> Grouping:
    """Decide the group of a failed run from the error it reports, any JSON value.

    Raises KeyError for a rule that does not exist.
    """
    resolution = resolve_error_grouping(error, slice)
    expecting = expected_by(error)
    if name := believed(expecting, settings):
        return Grouping("", settings.rule, "", name, resolution)
    name = expecting[0] if expecting else ""
    found = _first_that_applies(error, resolution, settings)
    if found is None:
        return Grouping("", settings.rule, "", name, resolution)
    return Grouping(found.value, found.rule, found.key, name, resolution)


def preview_grouping(
    error: object, slice: str, settings: GroupingSettings
) -> Mapping[str, Grouping]:
    """What the error would get under each rule there is, all else being as the project has it."""
    return {rule: group_error(error, slice, replace(settings, rule=rule)) for rule in RULES}


def slice_of(run_slice: str, error: object, queue: str, task_identifier: str) -> str:
    """Which part of a system a run belongs to: as the run says, or its error, else its queue,
    else its task."""
    if run_slice:
        return run_slice
    told = error.get("slice") if isinstance(error, dict) else None
    return told if told and isinstance(told, str) else queue or task_identifier


def _resolved(
    slice: str, category: str, signature: str, signals: ErrorSignals, rule: str
) -> ErrorGroupingResolution:
    return ErrorGroupingResolution(f"{slice}:{category}:{signature}", category, signals, rule)


def _first_that_applies(
    error: object, resolution: ErrorGroupingResolution, settings: GroupingSettings
) -> Fingerprint | None:
    default = _without_client(error, resolution, settings)
    parts = client_parts(error)
    return client_fingerprint(parts, default) if parts else default


def _without_client(
    error: object, resolution: ErrorGroupingResolution, settings: GroupingSettings
) -> Fingerprint | None:
    wanted = resolution.rule == structured.RULE or settings.keywords
    if resolution.hash is not None and resolution.rule is not None and wanted:
        return fingerprint_of_key(resolution.hash, rule=resolution.rule)
    return _by_rule(error, settings.rule)


def _by_rule(error: object, rule: str) -> Fingerprint | None:
    reported = reported_error(error)
    if reported is NOT_AN_ERROR:
        return None
    members = {"type": reported.type, "message": reported.message, "stack": reported.stack}
    return fingerprint_of(members, rule=rule)
