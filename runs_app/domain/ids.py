"""Forms of the ids and secrets that people and programs see."""

import secrets
import string
from typing import Final

LOWER: Final = string.ascii_lowercase
ALPHANUMERIC: Final = string.digits + string.ascii_letters

RUN_PREFIX: Final = "run_"
ERROR_PREFIX: Final = "error_"
PAT_PREFIX: Final = "tr_pat_"
UAT_PREFIX: Final = "tr_uat_"
API_KEY_INFIX: Final = {"dev": "dev", "staging": "stg", "prod": "prod", "preview": "preview"}


def _random(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))


def new_project_ref() -> str:
    """`proj_` and 20 lower-case letters."""
    return "proj_" + _random(LOWER, 20)


def new_api_key(environment_slug: str) -> str:
    """`tr_<dev|stg|prod|preview>_sk_` and 24 letters or digits.

    With exactly this form the published SDK asks the server to mint public tokens instead of
    signing with the key itself, so the server can do with a digest.
    """
    return f"tr_{API_KEY_INFIX[environment_slug]}_sk_{_random(ALPHANUMERIC, 24)}"


def new_personal_access_token() -> str:
    return PAT_PREFIX + _random(ALPHANUMERIC, 40)


def new_password() -> str:
    return _random(ALPHANUMERIC, 20)


def friendly_run_id(run_id: str) -> str:
    """The id shown everywhere: with its prefix, whether or not it was sent with one."""
    return run_id if run_id.startswith(RUN_PREFIX) else RUN_PREFIX + run_id


def bare_run_id(friendly_id: str) -> str:
    return friendly_id.removeprefix(RUN_PREFIX)


def error_id(fingerprint: str) -> str:
    return ERROR_PREFIX + fingerprint


def fingerprint_of_error_id(given: str) -> str:
    """Everything after the first `error_`; a bare fingerprint stands for itself."""
    return given.removeprefix(ERROR_PREFIX)


def canonical_error_id(given: str) -> str:
    """The id with its prefix, whether or not it was given with one."""
    return error_id(fingerprint_of_error_id(given))
