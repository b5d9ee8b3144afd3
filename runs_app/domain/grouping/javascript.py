"""What JavaScript makes of JSON values and text, where it differs from Python.

Grouping rules were first written in JavaScript; equal fingerprints need equal text. From
ECMA-262: `||`, `String()`, `Number::toString`, white space, and UTF-16 strings.
"""

import re
from collections.abc import Mapping
from math import isinf, isnan
from typing import Final

# WhiteSpace and LineTerminator of ECMA-262. Python's own `\s` and `strip()` also know U+0085
# and U+001C-U+001F, and do not know U+FEFF.
WHITESPACE: Final = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)

OBJECT_TEXT: Final = "[object Object]"

_PAIR: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_HALF: Final = re.compile("[\ud800-\udfff]")


def is_truthy(value: object) -> bool:
    """Tell whether `value || other` is `value`: empty arrays and objects are, NaN is not."""
    if isinstance(value, str):
        return value != ""
    if isinstance(value, list | dict):
        return True
    return bool(value) and value == value  # noqa: PLR0124  (NaN alone differs from itself)


def first_truthy(members: Mapping[str, object], names: tuple[str, ...], default: str) -> object:
    """`members.a || members.b || default`, for the names in their order."""
    for name in names:
        value = members.get(name)
        if is_truthy(value):
            return value
    return default


def text_of(value: object) -> str:
    """`String(value)` of a JSON value.

    JavaScript raises for an object with a member `toString` and for arrays nested very deep.
    Here the first is `[object Object]` like any other object, and the second has no limit.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ",".join(_texts_of_items(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number_text(value)
    return "null" if value is None else OBJECT_TEXT


def _texts_of_items(array: list[object]) -> list[str]:
    """Give the texts that `array.join()` joins, nested arrays flattened.

    Inner arrays are joined by a comma too, so that flattening changes nothing; an empty one is
    an empty text. A list of things to do instead of recursion: nesting has no limit in JSON.
    """
    texts: list[str] = []
    pending: list[object] = array[::-1]
    while pending:
        item = pending.pop()
        if isinstance(item, list) and item:
            pending.extend(reversed(item))
        else:
            texts.append("" if item is None else text_of(item))
    return texts


def _number_text(number: float) -> str:
    """`String(number)`; every number is a double, so a long integer loses digits."""
    try:
        double = float(number)
    except OverflowError:
        return "Infinity" if number > 0 else "-Infinity"
    if isnan(double):
        return "NaN"
    if isinf(double):
        return "Infinity" if double > 0 else "-Infinity"
    if double == 0:
        return "0"
    return ("-" if double < 0 else "") + _positive_text(abs(double))


def _positive_text(double: float) -> str:
    """Number::toString, steps 5 to 14: the digits are 0.`digits` times ten to the `point`."""
    mantissa, _, exponent = repr(double).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    leading_zeros = len(whole + fraction) - len(digits)
    point = len(whole) - leading_zeros + int(exponent or "0")
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    head, tail = digits[0], digits[1:]
    return f"{head}{'.' if tail else ''}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def well_formed(text: str) -> str:
    """`text.toWellFormed()`: surrogate halves that meet become one character, others U+FFFD."""
    return _HALF.sub("\ufffd", _PAIR.sub(_joined, text))


def _joined(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le")
