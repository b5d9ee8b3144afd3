"""What to do next, where a refusal knows more than its code.

Said from the route and the request alone: no word depends on whether a credential exists.
"""

from collections.abc import Mapping
from typing import Final

from runs_app.domain.callers import Caller, CredentialKind, EnvironmentCaller

SCHEME: Final = "bearer"
KINDS: Final[Mapping[CredentialKind, str]] = {
    CredentialKind.API_KEY: "API keys",
    CredentialKind.ENVIRONMENT_TOKEN: "environment tokens",
    CredentialKind.PERSONAL_ACCESS_TOKEN: "personal access tokens",
    CredentialKind.USER_ACTOR_TOKEN: "user actor tokens",
}
OTHER_KEY: Final = (
    "The scopes of an API key are chosen when it is made: use a key that has one of the scopes in"
    " permissions, or make one."
)
EXCHANGE_AGAIN: Final = (
    "Exchange the personal access token again and ask for one of the scopes in permissions, in"
    " claims.scopes; a viewer's tokens may only read."
)
MINT_AGAIN: Final = (
    "Mint the token again with one of the scopes in permissions, with an API key that has it."
)


def bearer_credential(header: str) -> str:
    """What the header Authorization holds behind Bearer; empty where it is of another form."""
    scheme, _, credential = header.strip().partition(" ")
    return credential.strip() if scheme.lower() == SCHEME else ""


def credentials_hint(header: str, accepted: frozenset[CredentialKind]) -> str:
    """For a request whose credentials are missing, or are not accepted for whatever reason."""
    kinds = " and ".join(words for kind, words in KINDS.items() if kind in accepted)
    takes = f" This address takes {kinds}." if kinds else ""
    if not header.strip():
        return f"Send the header Authorization: Bearer <credential>, which is missing.{takes}"
    if not bearer_credential(header):
        return f"The header Authorization is not of the form Bearer <credential>.{takes}"
    return f"Look whether the credential is whole, active, and of the right kind.{takes}"


def scope_hint(caller: Caller) -> str:
    """How a caller of that kind comes by a scope."""
    match caller:
        case EnvironmentCaller(kind=CredentialKind.ENVIRONMENT_TOKEN, api_key_id=None):
            return EXCHANGE_AGAIN
        case EnvironmentCaller(kind=CredentialKind.ENVIRONMENT_TOKEN):
            return MINT_AGAIN
        case _:
            return OTHER_KEY
