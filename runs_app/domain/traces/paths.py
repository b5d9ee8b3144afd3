"""Names of files as they stay over releases, machines and builds."""

import re
from typing import Final

KEPT_SEGMENTS: Final = 3
# Where functions as a service have what calls the project's code.
RUNTIME: Final = "/var/runtime/"
RUNTIME_LIBRARY: Final = "runtime"

# What is before the path in `file:///app/x.js`, `https://host/x.js`, `webpack://name/./src/x.js`.
_SCHEME: Final = re.compile(
    r"(?:webpack-internal:/++|file:/{0,2}(?=/)|[a-z][a-z0-9+.-]*+://[^/]*+/)(?:\([\w-]++\)/)?",
    re.IGNORECASE,
)
_DRIVE: Final = re.compile(r"[A-Za-z]:(?=/)")
# A directory that names a release, a build or a run, not code: 20240131, 1.2.3, a commit, a UUID.
_OF_A_RELEASE: Final = re.compile(
    r"\d[\d._-]*+|v?\d++(?:\.\d++)+(?:[-+.][\w.]++)?|(?=[a-f]*+\d)[0-9a-f]{7,64}"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|tmp[a-z0-9_]{8}|\.{0,2}",
    re.IGNORECASE,
)
# Where code is put: the directories above a project's own.
_ROOT: Final = re.compile(
    r"/(?:(?:home|Users)/[^/]++|var/(?:task|www/html|www|lib)|usr/src/app|usr/(?:src|local)"
    r"|github/workspace|private/(?:var|tmp)|root|app|srv|code|workspaces?|workdir|builds?|opt"
    r"|mnt|data|deploy|tmp|repo)/",
    re.IGNORECASE,
)
_RELEASE: Final = re.compile(
    r"(?:/[^/]++){1,6}?/(?:releases?/(?=[^/]*\d)[^/]++|current)/", re.IGNORECASE
)
# `main.3f2a9c1b.js`, `index-B3x9_kQa.mjs`: a bundler's hash of the content.
_CONTENT_HASH: Final = re.compile(
    r"[.-](?:(?=[a-f]*+\d)[0-9a-f]{6,32}"
    r"|(?=[\w-]{8}\.)(?=[a-zA-Z_-]*+\d|\w[a-z_-]*+[A-Z][a-z_-]*+[A-Z])[\w-]{8})(?=(?:\.[a-z]++)++$)"
)


def forward(path: str) -> str:
    """The path without a scheme, a drive and a query, with forward slashes."""
    if "\\" in path:
        path = path.replace("\\", "/")
    if ":" in path:
        path = _DRIVE.sub("", _SCHEME.sub("", path, count=1), count=1)
    return path.partition("?")[0]


def own_module(path: str) -> str:
    """The segments of a path (with forward slashes) that tell the files of a project apart."""
    if above := _RELEASE.match(path) or _ROOT.match(path):
        path = path[above.end() :]
    segments = [part for part in path.split("/") if not _OF_A_RELEASE.fullmatch(part)]
    return "/".join(segments[-KEPT_SEGMENTS:])


def without_content_hash(path: str) -> str:
    """`static/main.3f2a9c1b.js` is `static/main.js`."""
    return _CONTENT_HASH.sub("", path)
