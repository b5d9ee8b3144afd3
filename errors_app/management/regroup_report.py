"""What other grouping settings would change, for people and for programs to read."""

from collections.abc import Iterator
from typing import Any, Final

from errors_app.services.regroup import RegroupingPreview
from runs_app.domain.grouping.reported import ReportedError
from runs_app.domain.grouping.settings import GroupingSettings
from runs_app.domain.ids import error_id
from runs_app.domain.log_lines import UNWRITABLE
from runs_app.domain.regrouping import Changes, Example, Part
from runs_app.domain.tenant import Tenant

SHOWN_CHARACTERS: Final = 100
JSON_CHARACTERS: Final = 500
READ_CHARACTERS: Final = 2_000


def as_lines(tenant: Tenant, wanted: GroupingSettings, preview: RegroupingPreview) -> Iterator[str]:
    """For people, on a terminal."""
    found = preview.regrouping
    yield (
        f"environment {tenant.environment_slug} ({tenant.environment_id}):"
        f" {_said(tenant.grouping)}; asked for: {_said(wanted)}"
    )
    yield f"  {_number(found.runs, 'failed run')} in {_number(found.before, 'group')}"
    if not found.runs:
        return
    yield f"  they would be in {_number(found.after, 'group')}"
    yield f"  {found.kept:,} would neither merge nor split; {found.affected:,} runs in the others"
    merges, splits = found.merges, found.splits
    yield f"  merge: {_number(merges.others, 'group')} would become {merges.groups:,}"
    yield from _examples(merges, preview, "made of")
    yield f"  split: {_number(splits.groups, 'group')} would become {splits.others:,}"
    yield from _examples(splits, preview, "parted into")
    if found.leave:
        yield f"  {_number(found.leave, 'run')} would be in no group any more"
    if found.enter:
        yield f"  {_number(found.enter, 'run')} would come into a group, being in none now"


def as_members(
    tenant: Tenant, wanted: GroupingSettings, preview: RegroupingPreview
) -> dict[str, Any]:
    """For programs: the same, by the names that the API has for such things."""
    found = preview.regrouping
    return {
        "environmentId": tenant.environment_id,
        "environment": tenant.environment_slug,
        "now": _settings(tenant.grouping),
        "wanted": _settings(wanted),
        "runs": found.runs,
        "groups": found.before,
        "wantedGroups": found.after,
        "keptGroups": found.kept,
        "affectedRuns": found.affected,
        "runsLeavingGroups": found.leave,
        "runsEnteringGroups": found.enter,
        "merges": {
            "groups": found.merges.others,
            "wantedGroups": found.merges.groups,
            "runs": found.merges.runs,
            "largest": [_example(one, preview) for one in found.merges.examples],
        },
        "splits": {
            "groups": found.splits.groups,
            "wantedGroups": found.splits.others,
            "runs": found.splits.runs,
            "largest": [_example(one, preview) for one in found.splits.examples],
        },
    }


def _examples(changes: Changes, preview: RegroupingPreview, verb: str) -> Iterator[str]:
    for example in changes.examples:
        yield (
            f"    {error_id(example.fingerprint)} of {_on_one_line(example.task_identifier)}:"
            f" {_number(example.runs, 'run')}, {verb} {_number(example.groups, 'group')}"
        )
        for part in example.parts:
            yield (
                f"      {error_id(part.fingerprint)}: {_number(part.runs, 'run')},"
                f" such as {_shown(preview.errors.get(part.example))}"
            )
        if example.groups > len(example.parts):
            yield f"      and {example.groups - len(example.parts):,} more"
    if changes.groups > len(changes.examples):
        yield f"    and {changes.groups - len(changes.examples):,} more such"


def _example(example: Example, preview: RegroupingPreview) -> dict[str, Any]:
    return {
        "id": error_id(example.fingerprint),
        "taskIdentifier": example.task_identifier,
        "runs": example.runs,
        "groups": example.groups,
        "parts": [_part(part, preview.errors.get(part.example)) for part in example.parts],
    }


def _part(part: Part, error: ReportedError | None) -> dict[str, Any]:
    return {
        "id": error_id(part.fingerprint),
        "runs": part.runs,
        "errorType": None if error is None else error.type[:JSON_CHARACTERS],
        "errorMessage": None if error is None else error.message[:JSON_CHARACTERS],
    }


def _settings(settings: GroupingSettings) -> dict[str, Any]:
    return {"rule": settings.rule, "keywords": settings.keywords}


def _said(settings: GroupingSettings) -> str:
    return f"rule {settings.rule}{', keywords' if settings.keywords else ''}"


def _shown(error: ReportedError | None) -> str:
    """Type and message; the run may be gone by now."""
    if error is None:
        return "a run that is gone"
    text = f"{error.type}: {error.message[:READ_CHARACTERS]}"
    line = _on_one_line(" ".join(text.split()))
    return line if len(line) <= SHOWN_CHARACTERS else line[: SHOWN_CHARACTERS - 3] + "..."


def _on_one_line(text: str) -> str:
    """Without anything that a terminal would obey."""
    return UNWRITABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
