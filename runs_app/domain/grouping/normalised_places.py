"""Addresses and paths: what of a place names a part of the program, and what is data.

A URL and a public host name vary with the data (webhooks, crawled pages, shops on their own
domains), so that nothing of them counts, unless the host calls itself a service: such hosts are
few, and written down in the program. Of a path only the last part counts, and of a file of data
only its kind: programs name their own files, people name theirs.
"""

import re
from typing import Final

from runs_app.domain.grouping.normalised_words import VARYING, without_ids

HOST: Final = "<host>"
EMAIL: Final = "<email>"

_SERVICE_LABELS_IN_A_ROW: Final = """
    api apis graph graphql auth oauth oauth2 login sso smtp imap gateway sqs sns s3 kms sts ses
    dynamodb kinesis lambda secretsmanager storage pubsub firestore bigquery logging vault
"""
SERVICE_LABELS: Final = frozenset(_SERVICE_LABELS_IN_A_ROW.split())
_PRIVATE_DOMAINS_IN_A_ROW: Final = """
    local internal svc lan corp intranet localdomain home private consul
"""
PRIVATE_DOMAINS: Final = frozenset(_PRIVATE_DOMAINS_IN_A_ROW.split())
_TEMPORARY_IN_A_ROW: Final = """
    tmp temp cache caches uploads upload downloads data media storage spool mnt inbox outbox
    incoming attachments blobs files
"""
TEMPORARY: Final = frozenset(_TEMPORARY_IN_A_ROW.split())
_FILE_ROOTS_IN_A_ROW: Final = """
    home tmp var usr app opt srv data mnt etc root Users private workspace builds code proc sys
    dev run media lib bin Library Applications Volumes repo src vercel site wwwroot inetpub
"""
FILE_ROOTS: Final = frozenset(_FILE_ROOTS_IN_A_ROW.split())
_DATA_FILES_IN_A_ROW: Final = """
    pdf jpg jpeg png gif webp bmp tif tiff svg heic ico mp3 mp4 mov avi mkv wav ogg webm csv tsv
    xls xlsx doc docx ppt pptx odt ods txt rtf zip gz tgz bz2 xz zst 7z tar rar parquet avro orc
    arrow feather npy npz pkl tmp temp part log bak dump eml msg ics vcf edi dat bin
"""
DATA_FILES: Final = frozenset(_DATA_FILES_IN_A_ROW.split())
_SERVICE_HOST: Final = re.compile(r"(?:[a-z0-9]+-)?api(?:-[a-z0-9]+)?", re.IGNORECASE)
_AUTHORITY: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9+.\-]*://(?:[^/@\s?#]*@)?(\[[^\]]*\]|[^/:?#\s]*)"
)
_EXTENSION: Final = re.compile(r"\.([A-Za-z][A-Za-z0-9]{0,7})$")
_POSITION: Final = re.compile(r"(?::[0-9]+){1,2}$")
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_.*\-]+")
_WORD: Final = re.compile(r"[A-Za-z0-9_-]*[0-9][A-Za-z0-9_-]*")
LONGEST_NAME: Final = 80


def url_placeholder(url: str) -> str:
    """`<url>`, with the host where that is a service's or a machine's of one's own."""
    match = _AUTHORITY.match(url)
    host = _telling_host(match[1]) if match else ""
    return f"<url:{host}>" if host else "<url>"


def host_placeholder(host: str) -> str:
    """A public host name: a service's keeps its name, any other is data."""
    telling = _telling_host(host)
    return f"<host:{telling}>" if telling else HOST


def _telling_host(host: str) -> str:
    labels = host.lower().rstrip(".").split(".")
    if len(labels) > 1 and labels[-1] not in PRIVATE_DOMAINS:
        for index, label in enumerate(labels[:-1]):
            if label in SERVICE_LABELS or _SERVICE_HOST.fullmatch(label):
                return _named(".".join(labels[index:]))
        return ""
    return "" if labels[-1][-1:].isdigit() and len(labels) == 4 else _named(".".join(labels))


def path_placeholder(path: str) -> str | None:
    """`<path:name>` for a file or a directory; None for what may be the path of a request, whose
    words name what was asked for."""
    path = _POSITION.sub("", path.replace("\\", "/").partition("?")[0].rstrip(":.,!"))
    parts = [part for part in path.split("/") if part]
    if not parts:
        return None
    extension = _EXTENSION.search(parts[-1])
    if not extension and parts[0] not in FILE_ROOTS and parts[0][-1:] != ":" and path[0] == "/":
        return None
    if any(part.lower() in TEMPORARY for part in parts[:-1]):
        return f"<path:*{extension[0].lower()}>" if extension else "<path>"
    return f"<path:{file_name(parts[-1])}>"


def file_name(name: str) -> str:
    """A file's name without what varies; of a file of data only what kind it is of."""
    extension = _EXTENSION.search(name)
    if extension and is_data_file(name):
        return f"*{extension[0].lower()}"
    return _named(name)


def is_data_file(name: str) -> bool:
    """Whether the name ends as files do that hold people's data."""
    extension = _EXTENSION.search(name)
    return extension is not None and extension[1].lower() in DATA_FILES


def _named(name: str) -> str:
    """A name within a placeholder, which holds none itself."""
    plain = _WORD.sub(lambda match: without_ids(match[0]), name[:LONGEST_NAME])
    return _NO_NAME.sub("*", plain.replace(VARYING, "*"))
