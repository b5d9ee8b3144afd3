"""Errors made from a seed: text full of what the rules look for, and of what looks almost so."""

import random
from collections.abc import Callable
from typing import Final

SPACES: Final = (
    " ", " ", " ", "\n", "\t", "\r\n", "\v", "\f", "\x1c", "\x1f", "\x85", "\xa0", "\u1680",
    "\u180e", "\u2003", "\u200b", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\ufeff",
)  # fmt: skip
ODD: Final = (
    "é", "ß", "ſ", "K", "٣", "५", "漢", "😀", "😀" * 10, "\U0001d7d8", "\ud83d", "\ude00", "\udfff",
    "\x00", "İ", "ﬁ", "\u0301",
)  # fmt: skip
SIGNS: Final = tuple("/\\\"'@_.:-%+|<>$&,;()[]{}=#TZx0123456789abcdefghABCDEF")
WORDS: Final = (
    "user", "User", "run_", "run_a", "task_12345678", "task_1234567", "a_abcdefgh", "A_abcdefgh",
    "http://", "https://", "httpx://", "http", "C:\\", "c:\\", "Z:\\a\\b", "0x", "0xdeadbeef",
    "0xDEADBEE", "@", "a@b.co", "a.b+c@d.e.fg", "x@y.z", "@b.com", "a@b.c|d", "%", "T", "Z",
    "2024-01-02T03:04:05", "2024-01-02T03:04:05.678Z", "2024-1-02T03:04:05", ".5",
    "-01-02T03:04:05", "1700000000", "1700000000000",
    "12345678901234", "123", "1234", "_1234", "12345_", ":1:2",
    ":12:", ":", "/", "//", "/a", "/usr/lib", "/usr/lib/node.js", "./x/y", "\\", "\\\\", "a\\",
    "123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-42661417400F",
    "-e89b-12d3-a456-426614174000", "123e4567", '"', "'", '"' + "q" * 19 + '"',
    '"' + "q" * 20 + '"', "'" + "s" * 20 + "'", '"' + "😀" * 10 + '"', "'" + "😀" * 9 + "x'",
    '"' + "😀" * 9 + 'xx"', "at f (file.ts:10:5)", "    at async /app/src/x.ts:1:2",
    "at Object.<anonymous> (C:\\a\\b\\c.js:3:9)", "node:internal/x:1:1", "$1", "$&", "\\1", "<id>",
    "constructor", "__proto__",
)  # fmt: skip
NUMBERS: Final = (
    0, -0.0, 1, 42, -7, 12345, 1700000000, 2**53, 2**53 + 1, 10**20, 10**21, 10**22,
    123456789 * 10**15, 1.5, 0.1, 1e-6, 1.5e-6, 1e-7, 1.25e-9, 1e21, 1.5e300, 5e-324,
    1.7976931348623157e308, 100.0, -2.5, 10**400, -(10**400),
)  # fmt: skip
TEXT_MEMBERS: Final = ("type", "name", "message", "raw", "stack", "stacktrace", "stackTrace")


def generated_errors(seed: int, count: int) -> list[object]:
    """Give `count` JSON values, most of them objects with text."""
    chance = random.Random(seed)
    return [_error(chance) for _ in range(count)]


def _error(chance: random.Random) -> object:
    if chance.random() < 0.02:
        return _value(chance, depth=2)
    error: dict[str, object] = {}
    for name in TEXT_MEMBERS:
        likely = 0.8 if name in {"message", "stack"} else 0.3
        if chance.random() < likely:
            error[name] = _member(chance, name)
    if chance.random() < 0.1:
        error[chance.choice(("code", "toString", "__proto__", "cause"))] = _value(chance, depth=1)
    return error


def _member(chance: random.Random, name: str) -> object:
    if chance.random() < 0.06:
        return _value(chance, depth=3)
    if name.startswith("stack"):
        return "\n".join(_text(chance) for _ in range(chance.randrange(8)))
    if name in {"type", "name"} and chance.random() < 0.8:
        return chance.choice(("TypeError", "KeyError", "BUILT_IN_ERROR", "", "Fehler-Ü", "Error"))
    return _text(chance)


def _text(chance: random.Random) -> str:
    make = chance.choice(MAKERS)
    return "".join(make(chance) for _ in range(chance.randrange(14)))


def _value(chance: random.Random, depth: int) -> object:
    kinds: list[Callable[[], object]] = [
        lambda: None,
        lambda: chance.random() < 0.5,
        lambda: chance.choice(NUMBERS),
        lambda: chance.uniform(-1, 1) * 10 ** chance.randrange(-30, 30),
        lambda: _text(chance),
        lambda: "",
    ]
    if depth:
        kinds += [
            lambda: [_value(chance, depth - 1) for _ in range(chance.randrange(4))],
            lambda: {
                chance.choice(("a", "toString", "message")): _value(chance, depth - 1)
                for _ in range(chance.randrange(3))
            },
        ]
    return chance.choice(kinds)()


def _piece(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.5:
        return chance.choice(WORDS)
    if kind < 0.7:
        return chance.choice(SPACES)
    if kind < 0.9:
        return chance.choice(SIGNS)
    return chance.choice(ODD)


def _word_and_space(chance: random.Random) -> str:
    return chance.choice(WORDS) + chance.choice(SPACES)


def _sign(chance: random.Random) -> str:
    return chance.choice(SIGNS)


def _run_of_one(chance: random.Random) -> str:
    return chance.choice((*SIGNS, *ODD)) * chance.choice((1, 2, 8, 10, 14, 20))


def _mail(chance: random.Random) -> str:
    return chance.choice(
        (
            "a",
            "b1",
            ".",
            "..",
            "-",
            "%",
            "+",
            "_",
            "@",
            "@",
            "|",
            ".co",
            "@d.net",
            "@d.net",
            "9",
            " ",
        )
    )


def _path(chance: random.Random) -> str:
    return chance.choice(("/", "/", "\\", "\\", "a", "bc", "C:\\", "Z:", " ", "\n", ":", "1", "😀"))


def _quote(chance: random.Random) -> str:
    return chance.choice(
        ('"', "'", '"', "'", "a" * 9, "b" * 10, "c" * 19, "😀" * 5, "😀" * 10, "\ud83d" * 7, "é")
    )


MAKERS: Final = (_piece, _piece, _word_and_space, _sign, _run_of_one, _mail, _path, _quote)
