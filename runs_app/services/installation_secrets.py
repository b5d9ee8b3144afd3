"""The installation's own secrets, each derived from SECRET_KEY for one purpose.

Who knows one of them learns nothing about the others. A changed SECRET_KEY makes all of them new:
user actor tokens end, and what was encrypted cannot be read again.
"""

import base64
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

SECRET_BYTES: Final = 32
USER_ACTOR_TOKENS: Final = b"faultline: signing user actor tokens"
STORED_SECRETS: Final = b"faultline: encrypting stored secrets"


class UnreadableSecret(Exception):
    """A stored secret was encrypted under another SECRET_KEY."""


def user_actor_signing_key() -> str:
    return base64.urlsafe_b64encode(_derived(USER_ACTOR_TOKENS)).decode()


def encrypted(secret: str) -> str:
    return _fernet().encrypt(secret.encode()).decode()


def decrypted(text: str) -> str:
    """Raises UnreadableSecret."""
    try:
        return _fernet().decrypt(text.encode()).decode()
    except InvalidToken:
        raise UnreadableSecret(
            "A stored secret cannot be decrypted: SECRET_KEY is not the one it was encrypted under."
        ) from None


def _fernet() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_derived(STORED_SECRETS)))


def _derived(purpose: bytes) -> bytes:
    derivation = HKDF(algorithm=SHA256(), length=SECRET_BYTES, salt=None, info=purpose)
    return derivation.derive(settings.SECRET_KEY.encode())
