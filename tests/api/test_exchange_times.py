"""When a token ends that was exchanged for a person's."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runs_app.domain.times import utc_now
from runs_app.models import Membership, PersonalAccessToken
from runs_app.services.credentials import create_personal_access_token
from tests.api.expectations import faults
from tests.api.granted import about, ends_at, exchange, lifetime_of
from tests.conftest import Api, Workspace
from tests.people import Person, actor_token_of

RUNS = "/api/v1/runs"


def test_a_token_lives_an_hour_where_nothing_is_said(shop: Workspace, member: Person) -> None:
    assert about(lifetime_of(exchange(member.api, shop)), timedelta(hours=1))


@pytest.mark.parametrize(
    ("given", "lifetime"),
    [
        (600, timedelta(minutes=10)),
        (600.0, timedelta(minutes=10)),
        ("30m", timedelta(minutes=30)),
        ("2 days", timedelta(days=2)),
        ("1 hour from now", timedelta(hours=1)),
        (2_592_000, timedelta(days=30)),
        (None, timedelta(hours=1)),
    ],
)
def test_the_time_asked_for_is_granted(
    shop: Workspace, member: Person, given: Any, lifetime: timedelta
) -> None:
    answer = exchange(member.api, shop, expirationTime=given)

    assert about(lifetime_of(answer), lifetime)


def test_a_moment_is_taken_to_the_second(shop: Workspace, member: Person) -> None:
    epoch = int((utc_now() + timedelta(days=3)).timestamp())

    answer = exchange(member.api, shop, expirationTime=epoch)

    assert ends_at(answer) == datetime.fromtimestamp(epoch, UTC)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (0, "not_ahead"),
        (-60, "not_ahead"),
        (0.5, "not_ahead"),
        ("0s", "not_ahead"),
        ("1h ago", "not_ahead"),
        (1_000_000_001, "not_ahead"),
        (2_592_001, "too_far"),
        ("31 days", "too_far"),
        ("1 year", "too_far"),
        (10**40, "too_far"),
        ("", "invalid"),
        ("soon", "invalid"),
        ("3600", "invalid"),
        (True, "invalid"),
        ([1], "invalid"),
        ({"seconds": 1}, "invalid"),
    ],
)
def test_a_time_that_will_not_do_is_refused(
    shop: Workspace, member: Person, given: Any, code: str
) -> None:
    answer = exchange(member.api, shop, expirationTime=given)

    assert faults(answer) == {("/body/expirationTime", code)}


def test_this_very_second_is_not_ahead(shop: Workspace, member: Person) -> None:
    answer = exchange(member.api, shop, expirationTime=int(utc_now().timestamp()))

    assert faults(answer) == {("/body/expirationTime", "not_ahead")}


def test_the_longest_time_is_a_setting(shop: Workspace, member: Person, settings: Any) -> None:
    settings.MAX_TOKEN_DAYS = 1

    assert exchange(member.api, shop, expirationTime="24h").status == 200
    answer = exchange(member.api, shop, expirationTime="25h")
    assert "may lie 1 day ahead at most" in str(answer.body)


def test_a_token_never_outlives_what_it_was_exchanged_for(shop: Workspace, member: Person) -> None:
    until = utc_now() + timedelta(minutes=10)
    short = create_personal_access_token(member.user, name="short", expires_at=until)
    actor = actor_token_of(member, lifetime=timedelta(minutes=5))

    of_short = exchange(Api(short), shop, expirationTime="1h")
    of_actor = exchange(Api(actor), shop, expirationTime="1h")

    assert ends_at(of_short) == until.replace(microsecond=0)
    assert about(lifetime_of(of_actor), timedelta(minutes=5))


def test_a_token_may_end_before_what_it_was_exchanged_for(shop: Workspace, member: Person) -> None:
    answer = exchange(Api(actor_token_of(member)), shop, expirationTime=60)

    assert lifetime_of(answer) <= timedelta(minutes=1)


def test_a_token_ends_with_the_persons_token_and_membership(
    shop: Workspace, member: Person
) -> None:
    tokens = [
        exchange(member.api, shop).body["token"],
        exchange(Api(actor_token_of(member)), shop).body["token"],
    ]
    assert [Api(token).get(RUNS).status for token in tokens] == [403, 403]

    membership = Membership.objects.get(user=member.user)
    membership.delete()
    assert [Api(token).get(RUNS).status for token in tokens] == [401, 401]

    membership.save()
    PersonalAccessToken.objects.filter(user=member.user).update(revoked_at=utc_now())
    assert [Api(token).get(RUNS).status for token in tokens] == [401, 401]
