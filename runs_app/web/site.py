"""Where this installation is reached."""

from typing import Final

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest

# For a request that names no host that we answer to.
NO_SITE: Final = "http://localhost"


def site_of(request: HttpRequest) -> str:
    """Where this installation is reached, without a slash at the end."""
    if settings.SITE_URL:
        return str(settings.SITE_URL)
    try:
        return f"{request.scheme}://{request.get_host()}"
    except DisallowedHost:
        return NO_SITE
