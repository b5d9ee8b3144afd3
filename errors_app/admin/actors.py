"""Who changed a group, as the pages of the admin say it."""

from typing import Final

from django.db.models import CharField, F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Concat

from errors_app.domain.groups import ActorKind
from errors_app.models import ErrorGroupActivity
from errors_app.queries.activity import name_of_person
from runs_app.models import ApiKey

# The annotation of `with_keys`.
KEY: Final = "shown_key"


def with_keys(activity: QuerySet[ErrorGroupActivity]) -> QuerySet[ErrorGroupActivity]:
    """With the names and last characters of the keys, within the same query."""
    label = Concat("name", Value(" (…"), "last_four", Value(")"), output_field=CharField())
    keys = ApiKey.objects.filter(pk=OuterRef("api_key_id")).order_by()
    return activity.annotate(**{KEY: Subquery(keys.annotate(label=label).values("label"))})


def newest_changes() -> QuerySet[ErrorGroupActivity]:
    """The last change of every group, with whom it was made by."""
    last = ErrorGroupActivity.objects.filter(state_version=F("state__version"))
    return with_keys(last.select_related("user"))


def who(entry: ErrorGroupActivity) -> str:
    """A person, a key or a rule, and through what they acted. `entry` comes from `with_keys`."""
    through = f", through {entry.client}" if entry.client else ""
    return _name(entry) + through


def _name(entry: ErrorGroupActivity) -> str:
    if entry.actor_kind == ActorKind.RULE:
        return f"rule {entry.rule}"
    if entry.actor_kind == ActorKind.KEY:
        return f"key {getattr(entry, KEY) or entry.api_key_id or 'unknown'}"
    if entry.user is None:
        return "a deleted person"
    name, username = name_of_person(entry.user), entry.user.get_username()
    return name if name == username else f"{name} ({username})"
