"""Every code of the API's errors: one table, from which bodies, log lines and the pages under
`/docs/errors/` are made.

A code is stable for ever. A new one is added here and on a subclass of a domain category, whose
status it shares.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from runs_app.domain.errors import (
    AccessDenied,
    Conflict,
    DomainError,
    InsufficientScope,
    Interrupted,
    InvalidInput,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
)


class LogPolicy(StrEnum):
    """What a failure leaves in the error log. The request itself always has its line."""

    NOTHING = "nothing"
    SECURITY = "a warning in the security log"
    ERROR = "an error with the stack of its cause"


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One code. `title` and `hint` go into bodies, the rest is for the page.

    `category` None: a refusal of the framework, which is about HTTP and nothing else. `retryable`:
    what bodies say by default, None where it is not known. `happened` is a paragraph, `why` are
    its causes, `todo` what to do about them, in the order to try.
    """

    code: str
    status: int
    title: str
    category: type[DomainError] | None
    happened: str
    why: tuple[str, ...]
    todo: tuple[str, ...]
    log: LogPolicy = LogPolicy.NOTHING
    hint: str | None = None
    retryable: bool | None = None


_ENTRIES: Final = (
    CatalogueEntry(
        code="invalid_input",
        status=400,
        title="Invalid input",
        category=InvalidInput,
        happened=(
            "The request breaks one or more rules of this address, and nothing of it was done."
            " The member details names every failing field at once: path is the place (/body,"
            " /query, /header; / alone is the whole request) with a JSON pointer into it, code is a"
            " stable word, message says what the field takes."
        ),
        why=(
            "A field has the wrong type, is out of range, too long, missing, or given twice.",
            "A filter is not known, or does not know the value.",
            "A page cursor belongs to another list, sort or filter.",
            "The body is not valid JSON.",
        ),
        todo=(
            "Mend every field that details names; fields that are fine are not listed.",
            "Start a list from its first page when a cursor is refused.",
        ),
    ),
    CatalogueEntry(
        code="unauthorized",
        status=401,
        title="Unauthorized",
        category=Unauthenticated,
        happened=(
            "No credentials came with the request, or they were not accepted. For credentials"
            " that were sent the answer is always the same, so that nobody learns from it which"
            ' keys exist: the header WWW-Authenticate then has error="invalid_token".'
        ),
        why=(
            "The header Authorization is missing, or is not of the form Bearer and a key or token.",
            "The key or token is wrong, was revoked, or has expired.",
            "It is of the wrong kind for this address: routes of an environment take API keys and"
            " environment tokens, routes of a person take personal access tokens.",
            "The person behind the token has left the organization.",
        ),
        todo=(
            "Send the header Authorization: Bearer, a space, and the key or token.",
            "Look in the admin whether the key or token still is active.",
            "Exchange a personal access token for an environment token to act in an environment.",
        ),
        hint="Send a valid key or token in the header Authorization: Bearer <key or token>.",
    ),
    CatalogueEntry(
        code="insufficient_scope",
        status=403,
        title="Insufficient scope",
        category=InsufficientScope,
        happened=(
            "The credential is good but lacks a scope that this operation needs. The member"
            " permissions lists scopes of which any one would do, the widest first. This is"
            " decided before anything is looked up: the answer does not tell whether the thing"
            " exists."
        ),
        why=(
            "The API key was made with a list of scopes that leaves this one out.",
            "The token was exchanged or minted with fewer scopes, or for another id.",
            "The person behind the token has become a viewer, who may only read.",
        ),
        todo=(
            "Ask for one of the scopes in permissions when you mint or exchange the token.",
            "Use an API key that has it.",
        ),
        log=LogPolicy.SECURITY,
        hint="Use a credential that has one of the scopes in permissions.",
    ),
    CatalogueEntry(
        code="forbidden",
        status=403,
        title="Forbidden",
        category=AccessDenied,
        happened="The caller is known, and may not do this to that object.",
        why=("The role in the organization is not enough: only owners and admins manage keys.",),
        todo=("Ask an owner or admin of the organization to do it, or to change the role.",),
        log=LogPolicy.SECURITY,
        hint="Ask an owner or admin of the organization.",
    ),
    CatalogueEntry(
        code="not_found",
        status=404,
        title="Not found",
        category=NotFound,
        happened=(
            "There is no such thing, or it is not the caller's: the answer is the same for both."
        ),
        why=(
            "The id or the address is misspelt; a slash at the end of an address counts.",
            "The thing belongs to another environment than the credential's.",
            "It is older than the retention period and was deleted.",
        ),
        todo=(
            "Compare the id with the one that the list shows.",
            "Use a key of the environment that the thing belongs to.",
        ),
        hint="Compare the id with the one in the list, and use a credential of its environment.",
    ),
    CatalogueEntry(
        code="method_not_allowed",
        status=405,
        title="Method not allowed",
        category=None,
        happened="The address exists and does not take this method.",
        why=("A state is changed with POST, not with PUT or PATCH.",),
        todo=("Use one of the methods in the header Allow of the answer.",),
        hint="The header Allow lists the methods that this address takes.",
    ),
    CatalogueEntry(
        code="not_acceptable",
        status=406,
        title="Not acceptable",
        category=None,
        happened="The header Accept rules out JSON, in which every address of the API answers.",
        why=("A client asks for text/html or another form alone.",),
        todo=("Send Accept: application/json, or leave the header out.",),
        hint="Send Accept: application/json, or leave the header out.",
    ),
    CatalogueEntry(
        code="request_timeout",
        status=408,
        title="Request timeout",
        category=Interrupted,
        happened=(
            "The body stopped arriving before its end. Nothing of it was taken, and the same"
            " request may succeed."
        ),
        why=("The client stalled or went away.", "Content-Length is more than what was sent."),
        todo=("Send the same request again, whole.",),
        hint="Send the same request again, whole.",
        retryable=True,
    ),
    CatalogueEntry(
        code="conflict",
        status=409,
        title="Conflict",
        category=Conflict,
        happened=(
            "The state of things is in the way; detail says what. Sending the same request again"
            " does not help unless retryable is true."
        ),
        why=(
            "Somebody else changes the same thing at this moment (then retryable is true).",
            "What it belongs to was deleted at the same moment.",
        ),
        todo=("Read the thing anew and decide again.",),
    ),
    CatalogueEntry(
        code="ambiguous_error_id",
        status=409,
        title="Ambiguous error id",
        category=Conflict,
        happened=(
            "Several tasks share this error id, and a change must not hit one of them at random."
            " detail names the tasks."
        ),
        why=("The same error happens in several tasks, which makes a group in each.",),
        todo=("Add the query parameter taskIdentifier with one of the tasks that detail names.",),
        hint="Say which task is meant with the query parameter taskIdentifier.",
        retryable=False,
    ),
    CatalogueEntry(
        code="bulk_too_large",
        status=409,
        title="Too many groups",
        category=Conflict,
        happened=(
            "More error groups match than one request changes, and none was changed. detail names"
            " both numbers."
        ),
        why=(
            "The filter is wide, or the window long.",
            "The limit of this installation is low: it is set with FAULTLINE_BULK_LIMIT.",
        ),
        todo=(
            "Narrow the filter or the window, and send one request for each part.",
            "Ask whoever runs this installation for a higher limit.",
        ),
        hint="Narrow the filter, and change the groups in several requests.",
        retryable=False,
    ),
    CatalogueEntry(
        code="payload_too_large",
        status=413,
        title="Payload too large",
        category=TooLarge,
        happened="The request is over a limit; detail names the limit. Nothing of it was taken.",
        why=(
            "A report has more runs, or more bytes after decompression, than one request may.",
            "A state change came with far more than its few members.",
        ),
        todo=("Split a report into smaller ones.",),
        hint="Split the request into smaller ones.",
    ),
    CatalogueEntry(
        code="unsupported_media_type",
        status=415,
        title="Unsupported media type",
        category=None,
        happened=(
            "The header Content-Type or Content-Encoding names a form that this address does not"
            " read."
        ),
        why=("The body was sent as a form or as plain text.", "It is compressed, but not by gzip."),
        todo=(
            "Send JSON with Content-Type: application/json; reports also as application/x-ndjson.",
            "Compress the body with gzip, or not at all.",
        ),
        hint="Send the body as JSON, with Content-Type: application/json.",
    ),
    CatalogueEntry(
        code="rate_limited",
        status=429,
        title="Too many requests",
        category=RateLimited,
        happened=(
            "The caller's allowance is used up for now. x-ratelimit-limit has the allowance,"
            " x-ratelimit-reset when it begins anew (epoch milliseconds), Retry-After the wait in"
            " seconds."
        ),
        why=(
            "A credential made more requests in this minute than it may.",
            "Too many credentials were refused that came from this address: good ones still work.",
        ),
        todo=(
            "Wait for as many seconds as Retry-After says, then send the same request again.",
            "Ask whoever runs this installation for a higher limit if this is your usual rate.",
        ),
        hint="Wait for as many seconds as the header Retry-After says.",
        retryable=True,
    ),
    CatalogueEntry(
        code="internal_error",
        status=500,
        title="Internal error",
        category=None,
        happened="Something broke inside. The log has the cause under the id in instance.",
        why=("A bug of this service.",),
        todo=("Report request_id and instance to whoever runs this installation.",),
        log=LogPolicy.ERROR,
        hint="Report the request id to whoever runs this installation.",
    ),
    CatalogueEntry(
        code="service_unavailable",
        status=503,
        title="Service unavailable",
        category=Unavailable,
        happened=(
            "Something that this request needs is not there right now. Unless retryable is false,"
            " the header Retry-After has the wait in seconds. A report that was answered with 503"
            " was not taken."
        ),
        why=(
            "A store is away or overloaded.",
            "The query is too heavy for its limits of time and memory.",
            "Reports are refused for a while, because too many wait or the disk is nearly full (the"
            " log tells once when that begins).",
        ),
        todo=(
            "Send the same request again after the seconds in Retry-After.",
            "Ask for a shorter window or fewer filters if the query is too heavy.",
            "Look at /readyz, which says which part is away.",
        ),
        log=LogPolicy.ERROR,
        hint="Send the same request again after the seconds in the header Retry-After.",
        retryable=True,
    ),
)

CATALOGUE: Final[Mapping[str, CatalogueEntry]] = MappingProxyType(
    {entry.code: entry for entry in _ENTRIES}
)
