"""Making and revoking keys and tokens in the admin."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db.models import Model
from django.test import Client

from runs_app.admin.credentials import ApiKeyPages, CredentialAdmin, PersonalAccessTokenPages
from runs_app.models import (
    ApiKey,
    Environment,
    PersonalAccessToken,
    User,
)
from runs_app.services.credentials import digest_of
from tests.admin.conftest import World, page_of
from tests.conftest import Api

SECRET = re.compile(r"tr_(?:prod_sk|pat)_\w+")


def make(client: Client, model: type[Model], values: dict[str, Any]) -> Any:
    """The answer to a filled-in form of a new credential."""
    return client.post(page_of(model, "add"), values)


def secret_on(answer: Any) -> str:
    """The one secret on a page."""
    [secret] = SECRET.findall(answer.content.decode())
    assert isinstance(secret, str)
    return secret


@pytest.fixture
def made(superuser: Client, ours: World, clickhouse_tables: None) -> str:
    """The secret of a key that was just made."""
    values = {"environment": ours[Environment].pk, "name": "new"}
    return secret_on(make(superuser, ApiKey, {**values, "scopes": "read:errors\nread:runs"}))


def test_a_new_key_opens_the_api_within_its_scopes(made: str) -> None:
    assert Api(made).get("/api/v1/errors").status == 200
    assert Api(made).post("/api/v1/runs", []).status == 403


def test_a_new_key_is_shown_once_and_stored_as_a_digest(superuser: Client, made: str) -> None:
    key = ApiKey.objects.get(name="new")
    again = superuser.get(page_of(ApiKey, "change", key.pk)).content.decode()

    assert made not in again
    assert key.digest == digest_of(made)
    assert key.digest not in again
    assert key.scopes == ["read:errors", "read:runs"]
    assert made not in str(list(ApiKey.objects.values()))


def test_a_revoked_key_opens_nothing(superuser: Client, made: str) -> None:
    key = ApiKey.objects.get(name="new")

    superuser.post(
        page_of(ApiKey, "changelist"), {"action": "revoke", "_selected_action": [key.pk]}
    )

    assert Api(made).get("/api/v1/errors").status == 401
    assert "Revoked." in superuser.get(page_of(ApiKey, "history", key.pk)).content.decode()


def test_a_key_revoked_twice_keeps_its_first_time(superuser: Client, made: str) -> None:
    key = ApiKey.objects.get(name="new")
    form = {"action": "revoke", "_selected_action": [key.pk]}
    superuser.post(page_of(ApiKey, "changelist"), form)
    first = ApiKey.objects.get(pk=key.pk).revoked_at

    superuser.post(page_of(ApiKey, "changelist"), form)

    assert ApiKey.objects.get(pk=key.pk).revoked_at == first


def test_a_key_is_renamed_but_not_moved(superuser: Client, ours: World, theirs: World) -> None:
    key = ours[ApiKey]

    superuser.post(
        page_of(ApiKey, "change", key.pk),
        {
            "name": "renamed",
            "scopes": "read:errors",
            "expires_at_0": "2030-01-01",
            "expires_at_1": "00:00:00",
            "environment": theirs[Environment].pk,
            "digest": "0" * 64,
            "last_four": "0000",
        },
    )

    after = ApiKey.objects.get(pk=key.pk)
    assert (after.name, after.scopes) == ("renamed", ["read:errors"])
    assert after.expires_at is not None
    assert (after.environment, after.digest, after.last_four) == (
        key.environment,
        key.digest,
        key.last_four,
    )


@pytest.mark.parametrize(
    "text", ["read:errors,write:runs", "read:errors write:runs,", "read:errors\nwrite:runs"]
)
def test_scopes_may_stand_on_lines_or_between_commas(
    superuser: Client, ours: World, text: str
) -> None:
    superuser.post(
        page_of(ApiKey, "add"),
        {"environment": ours[Environment].pk, "name": "narrow", "scopes": text},
    )

    assert ApiKey.objects.get(name="narrow").scopes == ["read:errors", "write:runs"]


def test_commas_alone_do_not_open_everything(superuser: Client, ours: World) -> None:
    page = superuser.post(
        page_of(ApiKey, "add"),
        {"environment": ours[Environment].pk, "name": "commas", "scopes": ", ,"},
    )

    assert page.status_code == 200
    assert not ApiKey.objects.filter(name="commas").exists()


@pytest.mark.parametrize("scopes", ["nonsense", "read:errors bad", ":", '["read:errors"]'])
def test_what_is_no_scope_is_refused(superuser: Client, ours: World, scopes: str) -> None:
    page = superuser.post(
        page_of(ApiKey, "add"),
        {"environment": ours[Environment].pk, "name": "new", "scopes": scopes},
    )

    assert page.status_code == 200
    assert "is no scope" in page.content.decode()
    assert not ApiKey.objects.filter(name="new").exists()


def test_a_new_token_is_shown_once(superuser: Client, ours: World) -> None:
    answer = make(superuser, PersonalAccessToken, {"user": ours[User].pk, "name": "new"})

    token = PersonalAccessToken.objects.get(name="new")
    assert (token.user, token.digest) == (ours[User], digest_of(secret_on(answer)))
    assert token.revoked_at is None


@pytest.mark.parametrize("button", ["_save", "_continue", "_addanother"])
@pytest.mark.parametrize("model", [ApiKey, PersonalAccessToken])
def test_a_secret_stays_on_its_page_alone(
    superuser: Client, ours: World, model: type[Model], button: str
) -> None:
    superuser.get("/admin/")
    values = {"environment": ours[Environment].pk, "user": ours[User].pk, "name": "new"}

    answer = make(superuser, model, {**values, button: "yes"})

    secret = secret_on(answer)
    pk = model._default_manager.get(name="new").pk
    later = [
        superuser.get(path).content.decode()
        for path in (page_of(model, "change", pk), page_of(model, "changelist"), "/admin/")
    ]
    assert "no-store" in answer.headers["Cache-Control"]
    assert secret not in str(superuser.cookies)
    assert all(secret not in str(one.get_decoded()) for one in Session.objects.all())
    assert all(secret not in str(vars(one)) for one in LogEntry.objects.all())
    assert all(secret not in page for page in later)


def test_a_page_that_asks_for_a_secret_has_one_button(superuser: Client, ours: World) -> None:
    page = superuser.get(page_of(ApiKey, "add")).content.decode()

    assert 'name="_save"' in page
    assert "_addanother" not in page
    assert "_continue" not in page


def test_a_key_tells_who_made_and_who_revoked_it(
    staff: Client, superuser: Client, ours: World
) -> None:
    make(staff, ApiKey, {"environment": ours[Environment].pk, "name": "new"})
    key = ApiKey.objects.get(name="new")
    revoke = {"action": "revoke", "_selected_action": [key.pk]}

    superuser.post(page_of(ApiKey, "changelist"), revoke)

    key.refresh_from_db()
    page = superuser.get(page_of(ApiKey, "change", key.pk)).content.decode()
    assert key.created_by == ours[User]
    assert key.revoked_by == User.objects.get(username="root")
    assert "Created by:" in page
    assert "Revoked by:" in page
    assert "ours-member" in page
    assert "root" in page


def test_a_token_tells_in_its_history_who_made_it(superuser: Client, ours: World) -> None:
    make(superuser, PersonalAccessToken, {"user": ours[User].pk, "name": "new"})

    token = PersonalAccessToken.objects.get(name="new")
    history = superuser.get(page_of(PersonalAccessToken, "history", token.pk))
    assert "root" in history.content.decode()
    [entry] = LogEntry.objects.filter(object_id=str(token.pk))
    assert entry.user == User.objects.get(username="root")


def test_a_key_tells_when_it_was_used(superuser: Client, ours: World) -> None:
    key = ours[ApiKey]
    ApiKey.objects.filter(pk=key.pk).update(last_used_at=datetime(2025, 3, 4, tzinfo=UTC))

    pages = [
        superuser.get(path).content.decode()
        for path in (page_of(ApiKey, "change", key.pk), page_of(ApiKey, "changelist"))
    ]

    assert all("March 4, 2025" in page for page in pages)


def test_a_token_is_revoked(superuser: Client, ours: World) -> None:
    token = ours[PersonalAccessToken]

    superuser.post(
        page_of(PersonalAccessToken, "changelist"),
        {"action": "revoke", "_selected_action": [token.pk]},
    )

    token.refresh_from_db()
    assert token.revoked_at is not None


@pytest.mark.parametrize("model", [ApiKey, PersonalAccessToken])
def test_a_credential_cannot_be_deleted(superuser: Client, ours: World, model: type[Model]) -> None:
    answer = superuser.post(page_of(model, "delete", ours[model].pk), {"post": "yes"})

    assert answer.status_code == 403
    assert model._default_manager.filter(pk=ours[model].pk).exists()


@pytest.mark.parametrize("model", [ApiKey, PersonalAccessToken])
def test_digests_are_neither_shown_nor_searched(
    superuser: Client, ours: World, model: type[Model]
) -> None:
    credential = ours[model]
    pages = (page_of(model, "changelist"), page_of(model, "change", credential.pk))

    for page in pages:
        assert credential.digest not in superuser.get(page).content.decode()
    guess = superuser.get(
        page_of(model, "changelist"), {"digest__startswith": credential.digest[:1]}
    )
    assert guess.status_code == 400


@pytest.mark.parametrize(
    ("model", "pages"),
    [(ApiKey, ApiKeyPages), (PersonalAccessToken, PersonalAccessTokenPages)],
)
def test_a_form_does_not_undo_a_revocation_of_the_same_moment(
    superuser: Client,
    ours: World,
    model: type[Model],
    pages: type[CredentialAdmin],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = pages.get_object

    def read_and_be_overtaken(*args: Any) -> Any:
        credential = read(*args)
        model._default_manager.filter(pk=credential.pk).update(revoked_at=datetime.now(UTC))
        return credential

    monkeypatch.setattr(pages, "get_object", read_and_be_overtaken)
    superuser.post(page_of(model, "change", ours[model].pk), {"name": "renamed", "scopes": ""})

    after = model._default_manager.get(pk=ours[model].pk)
    assert (after.name, after.revoked_at is None) == ("renamed", False)
