"""What pages may load and run: nothing but files of this server."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from runs_app.models import User

pytestmark = pytest.mark.django_db

PAGES = ["/admin/login/", "/docs/errors/", "/docs/errors/not_found", "/nowhere", "/docs/api/"]


def policy_of(path: str, client: Client) -> dict[str, list[str]]:
    header = client.get(path, follow=True).headers["Content-Security-Policy"]
    return {name: words for name, *words in (part.split() for part in header.split(";"))}


@pytest.mark.parametrize("path", PAGES)
def test_no_page_runs_scripts_of_its_own_or_of_others(path: str) -> None:
    policy = policy_of(path, Client())

    assert policy["script-src"] == ["'self'"]
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == ["'none'"]
    everything = {word for words in policy.values() for word in words}
    assert everything <= {"'self'", "'none'", "data:", "'unsafe-inline'"}


@pytest.mark.parametrize("path", [path for path in PAGES if path != "/docs/api/"])
def test_only_the_page_of_the_api_has_styles_in_its_elements(path: str) -> None:
    assert policy_of(path, Client())["style-src"] == ["'self'"]
    assert "'unsafe-inline'" in policy_of("/docs/api/", Client())["style-src"]


def test_pages_of_people_who_are_logged_in_have_the_policy_too() -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))

    assert policy_of("/admin/", client)["script-src"] == ["'self'"]


@pytest.mark.parametrize("path", PAGES)
def test_pages_hold_nothing_that_the_policy_forbids(path: str) -> None:
    text = Client().get(path, follow=True).content.decode()

    assert not re.findall(r"<script(?![^>]*\ssrc=)", text)
    assert not re.findall(r"\son[a-z]+=\"", text)
    assert path == "/docs/api/" or not re.findall(r"<style|\sstyle=\"", text)


def test_no_template_holds_what_the_policy_forbids() -> None:
    templates = list(Path(settings.BASE_DIR, "templates").rglob("*.html"))

    found = {
        template.name: words
        for template in templates
        if (
            words := re.findall(
                r"<style|<script(?![^>]*\ssrc=)|\sstyle=\"|\son[a-z]+=\"", template.read_text()
            )
        )
    }

    assert templates
    assert found == {}


def test_answers_of_the_api_are_no_pages() -> None:
    assert "Content-Security-Policy" not in Client().get("/api/v1/runs").headers
