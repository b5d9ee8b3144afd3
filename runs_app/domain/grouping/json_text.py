"""Reading JSON text as strictly as JavaScript does, however deep it nests."""

import json
import re
from typing import Final, NoReturn

# Python refuses to read longer integers at all; in JavaScript they are doubles like the rest.
LONGEST_INTEGER: Final = 400

SPACE: Final = re.compile(r"[ \t\n\r]*+")
CLOSING: Final = {"[": "]", "{": "}"}


def _integer(text: str) -> int | float:
    return int(text) if len(text) <= LONGEST_INTEGER else float(text)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


DECODER: Final = json.JSONDecoder(parse_int=_integer, parse_constant=_refuse)


def parse_json(text: str) -> object:
    """Read one JSON value. Raises ValueError for what is not exactly one."""
    try:
        return DECODER.decode(text)
    except RecursionError:
        return _DeepReader(text).read()


class _DeepReader:
    """Reads arrays and objects with a list of the open ones where the decoder would recurse."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        # Open containers from the outside in, each with the name its next value gets.
        self._open: list[tuple[list[object] | dict[str, object], str]] = []

    def read(self) -> object:
        """Read the whole text as one value."""
        self._skip_space()
        value = self._next_value()
        while self._open:
            value = self._put(value)
        self._skip_space()
        if self._at != len(self._text):
            raise self._fault("Extra data")
        return value

    def _next_value(self) -> object:
        """Read a scalar, or an empty container, opening the containers on the way to it."""
        while (bracket := self._peek()) in CLOSING:
            self._at += 1
            self._skip_space()
            container: list[object] | dict[str, object] = [] if bracket == "[" else {}
            if self._peek() == CLOSING[bracket]:
                self._at += 1
                return container
            self._open.append((container, self._name_in(container)))
        return self._scalar()

    def _put(self, value: object) -> object:
        """Put a value into the innermost container; give that if it ends here, or the next."""
        container, name = self._open.pop()
        if isinstance(container, list):
            container.append(value)
        else:
            container[name] = value
        self._skip_space()
        if self._peek() == ",":
            self._at += 1
            self._skip_space()
            self._open.append((container, self._name_in(container)))
            return self._next_value()
        self._take("]" if isinstance(container, list) else "}")
        return container

    def _name_in(self, container: list[object] | dict[str, object]) -> str:
        if isinstance(container, list):
            return ""
        if self._peek() != '"':
            raise self._fault("Expecting property name enclosed in double quotes")
        name = self._scalar()
        self._skip_space()
        self._take(":")
        self._skip_space()
        return str(name)

    def _scalar(self) -> object:
        value, self._at = DECODER.raw_decode(self._text, self._at)
        return value

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self, sign: str) -> None:
        if self._peek() != sign:
            raise self._fault(f"Expecting {sign!r}")
        self._at += 1

    def _skip_space(self) -> None:
        space = SPACE.match(self._text, self._at)
        self._at = space.end() if space else self._at

    def _fault(self, message: str) -> json.JSONDecodeError:
        return json.JSONDecodeError(message, self._text, self._at)
