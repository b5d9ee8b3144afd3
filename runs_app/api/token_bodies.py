"""The bodies with which tokens are asked for. Members that nobody knows are left alone: newer
clients may send more."""

from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from django.conf import settings
from django.core.validators import RegexValidator
from rest_framework import serializers
from rest_framework.request import Request

from runs_app.domain.lifetimes import seconds_ahead
from runs_app.domain.scopes import LONGEST_SCOPE, is_scope
from runs_app.domain.times import utc_now
from runs_app.services.exchange import AskedActorToken, AskedToken
from runs_app.web.json_fields import TextField, WholeNumberField, checked_body

MOST_SCOPES: Final = 100
LONGEST_CLIENT: Final = 255
# The published clients nest it twice.
DEEPEST_REALTIME: Final = 20
# Labels and names are shown in lines and lists: nothing in them ends a line, or turns the direction
# of what is written behind them. (Zero characters are refused for every text.)
ON_ONE_LINE: Final = RegexValidator(
    r"^[^\x01-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]*\Z",
    message="This may have no control characters.",
    code="control_characters",
)
LONGEST_ACTOR_SECONDS: Final = int(timedelta(days=7).total_seconds())


class ScopeField(TextField):
    default_error_messages: ClassVar = {
        "invalid_scope": "A scope is written action:type or action:type:id, such as read:errors, in"
        f" at most {LONGEST_SCOPE} characters."
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not is_scope(text):
            self.fail("invalid_scope")
        return text


class ScopesField(serializers.ListField):
    child = ScopeField()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MOST_SCOPES, **kwargs)


class ExpiryField(serializers.Field[datetime, Any, Any, Any]):
    """When a token shall end: see `domain.lifetimes` for the forms."""

    default_error_messages: ClassVar = {
        "invalid": "A time is a number of seconds or a text such as 30m, 1h or 2 days.",
        "not_ahead": "The time must lie ahead.",
        "too_far": "The time may lie {longest} ahead at most.",
    }

    def to_internal_value(self, data: Any) -> datetime:
        now = utc_now().replace(microsecond=0)
        seconds = self._seconds_ahead(data, now)
        days = settings.MAX_TOKEN_DAYS
        if seconds <= 0:
            self.fail("not_ahead")
        if seconds > timedelta(days=days).total_seconds():
            self.fail("too_far", longest="1 day" if days == 1 else f"{days:,} days")
        return now + timedelta(seconds=seconds)

    def _seconds_ahead(self, data: Any, now: datetime) -> int:
        if isinstance(data, bool) or not isinstance(data, int | float | str):
            self.fail("invalid")
        try:
            return seconds_ahead(data, now)
        except ValueError:
            self.fail("invalid")


class RealtimeField(serializers.DictField):
    """Carried as it is, to a depth that can be written and read again."""

    default_error_messages: ClassVar = {
        "too_deep": f"The value may be nested {DEEPEST_REALTIME} times at most."
    }

    def to_internal_value(self, data: Any) -> dict[Any, Any]:
        if _is_deeper(data, DEEPEST_REALTIME):
            self.fail("too_deep")
        return super().to_internal_value(data)


def _is_deeper(value: Any, most: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return most == 0 or any(_is_deeper(each, most - 1) for each in inner)


class UnlimitedUseField(serializers.Field[bool, Any, Any, Any]):
    """A promise that this server does not keep is refused, and not broken in silence."""

    default_error_messages: ClassVar = {
        "invalid": "This must be true or false.",
        "unsupported": "A token that can be used only once is not supported: ask for one without"
        " oneTimeUse (in the SDK: with multipleUse) and with a short expirationTime.",
    }

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        if data:
            self.fail("unsupported")
        return data


class ActorTokenBody(serializers.Serializer[Any]):
    cap = ScopesField(required=False, allow_null=True)
    client = TextField(
        required=False, allow_null=True, max_length=LONGEST_CLIENT, validators=[ON_ONE_LINE]
    )
    ttlSeconds = WholeNumberField(  # noqa: N815
        required=False, allow_null=True, min_value=1, max_value=LONGEST_ACTOR_SECONDS
    )


class Claims(serializers.Serializer[Any]):
    scopes = ScopesField(required=False, allow_null=True)


class ExchangeBody(serializers.Serializer[Any]):
    claims = Claims(required=False, allow_null=True)
    expirationTime = ExpiryField(required=False, allow_null=True)  # noqa: N815


class PublicTokenBody(serializers.Serializer[Any]):
    # A token that may do nothing is a mistake of whoever asks, as the SDK says, too.
    scopes = ScopesField(allow_empty=False)
    expirationTime = ExpiryField(required=False, allow_null=True)  # noqa: N815
    realtime = RealtimeField(required=False, allow_null=True)
    oneTimeUse = UnlimitedUseField(required=False, allow_null=True)  # noqa: N815


def read_actor_token(request: Request) -> AskedActorToken:
    """Raises a validation error, as the others do."""
    body = checked_body(ActorTokenBody, request)
    cap, seconds = body.get("cap"), body.get("ttlSeconds")
    return AskedActorToken(
        ceiling=None if cap is None else tuple(dict.fromkeys(cap)),
        client=body.get("client"),
        lifetime=None if seconds is None else timedelta(seconds=seconds),
    )


def read_exchange(request: Request) -> AskedToken:
    body = checked_body(ExchangeBody, request)
    claims = body.get("claims") or {}
    return AskedToken(
        scopes=tuple(claims.get("scopes") or ()), expires_at=body.get("expirationTime")
    )


def read_public_token(request: Request) -> AskedToken:
    body = checked_body(PublicTokenBody, request)
    return AskedToken(
        scopes=tuple(body["scopes"]),
        expires_at=body.get("expirationTime"),
        realtime=body.get("realtime"),
    )
