"""A reported run: what a client may send, field by field, and what is wrong with it when it is.

Decoding is msgspec's: this is the hot path. Only a report that fails is looked at a second time,
field by field, so that every failing field is named at once.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from runs_app.domain.errors import Detail
from runs_app.domain.report_bodies import mend_surrogates
from runs_app.domain.run_status import ApiRunStatus, RunStatus, stored_from_input
from runs_app.domain.times import to_milliseconds

Id = Annotated[str, Meta(min_length=1, max_length=128)]
Name = Annotated[str, Meta(min_length=1, max_length=255)]
Short = Annotated[str, Meta(max_length=255)]
Label = Annotated[str, Meta(max_length=64)]
Version = Annotated[str, Meta(max_length=100)]
Tags = Annotated[list[Annotated[str, Meta(max_length=255)]], Meta(max_length=100)]
Amount = Annotated[float, Meta(ge=0, le=1e15)]
Whole = Annotated[int, Meta(ge=0, le=2_147_483_647)]

ID_PATTERN: Final = re.compile(r"[A-Za-z0-9_.:@~=+-]+")
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
NAMED_TYPE: Final = re.compile(r"`(\w+)(?: \| null)?`")
TYPES: Final[Mapping[str, str]] = {
    "bool": "boolean",
    "datetime": "time",
    "float": "number",
    "int": "whole number",
    "str": "string",
}
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
ABSENT: Final = msgspec.Raw(b"")
A_STATUS: Final = f"A status is one of: {', '.join(ApiRunStatus)}."


class ReportedRun(msgspec.Struct, rename="camel", kw_only=True):
    """The members of a report. An absent or null member says nothing about its field."""

    id: Id
    task_identifier: Name
    status: Label
    version: Version | None = None
    queue: Short | None = None
    schedule: Annotated[str, Meta(max_length=128)] | None = None
    batch: Annotated[str, Meta(max_length=128)] | None = None
    idempotency_key: Short | None = None
    machine: Label | None = None
    region: Label | None = None
    ttl: Annotated[str, Meta(max_length=32)] | None = None
    slice: Short | None = None
    tags: Tags | None = None
    attempt_number: Whole | None = None
    depth: Whole | None = None
    is_test: bool | None = None
    duration_ms: Amount | None = None
    cost_in_cents: Amount | None = None
    base_cost_in_cents: Amount | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    queued_at: datetime | None = None
    delayed_until: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    failed_at: datetime | None = None
    expired_at: datetime | None = None
    payload: msgspec.Raw = ABSENT
    output: msgspec.Raw = ABSENT
    metadata: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT


DECODER: Final = msgspec.json.Decoder(ReportedRun)
FIELDS: Final[Mapping[str, msgspec.structs.FieldInfo]] = {
    field.encode_name: field for field in msgspec.structs.fields(ReportedRun)
}
REQUIRED: Final = ("id", "taskIdentifier", "status")
TEXTS: Final = (
    "id", "task_identifier", "version", "queue", "schedule", "batch", "idempotency_key",
    "machine", "region", "ttl", "slice",
)  # fmt: skip
TIMES: Final = (
    "created_at", "updated_at", "queued_at", "delayed_until", "started_at", "finished_at",
    "failed_at", "expired_at",
)  # fmt: skip
CONTENTS: Final = ("payload", "output", "metadata", "error")
# For required members that cannot be read, where the others are checked.
STAND_INS: Final = {"id": "x", "task_identifier": "x", "status": RunStatus.PENDING.value}


@dataclass(frozen=True, slots=True)
class ReportRules:
    """What is allowed of a report received at `now`."""

    now: datetime
    retention: timedelta
    ahead: timedelta = timedelta(hours=1)


class ReportRefused(Exception):
    """One report that cannot be taken: why, and its id where that could be read."""

    def __init__(self, details: list[Detail], run_id: str | None) -> None:
        super().__init__(details[0].message)
        self.details = details
        self.run_id = run_id


def decode_report(item: bytes | msgspec.Raw, path: str, rules: ReportRules) -> ReportedRun:
    """The report in `item`, its times in UTC. Raises ReportRefused with every failing field.

    `path` is where the item stands in the request's body, as a JSON pointer.
    """
    try:
        report = DECODER.decode(item)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        report = _decode_again(bytes(item), path, rules)
    details = _faults(report, path, rules)
    if details:
        raise ReportRefused(details, _readable_id(report.id))
    return report


def status_of(report: ReportedRun) -> RunStatus:
    """The stored status of a report that was decoded."""
    status = stored_from_input(report.status)
    if status is None:
        raise ValueError("The report was not checked.")
    return status


def _decode_again(item: bytes, path: str, rules: ReportRules) -> ReportedRun:
    """Mend what can be mended (lone surrogates); else say all that is wrong."""
    mended = mend_surrogates(item)
    if mended != item:
        try:
            return DECODER.decode(mended)
        except (msgspec.DecodeError, RecursionError):
            pass
    try:
        members = msgspec.json.decode(mended, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError:
        raise ReportRefused(
            [Detail("A run must be a JSON object.", path, "not_an_object")], None
        ) from None
    except RecursionError:
        raise ReportRefused(
            [Detail("The run is nested too deeply.", path, "too_deep")], None
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ReportRefused(
            [Detail("The run is not valid JSON (RFC 8259).", path, "invalid_json")], None
        ) from None
    raise _refusal(members, path, rules)


def _refusal(members: Mapping[str, msgspec.Raw], path: str, rules: ReportRules) -> ReportRefused:
    """All that is wrong with a run's members; those that can be read are checked like a run."""
    details = [
        Detail("This member is required.", f"{path}/{name}", "required")
        for name in REQUIRED
        if name not in members or _is_null(members[name])
    ]
    readable: dict[str, Any] = {}
    for name, raw in members.items():
        field = FIELDS.get(name)
        if field is None or field.name in CONTENTS or _is_null(raw):
            continue
        try:
            readable[field.name] = msgspec.json.decode(raw, type=field.type)
        except msgspec.ValidationError as error:
            details.append(Detail(_expectation(str(error)), f"{path}/{name}", "invalid"))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            details.append(Detail("This is not valid JSON.", f"{path}/{name}", "invalid_json"))
    details.extend(_faults(ReportedRun(**{**STAND_INS, **readable}), path, rules))
    run_id = _readable_id(readable.get("id"))
    return ReportRefused(
        details or [Detail("The run cannot be read.", path, "invalid_json")], run_id
    )


def _is_null(raw: msgspec.Raw) -> bool:
    return bytes(raw).strip() == b"null"


def _expectation(message: str) -> str:
    """msgspec's own words about types and limits, which never hold a value; types by the names they
    have in JSON."""
    words = message.split(" - at ", 1)[0]
    return NAMED_TYPE.sub(lambda found: TYPES.get(found[1], found[1]), words) + "."


def _readable_id(run_id: str | None) -> str | None:
    """The id, to name the run by in an answer, unless it is unusable itself."""
    return run_id if run_id is not None and ID_PATTERN.fullmatch(run_id) else None


def _faults(report: ReportedRun, path: str, rules: ReportRules) -> list[Detail]:
    """What is wrong with values of the right types. Brings the report's times to UTC."""
    details = [*_text_faults(report, path), *_time_faults(report, path, rules)]
    if stored_from_input(report.status) is None:
        details.append(Detail(A_STATUS, f"{path}/status", "unknown_status"))
    return details


def _text_faults(report: ReportedRun, path: str) -> list[Detail]:
    details = []
    if not ID_PATTERN.fullmatch(report.id):
        details.append(
            Detail("An id takes letters, digits and _ . : @ ~ = + - only.", f"{path}/id", "invalid")
        )
    for name in TEXTS[1:]:
        text = getattr(report, name)
        if text is not None and CONTROL.search(text):
            details.append(_control_characters(f"{path}/{_wire_name(name)}"))
    for index, tag in enumerate(report.tags or ()):
        if CONTROL.search(tag):
            details.append(_control_characters(f"{path}/tags/{index}"))
    return details


def _control_characters(path: str) -> Detail:
    return Detail("Control characters are not allowed here.", path, "control_characters")


def _time_faults(report: ReportedRun, path: str, rules: ReportRules) -> list[Detail]:
    """Bring the report's times to UTC and say which are out of range."""
    details = []
    for name in TIMES:
        value = getattr(report, name)
        if value is None:
            continue
        try:
            value = to_milliseconds(value)
        except OverflowError:
            value = None
        if value is None or not EARLIEST <= value < LATEST:
            details.append(
                Detail(
                    "The time must lie between the years 2000 and 2200.",
                    f"{path}/{_wire_name(name)}",
                    "out_of_range",
                )
            )
            continue
        setattr(report, name, value)
        details.extend(_window_faults(name, value, path, rules))
    return details


def _window_faults(name: str, value: datetime, path: str, rules: ReportRules) -> list[Detail]:
    checks: tuple[tuple[Callable[[], bool], str], ...] = ()
    if name == "created_at":
        checks = (
            (lambda: value < rules.now - rules.retention, "is older than the retention period"),
            (lambda: value > rules.now + rules.ahead, "is more than an hour in the future"),
        )
    elif name == "updated_at":
        checks = ((lambda: value > rules.now + rules.ahead, "is more than an hour in the future"),)
    return [
        Detail(f"The time {words}.", f"{path}/{_wire_name(name)}", "out_of_range")
        for wrong, words in checks
        if wrong()
    ]


def _wire_name(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)
