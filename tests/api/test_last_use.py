"""When a credential was used last: noted at most once a minute, and never at a caller's cost."""

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from runs_app.domain.callers import PERSONAL_KINDS
from runs_app.models import ApiKey
from runs_app.services.authentication import authenticate
from runs_app.services.locks import file_lock
from tests.api.conftest import Clock
from tests.conftest import Api, Workspace, make_workspace
from tests.people import (
    actor_token_of,
    make_person,
    member_of,
    row_of_key,
    token_of_key,
    token_of_person,
)


def key_of(workspace: Workspace) -> ApiKey:
    return row_of_key(workspace.key)


def use(workspace: Workspace, key: str | None = None) -> None:
    answer = Api(key or workspace.key).get("/api/v1/runs")
    assert answer.status == 200, answer.body


def test_the_first_use_is_noted(prod: Workspace) -> None:
    assert key_of(prod).last_used_at is None

    use(prod)

    assert key_of(prod).last_used_at is not None


def test_a_use_within_the_minute_is_not_noted_again(prod: Workspace, clock: Clock) -> None:
    use(prod)
    first = key_of(prod).last_used_at

    clock.advance(seconds=55)
    use(prod)

    assert key_of(prod).last_used_at == first


def test_a_use_after_the_minute_is_noted(prod: Workspace, clock: Clock) -> None:
    use(prod)
    first = key_of(prod).last_used_at
    assert first is not None

    clock.advance(seconds=61)
    use(prod)

    second = key_of(prod).last_used_at
    assert second is not None
    assert 61 <= (second - first).total_seconds() < 120


@pytest.fixture
def updates() -> Iterator[list[str]]:
    """The statements that change a credential."""
    seen: list[str] = []

    def look(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE") and "last_used_at" in sql:
            seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        yield seen


def test_a_busy_minute_writes_once(prod: Workspace, updates: list[str]) -> None:
    for _ in range(5):
        use(prod)

    assert len(updates) == 1


def test_a_refused_key_is_not_in_use(prod: Workspace) -> None:
    key = key_of(prod)
    ApiKey.objects.update(revoked_at=key.created_at)

    assert prod.api.get("/api/v1/runs").status == 401

    assert key_of(prod).last_used_at is None


def test_a_public_token_counts_for_its_key(prod: Workspace) -> None:
    use(prod, token_of_key(prod, "read:runs"))

    assert key_of(prod).last_used_at is not None


def test_an_exchanged_token_counts_for_its_personal_access_token(prod: Workspace) -> None:
    person = member_of(prod)

    use(prod, token_of_person(prod, person, "read:runs"))

    assert person.row.last_used_at is not None
    assert key_of(prod).last_used_at is None


def test_a_user_actor_token_counts_for_its_personal_access_token(db: None) -> None:
    person = make_person()

    authenticate(actor_token_of(person), PERSONAL_KINDS)

    assert person.row.last_used_at is not None


def test_a_personal_access_token_counts_for_itself_alone(prod: Workspace) -> None:
    person, other = member_of(prod), member_of(prod)

    assert person.api.get("/api/v1/projects").status == 200

    assert person.row.last_used_at is not None
    assert other.row.last_used_at is None


# --- nobody waits for it ------------------------------------------------------------------------


@pytest.fixture
def committed(transactional_db: None, clickhouse_tables: None) -> Iterator[Workspace]:
    """What other sessions of the database see, too. Our own session waits for locks without end."""
    workspace = make_workspace("prod")
    endless = {"sqlite": "PRAGMA busy_timeout = 3600000", "postgresql": "SET lock_timeout = 0"}
    with connection.cursor() as cursor:
        cursor.execute(endless[connection.vendor])
    yield workspace
    connection.close()


@contextmanager
def held_by_another_session(key: ApiKey) -> Iterator[None]:
    """Another session changes the key meanwhile: who waits for it waits for ever."""
    begin = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "BEGIN"}[connection.vendor]
    with closing(connection.copy()) as other, other.cursor() as cursor:
        cursor.execute(begin)
        cursor.execute(
            "UPDATE runs_app_apikey SET name = 'held' WHERE last_four = %s", [key.last_four]
        )
        yield
        cursor.execute("ROLLBACK")


def test_a_held_key_is_used_without_waiting_for_it(
    committed: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    with held_by_another_session(key_of(committed)), caplog.at_level(logging.INFO):
        use(committed)

    assert key_of(committed).last_used_at is None
    assert all(record.levelno <= logging.INFO for record in caplog.records)


def test_the_next_use_is_noted_when_the_database_is_free_again(committed: Workspace) -> None:
    with held_by_another_session(key_of(committed)):
        use(committed)

    use(committed)

    assert key_of(committed).last_used_at is not None


@pytest.mark.parametrize("who", ["key", "person"])
def test_who_finds_a_writer_at_work_leaves_it_for_another_time(
    committed: Workspace, who: str
) -> None:
    person = member_of(committed)
    secret = committed.key if who == "key" else token_of_person(committed, person, "read:runs")

    # While it is held here, a request that waited for the turn would never end.
    with file_lock(settings.FAULTLINE_DATA / "write.lock"):
        use(committed, secret)

    noted = (key_of(committed) if who == "key" else person.row).last_used_at
    assert (noted is None) == (connection.vendor == "sqlite")


def test_other_writes_are_as_patient_as_before(committed: Workspace) -> None:
    before = _patience()

    with held_by_another_session(key_of(committed)):
        use(committed)

    assert _patience() == before


def _patience() -> str:
    """How long this session waits for locks."""
    ask = {"sqlite": "PRAGMA busy_timeout", "postgresql": "SHOW lock_timeout"}
    with connection.cursor() as cursor:
        cursor.execute(ask[connection.vendor])
        [patience] = cursor.fetchone()
    return str(patience)
