"""The secret of each environment that its tokens are signed with."""

import secrets
from collections.abc import Iterator
from typing import Final

from runs_app.domain.times import utc_now
from runs_app.models import Environment, SigningSecret
from runs_app.services.installation_secrets import decrypted, encrypted
from runs_app.services.write_turns import write_turn

SECRET_BYTES: Final = 48


def signing_secret_of(environment_id: str) -> str:
    """The secret, made at first use. Raises UnreadableSecret where SECRET_KEY has changed."""
    stored = SigningSecret.objects.filter(environment_id=environment_id).first()
    if stored is None:
        with write_turn():
            # Somebody else may have been faster: then it is theirs.
            stored, _ = SigningSecret.objects.get_or_create(
                environment_id=environment_id,
                defaults={"encrypted": encrypted(_new_secret()), "created_at": utc_now()},
            )
    return decrypted(stored.encrypted)


def rotate_signing_secret(environment_id: str) -> None:
    """Another secret from now on: every token of the environment is refused at once."""
    with write_turn():
        SigningSecret.objects.update_or_create(
            environment_id=environment_id,
            defaults={"encrypted": encrypted(_new_secret()), "created_at": utc_now()},
        )


def rotate_every_signing_secret() -> Iterator[str]:
    """Rotate those of all environments, one after the other; the name of each, when it is done."""
    for environment in Environment.objects.select_related("project").order_by("created_at", "id"):
        rotate_signing_secret(str(environment.id))
        yield f"{environment.project.external_ref}/{environment.slug}"


def _new_secret() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)
