"""`whoami` and `mint-token` of the published CLI, with a profile in its own configuration file."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import jwt
import pytest

from tests.published_clients.packages import trigger
from tests.published_clients.service import Service

pytestmark = pytest.mark.timeout(360)

Trigger = Callable[..., "CompletedProcess[str]"]
# Of the right form, and nobody's.
WRONG = "tr_pat_" + "a" * 40


@pytest.fixture
def configuration(service: Service, tmp_path: Path) -> dict[str, str]:
    """Where the CLI finds its profiles: the default one, and one with a wrong token."""
    tokens = {"default": service.personal_access_token, "wrong": WRONG}
    file = tmp_path / "trigger" / "config.json"
    file.parent.mkdir()
    profiles = {
        name: {"accessToken": token, "apiUrl": service.url} for name, token in tokens.items()
    }
    file.write_text(json.dumps({"version": 2, "currentProfile": "default", "profiles": profiles}))
    return {"XDG_CONFIG_HOME": str(tmp_path)}


@pytest.fixture
def cli(configuration: dict[str, str], tmp_path: Path) -> Trigger:
    """The CLI in a project of its own: it asks about projects from inside of one only."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "package.json").write_text("{}")
    (project / "package-lock.json").write_text("{}")
    (project / "trigger.config.mjs").write_text(
        "export default { project: 'proj_zzzzzzzzzzzzzzzzzzzz', dirs: ['.'], maxDuration: 60 };"
    )

    def run(*arguments: str) -> "CompletedProcess[str]":
        return trigger(*arguments, directory=project, **configuration)

    return run


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def test_whoami_shows_the_person_and_no_project_that_is_not_theirs(
    service: Service, cli: Trigger
) -> None:
    shown = cli("whoami")

    assert shown.returncode == 0, shown.stderr
    assert "Retrieved your account details" in shown.stdout
    assert f"User ID: {service.user_id()}" in shown.stdout
    assert f"Email:   {service.user_id()}@no-email.invalid" in shown.stdout
    assert f"URL:     {service.url}" in shown.stdout
    assert "Project details" not in shown.stdout


def test_whoami_shows_a_project_of_the_persons_own(service: Service, cli: Trigger) -> None:
    shown = cli("whoami", "--project-ref", service.project_ref)

    assert shown.returncode == 0, shown.stderr
    assert f"User ID: {service.user_id()}" in shown.stdout
    assert f"Project details [{service.project_ref}]" in shown.stdout
    assert "Name: Default project" in shown.stdout
    assert "Org:  Default organization" in shown.stdout
    assert f"URL:  {service.url}/admin/runs_app/project/" in shown.stdout


def test_whoami_tells_that_a_token_is_wrong(cli: Trigger) -> None:
    shown = cli("whoami", "--profile", "wrong")

    assert "You must login first" in shown.stdout
    assert "Whoami failed: unauthorized" in shown.stdout
    assert "User ID" not in shown.stdout


def test_a_minted_token_stands_alone_on_stdout_and_acts_for_the_person(
    service: Service, cli: Trigger
) -> None:
    failed = {"id": "run_cli", "taskIdentifier": "of-cli", "status": "FAILED", "error": "Boom"}
    service.report("preview", failed)
    key = service.keys["preview"]
    [group] = service.get("/api/v1/errors?filter[taskIdentifier]=of-cli", key).body["data"]

    minted = cli("mint-token", "--cap", "write:errors, read:errors")
    token = service.exchange("preview", "write:errors", credential=minted.stdout.strip())
    resolved = service.post(f"/api/v1/errors/{group['id']}/resolve", {}, token)

    assert minted.returncode == 0, minted.stderr
    assert minted.stdout == minted.stdout.split()[0] + "\n"
    assert minted.stdout.startswith("tr_uat_")
    assert minted.stderr.startswith("Minted token for ")
    assert minted.stderr.endswith(" (expires in 3600s)\n")
    assert claims_of(token)["act"] == {"sub": service.user_id(), "client": "cli"}
    assert (resolved.status, resolved.body["resolvedBy"]) == (200, service.user_id())


def test_a_minted_token_keeps_to_its_lifetime_its_cap_and_its_client(
    service: Service, cli: Trigger
) -> None:
    minted = cli("mint-token", "--ttl", "60", "--cap", "read:errors", "--client", "deploys")
    token = service.exchange(
        "prod", "read:errors", "write:errors", "read:runs", credential=minted.stdout.strip()
    )

    claims = claims_of(token)
    assert minted.stderr.endswith(" (expires in 60s)\n")
    assert claims["scopes"] == ["read:errors"]
    assert claims["act"]["client"] == "deploys"
    assert claims["exp"] - claims["iat"] <= 60
    assert service.get("/api/v1/errors", token).status == 200
    assert service.get("/api/v1/runs", token).status == 403


def test_a_minted_token_without_a_cap_only_reads(service: Service, cli: Trigger) -> None:
    minted = cli("mint-token")

    token = service.exchange(
        "prod", "read:errors", "write:errors", "read:runs", credential=minted.stdout.strip()
    )
    assert claims_of(token)["scopes"] == ["read:errors", "read:runs"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--ttl", "604801"], "Failed to mint token: invalid_input"),
        (["--profile", "wrong"], "You must login first"),
    ],
)
def test_a_token_that_cannot_be_minted_is_no_token(
    cli: Trigger, arguments: list[str], said: str
) -> None:
    refused = cli("mint-token", *arguments)

    assert refused.returncode == 1
    assert said in refused.stdout
    assert "tr_uat_" not in refused.stdout
