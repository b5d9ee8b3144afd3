"""Collecting static files into the data directory, when they changed."""

import hashlib
import logging
from typing import Final

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.management.commands.collectstatic import Command
from django.core.management import call_command
from whitenoise.storage import (
    CompressedManifestStaticFilesStorage,
)

log = logging.getLogger(__name__)

STAMP: Final = "static.stamp"
MANIFEST: Final = "staticfiles.json"


def collect_static_files() -> None:
    """Collect, hash and compress what differs from the last time: about a second, or nothing.

    Files of an earlier version stay, so that a page loaded before finds what it names.
    """
    stamp = settings.FAULTLINE_DATA / STAMP
    sources = _digest_of_sources()
    manifest = settings.STATIC_ROOT / MANIFEST
    if manifest.exists() and stamp.exists() and stamp.read_text() == sources:
        return
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    command = Command()
    # The storage of the settings is the plain one until there is a manifest.
    command.storage = CompressedManifestStaticFilesStorage()
    call_command(command, interactive=False, verbosity=0)
    stamp.write_text(sources)
    log.info("static files were collected into %s", settings.STATIC_ROOT)


def _digest_of_sources() -> str:
    """Of the name, size and time of every file, whichever app it belongs to."""
    digest = hashlib.sha256(str(settings.STATIC_ROOT).encode())
    for finder in get_finders():
        for path, storage in sorted(finder.list(None), key=lambda found: found[0]):
            modified = storage.get_modified_time(path).timestamp()
            digest.update(f"{path}\0{storage.size(path)}\0{modified}\n".encode())
    return digest.hexdigest()
