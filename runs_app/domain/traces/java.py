"""Traces of Java, Kotlin, Scala and Groovy: innermost first, effects before their causes."""

import re
from functools import lru_cache
from typing import Final

from runs_app.domain.traces.sections import REMEMBERED, Reading, read_headers_first
from runs_app.domain.traces.trace import Frame
from runs_app.domain.traces.well_known import JAVA, known_root

# The library of classes that are made at run time to call others.
GENERATED: Final = "generated"

_CALL: Final = re.compile(
    r"\s*+at ([^\s()]++)\((Native Method|Unknown Source|<generated>|[^\s:(),]++)(?::(-?\d{1,9}))?\)"
)
_NO_FILE: Final = frozenset({"Native Method", "Unknown Source", "<generated>"})
# `com.acme.Job$$Lambda$14/0x0000000800c0a840`, and before Java 9 `Job$$Lambda$14/8015`.
_LAMBDA_CLASS: Final = re.compile(r"\$\$Lambda(?:\$\d++)?(?:/(?:0x)?[0-9a-f]++)?")
_MADE: Final = re.compile(
    r"\$\$(?:Lambda|EnhancerBy|FastClassBy|SpringCGLIB|KeyFactoryBy)|\$Proxy\d|_\$\$_|\$HibernateProxy\$"
    r"|Generated(?:Method|Constructor)Accessor\d|\$ByteBuddy\$|\$MockitoMock\$"
)
_OF_THE_MADE: Final = re.compile(
    r"\$\$(?:Lambda|EnhancerBy|FastClassBy|SpringCGLIB|KeyFactoryBy).*+|_\$\$_.*+"
    r"|\$(?:HibernateProxy|ByteBuddy|MockitoMock)\$.*+|(?<=\$Proxy)\d++|(?<=Accessor)\d++"
)
_ANONYMOUS: Final = re.compile(r"\$\d++(?=\$|$)")
_OF_A_FUNCTION: Final = re.compile(r"\$[a-z]\w*+$")
_OF_COROUTINES: Final = frozenset({"invokeSuspend", "invoke", "emit"})
# `lambda$charge$3`, Scala's `$anonfun$charge$1`.
_LAMBDA: Final = re.compile(r"(?:lambda|\$anonfun)\$([^$]++)(?:\$\w++)*+")
# `charge$default`, `access$100`, `charge-0d7_KjU` of an inline class.
_MANGLED: Final = re.compile(r"\$(?:default|suspendImpl|impl|adapted|\d++)$|-\w{7}$|-impl$")


def read_java(lines: list[str]) -> Reading:
    """Read exceptions, their causes, and those that were suppressed."""
    return read_headers_first(lines, frame_of, _relation_of)


def _relation_of(line: str) -> str:
    bare = line.lstrip()
    if bare.startswith("Suppressed: "):
        return "suppressed"
    if bare.startswith("Caused by: "):
        # Indented, it is the cause of a suppressed one.
        return "cause" if line.startswith("Caused") else "suppressed"
    return ""


@lru_cache(maxsize=REMEMBERED)
def frame_of(line: str) -> Frame | None:
    """The frame on a line; None for any other line."""
    match = _CALL.match(line)
    if match is None:
        return None
    call, file, number = match.groups()
    if number is None and file not in _NO_FILE and "." not in file:
        return None
    named = _named(call)
    if named is None:
        return None
    module, function, library = named
    position = int(number) if number and not number.startswith("-") else None
    shown = "" if file in _NO_FILE else file
    return Frame(module, function, shown, position, None, not library, line, library)


@lru_cache(maxsize=REMEMBERED)
def _named(call: str) -> tuple[str, str, str] | None:
    """The class, the method and the library of a call; None for what is no method of a class."""
    made = _MADE.search(call) is not None
    if "/" in call:
        # Before the class there may be a class loader and a module: `app//`, `java.base@17/`.
        call = _LAMBDA_CLASS.sub("$$Lambda", call).rpartition("/")[2]
    name, _, method = call.rpartition(".")
    if not name:
        return None
    module = _ANONYMOUS.sub("", _OF_THE_MADE.sub("", name)).rstrip("$")
    if method in _OF_COROUTINES and _OF_A_FUNCTION.search(module):
        # Kotlin makes a class of a function that can wait: `Job$run$1.invokeSuspend`.
        module, _, method = module.rpartition("$")
    return module, _function(method), GENERATED if made else known_root(module, JAVA)


def _function(method: str) -> str:
    if "$" not in method and "-" not in method:
        return method
    if wrapped := _LAMBDA.fullmatch(method):
        return "lambda" if wrapped[1] == "null" else wrapped[1]
    return _MANGLED.sub("", method)
