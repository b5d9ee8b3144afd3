"""How the packages are installed and run."""

import json
import shutil

import pytest

from tests.optional_parts import missing
from tests.published_clients import packages as installation
from tests.published_clients.packages import PROJECT, install, node

pytestmark = pytest.mark.timeout(360)


def test_the_lock_file_names_no_registry() -> None:
    locked = json.loads((PROJECT / "package-lock.json").read_text())["packages"]

    assert len(locked) > 3
    assert all("resolved" not in package for package in locked.values())
    assert all("integrity" in package for name, package in locked.items() if name)


def test_the_versions_are_those_whose_contract_we_keep() -> None:
    locked = json.loads((PROJECT / "package-lock.json").read_text())["packages"]

    for name in ("@trigger.dev/core", "@trigger.dev/sdk", "trigger.dev"):
        assert locked[""]["dependencies"][name] == "4.8.3"
        assert locked[f"node_modules/{name}"]["version"] == "4.8.3"


def test_a_script_that_would_leave_this_machine_is_ended(packages: None) -> None:
    with pytest.raises(AssertionError, match="A connection to faultline"):
        node(
            "list_runs.mjs",
            {"nothing": {}},
            TRIGGER_API_URL="http://faultline.invalid",
            TRIGGER_SECRET_KEY="tr_prod_sk_" + "a" * 24,
        )


def test_a_machine_without_npm_is_told_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(shutil, "which", {"node": "node"}.get)

    with pytest.raises(pytest.skip.Exception, match="need npm, which is not installed"):
        install()


def test_an_installation_that_fails_is_none(
    packages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(installation, "INSTALLED", PROJECT / "nowhere")
    monkeypatch.setattr(installation, "INSTALL", ["npm", "no-such-command"])

    with pytest.raises(pytest.skip.Exception, match="npm could not install"):
        install()

    assert not (PROJECT / "nowhere").exists()


@pytest.mark.parametrize(
    ("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)]
)
def test_what_is_missing_is_skipped_here_and_fails_in_ci(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)

    with pytest.raises(outcome, match="There is no Node"):
        missing("There is no Node.")
