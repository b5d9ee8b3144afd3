"""Making and revoking keys and tokens in the admin."""

import re

import pytest
from django.db.models import Model
from django.test import Client

from runs_app.models import ApiKey, Environment, PersonalAccessToken, User
from runs_app.services.credentials import digest_of
from tests.admin.conftest import World, page_of
from tests.conftest import Api

SECRET = re.compile(r"tr_(?:prod_sk|pat)_\w+")


@pytest.fixture
def made(superuser: Client, ours: World, clickhouse_tables: None) -> str:
    """The secret of a key that was just made, read off the page that follows."""
    page = superuser.post(
        page_of(ApiKey, "add"),
        {"environment": ours[Environment].pk, "name": "new", "scopes": "read:errors\nread:runs"},
        follow=True,
    )
    [secret] = SECRET.findall(page.content.decode())
    return secret


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
    page = superuser.post(
        page_of(PersonalAccessToken, "add"), {"user": ours[User].pk, "name": "new"}, follow=True
    )

    [secret] = SECRET.findall(page.content.decode())
    token = PersonalAccessToken.objects.get(name="new")
    assert (token.user, token.digest) == (ours[User], digest_of(secret))
    assert token.revoked_at is None


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
