"""Every code of the API's errors: its status, its words, its page under `/docs/errors/`.

A code is stable for ever. A new one is added here and on a subclass of a domain category, whose
status it shares.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """`title` goes into the body; `meaning` is for the page; `hint` is the body's default."""

    code: str
    status: int
    title: str
    meaning: str
    hint: str | None = None


_ENTRIES: Final = (
    CatalogueEntry(
        code="invalid_input",
        status=400,
        title="Invalid input",
        meaning=(
            "The request breaks a rule. The member details names every failing field: path is "
            "the place (/body, /query, /header) and a JSON pointer into it, code is a stable word."
        ),
    ),
    CatalogueEntry(
        code="unauthorized",
        status=401,
        title="Unauthorized",
        meaning=(
            "No credentials came with the request, or they were not accepted. A wrong, revoked, "
            "expired or unknown credential gets the same answer. The header WWW-Authenticate has "
            'error="invalid_token" when something was sent.'
        ),
        hint="Send a valid key or token in the header Authorization: Bearer <key or token>.",
    ),
    CatalogueEntry(
        code="insufficient_scope",
        status=403,
        title="Insufficient scope",
        meaning="The credential is good but lacks a scope that this operation needs.",
        hint="Use a credential that has one of the scopes in permissions.",
    ),
    CatalogueEntry(
        code="forbidden",
        status=403,
        title="Forbidden",
        meaning="The caller is known and may not do this.",
    ),
    CatalogueEntry(
        code="not_found",
        status=404,
        title="Not found",
        meaning="There is no such thing, or it is not the caller's: the answer is the same.",
    ),
    CatalogueEntry(
        code="method_not_allowed",
        status=405,
        title="Method not allowed",
        meaning="The address exists and does not take this method.",
        hint="The header Allow lists the methods that this address takes.",
    ),
    CatalogueEntry(
        code="not_acceptable",
        status=406,
        title="Not acceptable",
        meaning="The header Accept rules out JSON, which is all that this API speaks.",
        hint="Send Accept: application/json, or leave the header out.",
    ),
    CatalogueEntry(
        code="request_timeout",
        status=408,
        title="Request timeout",
        meaning=(
            "The body stopped arriving before its end: the client stalled or went away. Nothing "
            "of it was taken, and the same request may succeed."
        ),
        hint="Send the same request again, whole.",
    ),
    CatalogueEntry(
        code="conflict",
        status=409,
        title="Conflict",
        meaning=(
            "The state of things is in the way; detail says what. Sending the same request again "
            "does not help unless retryable is true."
        ),
    ),
    CatalogueEntry(
        code="ambiguous_error_id",
        status=409,
        title="Ambiguous error id",
        meaning=(
            "Several tasks share this error id, and a change must not hit one of them at random."
        ),
        hint="Say which task is meant with the query parameter taskIdentifier.",
    ),
    CatalogueEntry(
        code="payload_too_large",
        status=413,
        title="Payload too large",
        meaning="The request is over a limit; detail names the limit.",
        hint="Split the request into smaller ones.",
    ),
    CatalogueEntry(
        code="unsupported_media_type",
        status=415,
        title="Unsupported media type",
        meaning="The header Content-Type names a form that this address does not read.",
        hint="Send the body as JSON, with Content-Type: application/json.",
    ),
    CatalogueEntry(
        code="rate_limited",
        status=429,
        title="Too many requests",
        meaning="The caller's allowance is used up for now. The header Retry-After has the wait.",
        hint="Wait for as many seconds as the header Retry-After says.",
    ),
    CatalogueEntry(
        code="internal_error",
        status=500,
        title="Internal error",
        meaning="Something broke inside. The log has the cause under the id in instance.",
        hint="Report the request id to whoever runs this installation.",
    ),
    CatalogueEntry(
        code="service_unavailable",
        status=503,
        title="Service unavailable",
        meaning=(
            "A store is away or overloaded, or the query is too big for its limits. The header "
            "Retry-After has the wait."
        ),
        hint="Send the same request again after the seconds in the header Retry-After.",
    ),
)

CATALOGUE: Final[Mapping[str, CatalogueEntry]] = MappingProxyType(
    {entry.code: entry for entry in _ENTRIES}
)
