"""What the pages of the admin, their cookies and sessions tell."""

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from runs_app.models import (
    ApiKey,
    Environment,
    Membership,
    Organization,
    PersonalAccessToken,
    Project,
    User,
)
from runs_app.services.credentials import digest_of
from runs_app.services.signing_secrets import signing_secret_of
from tests.admin.conftest import page_of
from tests.admin.test_credentials import SECRET
from tests.conftest import Workspace
from tests.people import Person
from tests.secrecy.conftest import PASSWORD, knows_signing
from tests.secrecy.witness import Listening, Witness

MODELS = (Organization, Project, Environment, Membership, User, ApiKey, PersonalAccessToken)


@pytest.fixture
def client(owner: Person) -> Client:
    owner.user.is_staff = owner.user.is_superuser = True
    owner.user.save()
    return Client()


@pytest.fixture
def pages(witness: Witness, client: Client) -> Listening:
    return Listening(witness, client)


def look_at_everything(pages: Listening) -> None:
    """Every page of what has to do with credentials, and so the one that a message would be on."""
    pages.page("GET", reverse("admin:index"))
    for model in MODELS:
        pages.page("GET", page_of(model, "changelist"))
        pages.page("GET", page_of(model, "changelist"), {"q": "test"})
        pages.page("GET", page_of(model, "add"))
        for one in model._default_manager.all():
            for page in ("change", "history", "delete"):
                pages.page("GET", page_of(model, page, one.pk))


def hear_sessions(witness: Witness) -> None:
    for session in Session.objects.all():
        witness.hears("a session", str(session.get_decoded()))


@pytest.mark.parametrize("model", [ApiKey, PersonalAccessToken])
def test_of_a_credential_that_is_made_and_revoked_there(
    pages: Listening,
    client: Client,
    witness: Witness,
    prod: Workspace,
    owner: Person,
    model: type[ApiKey] | type[PersonalAccessToken],
) -> None:
    client.force_login(owner.user)
    form = {"environment": prod.environment.pk, "user": owner.user.pk, "name": "new", "scopes": ""}

    page = pages.page("POST", page_of(model, "add"), form, showing=SECRET)
    [secret] = set(SECRET.findall(page))
    witness.knows(new=secret, new_digest=digest_of(secret))
    hear_sessions(witness)
    look_at_everything(pages)
    chosen = [model.objects.get(name="new").pk]
    revoking = {"action": "revoke", "_selected_action": chosen}
    pages.page("POST", page_of(model, "changelist"), revoking)
    look_at_everything(pages)
    hear_sessions(witness)

    assert model.objects.get(name="new").revoked_at is not None
    assert page.count(secret) == 1


def test_of_a_signing_secret_that_is_rotated_there(
    pages: Listening, client: Client, witness: Witness, prod: Workspace, owner: Person
) -> None:
    client.force_login(owner.user)
    knows_signing(witness, prod)
    before = signing_secret_of(str(prod.environment.id))
    rotating = reverse(
        "admin:runs_app_environment_rotate_signing_secret", args=[prod.environment.pk]
    )

    asked = pages.page("GET", rotating)
    pages.page("POST", rotating, {"confirmed": "yes"})
    witness.knows(new_signing_secret=signing_secret_of(str(prod.environment.id)))
    look_at_everything(pages)
    hear_sessions(witness)

    assert "<form" in asked
    assert signing_secret_of(str(prod.environment.id)) != before


def test_of_a_password(pages: Listening, client: Client, witness: Witness, owner: Person) -> None:
    wrong = f"{PASSWORD}-but-wrong"
    witness.knows(wrong_password=wrong)
    login = reverse("admin:login")

    pages.page("POST", login, {"username": owner.user.username, "password": wrong})
    pages.page("POST", login, {"username": "nobody", "password": PASSWORD})
    pages.page("POST", login, {"username": owner.user.username, "password": PASSWORD})
    owner.user.refresh_from_db()
    witness.knows(hash_since_the_login=owner.user.password)
    changing = reverse("admin:auth_user_password_change", args=[owner.user.pk])
    pages.page("POST", changing, {"password1": PASSWORD, "password2": wrong})
    look_at_everything(pages)
    hear_sessions(witness)

    assert str(owner.user.pk) in str([one.get_decoded() for one in Session.objects.all()])


def test_of_a_secret_that_is_put_where_it_does_not_belong(
    pages: Listening, client: Client, prod: Workspace, owner: Person
) -> None:
    """Into the address line and into forms: it is on the page that is answered and in no log."""
    client.force_login(owner.user)

    client.get(page_of(ApiKey, "changelist"), {"digest__startswith": digest_of(prod.key)})
    client.get(page_of(ApiKey, "changelist"), {"q": prod.key})
    client.post(page_of(ApiKey, "add"), {"name": prod.key, "scopes": prod.key})
