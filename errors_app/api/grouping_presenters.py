"""Why a group is a group, as the API tells it. Every member is always there, null when unset."""

from typing import Any

from errors_app.services.grouping_page import ExplainedRun, GroupingPage
from runs_app.domain.grouping.explain import StackPlace, Told
from runs_app.domain.grouping.resolve import Grouping
from runs_app.domain.grouping.settings import GroupingSettings
from runs_app.domain.grouping.stored import signals_members
from runs_app.domain.ids import error_id
from runs_app.domain.reporting import MAX_KEY_CHARACTERS
from runs_app.domain.times import iso


def grouping_detail(page: GroupingPage) -> dict[str, Any]:
    key, decided = page.facts.key, page.decided
    return {
        "id": error_id(key.error_fingerprint),
        "fingerprint": key.error_fingerprint,
        "taskIdentifier": key.task_identifier,
        "mergedFingerprints": list(page.facts.merged),
        "decided": None if decided is None else _decided(decided),
        "differs": None if decided is None or decided.differs is None else decided.differs.value,
        "groupings": []
        if decided is None
        else [_grouping(rule, grouping) for rule, grouping in decided.by_rule.items()],
        "settings": _settings(page.settings),
        "runs": [_run(one) for one in page.compared],
    }


def _decided(one: ExplainedRun) -> dict[str, Any]:
    return {
        "decidedBy": one.run.rule,
        "key": one.run.plain_key or None,
        "keyIsWhole": one.key_is_whole,
        "category": one.run.category or None,
        "signals": signals_members(one.signals),
        "expectedBy": one.expected_by or None,
    }


def _run(one: ExplainedRun) -> dict[str, Any]:
    run, counted = one.run, one.counted
    return {
        "id": run.friendly_id,
        "failedAt": iso(run.failed_at),
        "version": run.version or None,
        "fingerprint": run.key.error_fingerprint,
        **_decided(one),
        "differs": None if one.differs is None else one.differs.value,
        "counted": None
        if counted is None
        else {
            "rule": counted.rule or None,
            "error": _told(counted.thrown),
            "cause": None if counted.cause is None else _told(counted.cause),
            "frames": [_place(place) for place in counted.places],
            "moreFrames": counted.more_places,
        },
    }


def _told(told: Told) -> dict[str, Any]:
    return {
        "errorType": told.type,
        "message": told.message,
        "countsAs": told.counts_as,
        "replaced": [
            {
                "start": span.start,
                "end": span.end,
                "text": span.text,
                "kind": span.kind,
                "by": span.by,
            }
            for span in told.spans
        ],
    }


def _place(place: StackPlace) -> dict[str, Any]:
    return {
        "function": place.function,
        "place": place.place or None,
        "line": place.line,
        "library": place.library or None,
        "counts": place.counts,
        "why": place.why.value,
    }


def _grouping(rule: str, grouping: Grouping) -> dict[str, Any]:
    """Without a fingerprint the error would be in no group."""
    fingerprint = grouping.fingerprint
    return {
        "rule": rule,
        "id": error_id(fingerprint) if fingerprint else None,
        "fingerprint": fingerprint or None,
        "key": grouping.key[:MAX_KEY_CHARACTERS] or None,
        "decidedBy": grouping.rule if fingerprint else None,
    }


def _settings(settings: GroupingSettings) -> dict[str, Any]:
    return {
        "rule": settings.rule,
        "keywords": settings.keywords,
        "expectedApiErrors": settings.expected_api_errors,
        "expectedEnvironmentErrors": settings.expected_environment_errors,
    }
