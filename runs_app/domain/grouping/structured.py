"""The category that the signals of an error decide, and the text that names its group."""

from typing import Final

from runs_app.domain.grouping.signals import PERMISSION_CODES, RATE_LIMIT_CODES, ErrorSignals
from runs_app.domain.grouping.slugs import SIGNATURE_LENGTH, slugify

RULE: Final = "structured"


def structured_category(signals: ErrorSignals) -> str | None:
    """The first line that applies; None where the signals decide nothing.

    A 401 is about who asks even where a code speaks of permission, and a permission refused with
    a 5xx is still one.
    """
    status, code = signals.http_status, signals.code
    if code in RATE_LIMIT_CODES or status == 429:
        return "rate_limit"
    if status == 401:
        return "authentication"
    if status == 403 or code in PERMISSION_CODES:
        return "permission"
    if status is not None and status >= 500:
        return "server"
    return None


def structured_signature(signals: ErrorSignals) -> str:
    """Status and code, else the class, as a slug of at most 50 characters.

    The cut comes last, so that a signature may end in a hyphen.
    """
    parts = [] if signals.http_status is None else [f"http-{signals.http_status}"]
    if signals.code:
        parts.append(signals.code)
    text = "-".join(parts) if parts else signals.error_class or ""
    return slugify(text)[:SIGNATURE_LENGTH]
