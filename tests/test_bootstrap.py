"""`manage.py bootstrap`: everything once, and no key that nobody knows."""

import json
import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from runs_app.models import (
    ApiKey,
    Environment,
    Membership,
    Organization,
    PersonalAccessToken,
    Project,
    User,
)
from runs_app.services import bootstrap as service
from runs_app.services.credentials import digest_of, find_api_key
from runs_app.services.stores import setup_turn
from tests.conftest import Api

SLUGS = ["dev", "staging", "prod", "preview"]
MODELS = (Organization, Project, Environment, Membership, User, ApiKey, PersonalAccessToken)


@pytest.fixture(autouse=True)
def data(settings, tmp_path: Path, db: None, clickhouse_tables: None) -> Path:
    settings.FAULTLINE_DATA = tmp_path
    return tmp_path


def run(*arguments: str) -> dict[str, Any]:
    return json.loads(text("--json", *arguments))


def text(*arguments: str) -> str:
    out = StringIO()
    call_command("bootstrap", *arguments, stdout=out)
    return out.getvalue()


def is_active(token: str) -> bool:
    found = PersonalAccessToken.objects.get(digest=digest_of(token))
    return found.revoked_at is None


def test_the_first_run_prints_everything_and_keeps_it(data: Path) -> None:
    printed = run()

    organization = Organization.objects.get()
    project = organization.projects.get()
    assert list(printed) == [
        "organization",
        "project",
        "environments",
        "superuser",
        "personalAccessToken",
    ]
    assert printed["organization"] == {"id": str(organization.id), "slug": "default"}
    assert printed["project"] == {"id": str(project.id), "ref": project.external_ref}
    assert list(printed["environments"]) == SLUGS
    for slug, environment in printed["environments"].items():
        assert set(environment) == {"id", "apiKey"}
        key = find_api_key(environment["apiKey"])
        assert key is not None
        assert str(key.environment.id) == environment["id"]
        assert key.environment.slug == slug
    user = User.objects.get(username=printed["superuser"]["username"])
    assert user.is_superuser
    assert user.check_password(printed["superuser"]["password"])
    assert user.memberships.get().role == Membership.Role.OWNER
    assert is_active(printed["personalAccessToken"])
    kept = data / "credentials.json"
    assert json.loads(kept.read_text()) == printed
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_printed_key_opens_the_api() -> None:
    key = run()["environments"]["prod"]["apiKey"]

    assert Api(key).get("/api/v1/errors").status == 200


def test_a_later_run_creates_nothing_and_names_the_file_instead_of_secrets(data: Path) -> None:
    first = run()
    before = [model.objects.count() for model in MODELS]

    later = run()

    assert [model.objects.count() for model in MODELS] == before
    assert later == {
        "organization": first["organization"],
        "project": first["project"],
        "environments": {slug: {"id": first["environments"][slug]["id"]} for slug in SLUGS},
        "superuser": {"username": "admin"},
        "credentials": str(data / "credentials.json"),
    }
    assert first["superuser"]["password"] not in text()
    assert str(data / "credentials.json") in text()


def test_the_readable_form_tells_the_same(data: Path) -> None:
    printed = text()

    kept = json.loads((data / "credentials.json").read_text())
    assert kept["personalAccessToken"] in printed
    assert kept["superuser"]["password"] in printed
    for environment in kept["environments"].values():
        assert environment["apiKey"] in printed
        assert environment["id"] in printed


def test_new_keys_replace_the_old_ones_and_leave_other_keys_alone(data: Path) -> None:
    first = run()
    other = service.create_api_key(Environment.objects.get(slug="prod"), name="deploy")

    renewed = run("--new-keys")

    assert renewed["organization"] == first["organization"]
    assert renewed["superuser"] == first["superuser"]
    for slug in SLUGS:
        assert find_api_key(first["environments"][slug]["apiKey"]) is None
        assert find_api_key(renewed["environments"][slug]["apiKey"]) is not None
    assert not is_active(first["personalAccessToken"])
    assert is_active(renewed["personalAccessToken"])
    assert find_api_key(other) is not None
    assert json.loads((data / "credentials.json").read_text()) == renewed


def test_new_keys_after_the_file_was_lost_leave_out_the_password(data: Path) -> None:
    first = run()
    (data / "credentials.json").unlink()
    assert run()["credentials"] is None

    renewed = run("--new-keys")

    assert renewed["superuser"] == {"username": "admin"}
    assert find_api_key(first["environments"]["prod"]["apiKey"]) is None
    assert find_api_key(renewed["environments"]["prod"]["apiKey"]) is not None


def test_new_keys_do_not_repeat_a_password_that_was_changed() -> None:
    run()
    user = User.objects.get()
    user.set_password("another one")
    user.save(update_fields=["password"])

    assert run("--new-keys")["superuser"] == {"username": "admin"}


def test_a_crash_after_the_commit_leaves_keys_that_the_next_run_knows(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run()
    with monkeypatch.context() as patched:
        patched.setattr(service._CredentialsFile, "publish", crash)
        with pytest.raises(Crash):
            run("--new-keys")

    run()

    kept = json.loads((data / "credentials.json").read_text())
    assert find_api_key(first["environments"]["prod"]["apiKey"]) is None
    assert find_api_key(kept["environments"]["prod"]["apiKey"]) is not None
    assert list(data.glob("*.draft")) == []


def test_a_crash_before_the_commit_leaves_the_old_keys_and_their_file(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run()
    real = service._CredentialsFile.draft

    def draft_and_crash(*arguments: Any) -> None:
        real(*arguments)
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(service._CredentialsFile, "draft", draft_and_crash)
        with pytest.raises(Crash):
            run("--new-keys")

    run()

    assert json.loads((data / "credentials.json").read_text()) == first
    assert find_api_key(first["environments"]["prod"]["apiKey"]) is not None
    assert list(data.glob("*.draft")) == []


def test_a_crash_during_the_first_run_is_as_if_it_had_not_run(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(service._CredentialsFile, "draft", crash)
        with pytest.raises(Crash):
            run()
    assert not Organization.objects.exists()

    assert find_api_key(run()["environments"]["dev"]["apiKey"]) is not None


def test_a_user_named_admin_who_is_no_superuser_is_not_promoted() -> None:
    User.objects.create_user("admin", password="hers")

    with pytest.raises(CommandError, match="rename it first"):
        run()

    assert not User.objects.get().is_superuser
    assert not Organization.objects.exists()


def test_a_superuser_named_admin_keeps_the_password() -> None:
    User.objects.create_superuser("admin", password="hers")

    printed = run()

    assert printed["superuser"] == {"username": "admin"}
    assert User.objects.get().check_password("hers")


def test_the_turn_is_free_again_after_a_failure() -> None:
    with pytest.raises(Crash), setup_turn():
        raise Crash

    with setup_turn():
        assert connection.is_usable()


class Crash(Exception):
    pass


def crash(*_: Any) -> None:
    raise Crash
