"""Whether a task version is older or newer than another, where that can be told.

`versions.version_key` orders any two texts, for showing; here a decision hangs on the answer, and
"cannot be told" is one. The forms that are known are those that deployments use: a date with a
counter (`20240131.2`), semantic versions (`1.2.3-rc.1`, with or without `v` or `package@`), dates,
whole numbers, and numbers with any count of dots.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

# Of a whole number as text: how many digits, then the digits. Compares like the number.
Number = tuple[int, str]
# An identifier of a pre-release: numbers come before words.
Identifier = tuple[int, Number, str]

WHOLE_NUMBER: Final = re.compile(r"[0-9]+", re.ASCII)
PLAIN_NUMBERS: Final = re.compile(r"[0-9]+(?:\.[0-9]+)*", re.ASCII)
DATE_AND_COUNTER: Final = re.compile(r"[0-9]{8}\.[0-9]+", re.ASCII)
DATE: Final = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})", re.ASCII)
SEMANTIC: Final = re.compile(
    r"([0-9]+\.[0-9]+\.[0-9]+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?", re.ASCII
)
# A first number that long is a date, or the time of a build.
DATE_DIGITS: Final = 8


class Scheme(StrEnum):
    """How two versions were compared. The words are shown in the trail of a group."""

    DATE_AND_COUNTER = "date and counter"
    SEMANTIC = "semantic version"
    DATE = "date"
    INTEGER = "integer"
    NUMBERS = "numbers with dots"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`order` below 0: the first is older; 0: the same; above 0: newer; None: cannot be told."""

    order: int | None
    scheme: Scheme


def compare_versions(first: str, second: str) -> Comparison:
    """Compare two versions. A text of no known form is equal to itself, and comparable to no other
    one."""
    one, other = _bare(first), _bare(second)
    if one == other:
        return Comparison(0, _scheme_of(one))
    if DATE_AND_COUNTER.fullmatch(one) and DATE_AND_COUNTER.fullmatch(other):
        return Comparison(_sign(_numbers(one), _numbers(other)), Scheme.DATE_AND_COUNTER)
    dates = DATE.fullmatch(one), DATE.fullmatch(other)
    if dates[0] and dates[1]:
        days = [tuple(_number(part) for part in date.groups()) for date in dates if date]
        return Comparison(_sign(days[0], days[1]), Scheme.DATE)
    if WHOLE_NUMBER.fullmatch(one) and WHOLE_NUMBER.fullmatch(other):
        return Comparison(_of_one_age(one, other), Scheme.INTEGER)
    semantic = SEMANTIC.fullmatch(one), SEMANTIC.fullmatch(other)
    if semantic[0] and semantic[1]:
        keys = [_semantic_key(match) for match in semantic if match]
        return Comparison(_sign(keys[0], keys[1]), Scheme.SEMANTIC)
    if PLAIN_NUMBERS.fullmatch(one) and PLAIN_NUMBERS.fullmatch(other):
        return Comparison(_of_one_age(one, other), Scheme.NUMBERS)
    return Comparison(None, Scheme.TEXT)


def newest_of(versions: Iterable[str]) -> str | None:
    """The newest version, of versions given the one seen last first; None where there is none.

    The one seen last is it, unless another one is known to be newer. So where two ways of counting
    are mixed it is the newest of the way that is in use now: what cannot be compared with it does
    not take its place.
    """
    newest: str | None = None
    for version in versions:
        if newest is None or (compare_versions(version, newest).order or 0) > 0:
            newest = version
    return newest


def _bare(version: str) -> str:
    """Without the name of a package and a leading `v`."""
    bare = version.strip().rpartition("@")[2]
    return bare[1:] if bare[:1] in {"v", "V"} and WHOLE_NUMBER.match(bare, 1) else bare


def _scheme_of(version: str) -> Scheme:
    if DATE_AND_COUNTER.fullmatch(version):
        return Scheme.DATE_AND_COUNTER
    if DATE.fullmatch(version):
        return Scheme.DATE
    if SEMANTIC.fullmatch(version):
        return Scheme.SEMANTIC
    if PLAIN_NUMBERS.fullmatch(version):
        return Scheme.NUMBERS if "." in version else Scheme.INTEGER
    return Scheme.TEXT


def _of_one_age(one: str, other: str) -> int | None:
    """The order of two numbers with dots; None where one begins with a date and the other does not:
    somebody went over to another way of counting, and neither is known to be the newer."""
    first, second = _numbers(one), _numbers(other)
    if (first[0][0] >= DATE_DIGITS) != (second[0][0] >= DATE_DIGITS):
        return None
    longest = max(len(first), len(second))
    return _sign(_filled(first, longest), _filled(second, longest))


def _filled(numbers: tuple[Number, ...], length: int) -> tuple[Number, ...]:
    """1.2 is 1.2.0."""
    return numbers + (_number("0"),) * (length - len(numbers))


def _numbers(text: str) -> tuple[Number, ...]:
    return tuple(_number(part) for part in text.split("."))


def _number(digits: str) -> Number:
    significant = digits.lstrip("0")
    return len(significant), significant


def _semantic_key(match: re.Match[str]) -> tuple[tuple[Number, ...], bool, tuple[Identifier, ...]]:
    """By section 11 of the specification of semantic versions: a release is newer than its own
    pre-releases; builds are not compared."""
    prerelease = match[2]
    identifiers = () if prerelease is None else prerelease.split(".")
    return _numbers(match[1]), prerelease is None, tuple(_identifier(one) for one in identifiers)


def _identifier(text: str) -> Identifier:
    return (0, _number(text), "") if WHOLE_NUMBER.fullmatch(text) else (1, (0, ""), text)


def _sign(one: Any, other: Any) -> int:
    """-1, 0 or 1, of two keys of one kind."""
    return int(one > other) - int(one < other)
