"""What to do first, for whoever has just started this in a terminal."""

from collections.abc import Iterator
from typing import Final

from django.conf import settings

from runs_app.services.bootstrap import FILE, kept_credentials

ENVIRONMENT: Final = "prod"


def welcome(address: str) -> Iterator[str]:
    """Lines to print; fewer where the credentials are not on this machine."""
    site = settings.SITE_URL or _reachable(address)
    kept = kept_credentials()
    yield ""
    yield f"  Open        {site}/admin/"
    username = kept.get("superuser", {}).get("username")
    if username:
        path = settings.FAULTLINE_DATA / FILE
        yield f"  Sign in as  {username}; the password is in {path} under superuser"
    api_key = kept.get("environments", {}).get(ENVIRONMENT, {}).get("apiKey")
    if api_key:
        yield f"  Try         curl -H 'Authorization: Bearer {api_key}' {site}/api/v1/errors"
    yield ""


def _reachable(address: str) -> str:
    """From this machine, where the server listens on all its addresses."""
    return address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
