"""The data directory: created for its owner alone, with the installation's secret key."""

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def prepare_data_directory(directory: Path) -> None:
    """Create `directory` (mode 0700) and its parents, and keep to ourselves what we write.

    Databases make their files by themselves: the process's mask is what they go by.
    """
    os.umask(0o077)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if directory.stat().st_mode & 0o077:
            directory.chmod(0o700)
    except OSError as error:
        raise ImproperlyConfigured(
            f"FAULTLINE_DATA names {directory}, which cannot be used: {error.strerror}."
        ) from error


def secret_key(directory: Path) -> str:
    """The key in `secret_key` (mode 0600), made on first use.

    Several processes may start at once: the key is written aside and linked into place, so that
    the first one wins and nobody reads half a key.
    """
    path = directory / "secret_key"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    draft = directory / f"secret_key.{os.getpid()}.{secrets.token_hex(4)}"
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(50))
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text().strip()
