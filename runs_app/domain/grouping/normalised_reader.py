"""Reading a message from left to right: at each place, what stands there and what becomes of it.

Words without digits are passed over by one pattern; for anything else the character it begins
with says which patterns to try. All are possessive or have a bound, so that what fails has not
looked far, and what was read is not read again: the time grows with the length alone.
"""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from string import ascii_letters, digits
from typing import Final, NamedTuple

from runs_app.domain.grouping.normalised_codes import is_code
from runs_app.domain.grouping.normalised_data import end_of_data, told_by_data
from runs_app.domain.grouping.normalised_patterns import (
    ARN,
    BEGIN_OF_DATES,
    BLOB,
    CHUNK,
    DATE_IN_WORDS,
    EMAIL_ADDRESS,
    HOST_NAME,
    IN_PARENTHESES,
    IPV4,
    IPV6,
    NUMBER,
    OF_ALL_KINDS,
    PASSED_OVER,
    PATH,
    PLACEHOLDER,
    REACH,
    SHORT_NUMBER,
    URL,
    WORD,
    WORD_BEFORE,
)
from runs_app.domain.grouping.normalised_places import (
    EMAIL,
    HOST,
    file_name,
    host_placeholder,
    path_placeholder,
    url_placeholder,
)
from runs_app.domain.grouping.normalised_quotes import (
    NAME_WORDS,
    Quoted,
    end_of_quote,
    what_is_quoted,
)
from runs_app.domain.grouping.normalised_words import LONG, VARYING, without_ids

# What may stand between the first digit of a date and the name of its month.
BEFORE_MONTHS: Final = digits + " -/"


class Kind(StrEnum):
    """What was replaced."""

    NUMBER = "number"
    ID = "id"
    DATE = "date"
    ADDRESS = "address"
    EMAIL = "email"
    URL = "url"
    PATH = "path"
    VALUE = "value"
    DATA = "data"


class Replaced(NamedTuple):
    """`text[start:end]` of the message as it was reported has become `by`."""

    start: int
    end: int
    kind: Kind
    by: str


class Reader:
    """Reads one message once. A method for a kind of place returns where to read on."""

    def __init__(self, text: str, normalise: Callable[[str], str]) -> None:
        """`normalise`: for texts within the text."""
        self._text = text
        self._normalise = normalise
        self._replaced: list[Replaced] = []
        # Quotes that close what is read inside of, and kinds of quotes that nothing closes.
        self._closing: set[int] = set()
        self._unclosed: set[str] = set()

    def read(self) -> list[Replaced]:
        """What is to be replaced, from left to right."""
        text = self._text
        length = len(text)
        at = 0
        while True:
            passed = PASSED_OVER.match(text, at)
            at = passed.end() if passed else at
            if at >= length:
                return self._replaced
            read = _READERS.get(text[at])
            at = read(self, at) if read else at + 1

    def _put(self, start: int, end: int, kind: Kind, by: str) -> int:
        if self._text[start:end] != by:
            self._replaced.append(Replaced(start, end, kind, by))
        return end

    def letters(self, at: int) -> int:
        """A word, or what else begins with a letter."""
        text = self._text
        chunk = text[at : _end(CHUNK, text, at)]
        if chunk.isalpha() and (len(chunk) < LONG or chunk.istitle()):
            if chunk[:3] in BEGIN_OF_DATES and (date := DATE_IN_WORDS.match(text, at)):
                return self._put(at, date.end(), Kind.DATE, VARYING)
            return at + len(chunk)
        return self._place(at, chunk) or self._word(at)

    def digits(self, at: int) -> int:
        """A number, or what else begins with a digit."""
        text = self._text
        begins = at == 0 or not (text[at - 1].isalnum() or text[at - 1] in "_.-")
        if begins and "." in text[at + 1 : at + 4] and (address := IPV4.match(text, at)):
            return self._put(at, address.end(), Kind.ADDRESS, HOST)
        if text[at + 1 : at + 4].lstrip(BEFORE_MONTHS)[:1].isupper() and (
            date := DATE_IN_WORDS.match(text, at)
        ):
            return self._put(at, date.end(), Kind.DATE, VARYING)
        if number := NUMBER.match(text, at):
            return self._number(at, number.end())
        chunk = text[at : _end(CHUNK, text, at)]
        return self._place(at, chunk) or self._word(at)

    def sign(self, at: int) -> int:
        """A sign of a number, unless it joins words."""
        text = self._text
        signed = at == 0 or not (text[at - 1].isalnum() or text[at - 1] in "_.>)]")
        number = NUMBER.match(text, at + 1) if signed else None
        return self._number(at, number.end()) if number else at + 1

    def _number(self, start: int, end: int) -> int:
        if is_code(self._text, start, end):
            return end
        return self._put(start, end, Kind.NUMBER, VARYING)

    def _place(self, at: int, chunk: str) -> int:
        """An address of some kind, or a long random text; 0 if there is none."""
        text = self._text
        if ":" in chunk and (end := self._with_colon(at, chunk)):
            return end
        if "@" in chunk and (email := EMAIL_ADDRESS.match(text, at)):
            return self._put(at, email.end(), Kind.EMAIL, EMAIL)
        begins = at == 0 or text[at - 1] not in "._-@*>"
        if "." in chunk and begins and (host := HOST_NAME.match(text, at)):
            return self._put(at, host.end(), Kind.ADDRESS, host_placeholder(host[1]))
        blob = BLOB.match(text, at) if len(chunk) > 30 else None
        if blob and (OF_ALL_KINDS.match(blob[0]) or blob[0].startswith("eyJ")):
            return self._put(at, blob.end(), Kind.ID, VARYING)
        return 0

    def _with_colon(self, at: int, chunk: str) -> int:
        text = self._text
        if "://" in chunk and (url := URL.match(text, at)):
            return self._url(at, url[0].rstrip(".,:;!?)]"))
        if chunk[1:3] in {":\\", ":/"}:
            return self.path(at)
        if arn := ARN.match(text, at):
            return self._put(at, arn.end(), Kind.ID, f"<url:arn-{arn[1]}>")
        return self.address(at) if chunk[0] in "0123456789abcdef" else 0

    def _url(self, at: int, url: str) -> int:
        by = path_placeholder(url[len("file://") :]) if url.startswith("file:///") else None
        return self._put(at, at + len(url), Kind.URL, by or url_placeholder(url))

    def address(self, at: int) -> int:
        """An address of IPv6; 0 if it is none."""
        text = self._text
        begins = at == 0 or not (text[at - 1].isalnum() or text[at - 1] in "_:.-")
        address = IPV6.match(text, at) if begins else None
        if address is None or not any(sign in digits for sign in address[0]):
            return 0
        return self._put(at, address.end(), Kind.ADDRESS, HOST)

    def colon_or_bracket(self, at: int) -> int:
        return self.address(at) or at + 1

    def path(self, at: int) -> int:
        """A path of a file. That of a request is read as words."""
        text = self._text
        begins = at == 0 or not (text[at - 1].isalnum() or text[at - 1] in "_.~>)]/<*:")
        path = PATH.match(text, at) if begins else None
        if path is None:
            return at + 1
        place = path[0].rstrip(".,:!")
        by = path_placeholder(place)
        if by is None:
            return at + 1
        return self._put(at, at + len(place), Kind.PATH, by)

    def _word(self, start: int) -> int:
        text = self._text
        end = _end(WORD, text, start)
        word = text[start:end]
        read = without_ids(word)
        if read == word or is_code(text, start, end) or self._is_numbered_name(word, start):
            return max(end, start + 1)
        if read == VARYING:
            # Some alphabets of ids have the sign that joins words at their ends, too.
            if start and text[start - 1] == "-" and (start == 1 or text[start - 2] in " ='\"("):
                start -= 1
            if text[end : end + 1] == "-" and not text[end + 1 : end + 2].isalnum():
                end += 1
        return self._put(start, end, Kind.ID, read)

    def _is_numbered_name(self, word: str, start: int) -> bool:
        """`column address2`: a name by the word before it, with a number of its own."""
        if not SHORT_NUMBER.fullmatch(word):
            return False
        before = WORD_BEFORE.search(self._text[max(0, start - REACH) : start])
        return before is not None and before[1].lower() in NAME_WORDS

    def data(self, at: int) -> int:
        """JSON, or what looks like it."""
        end = end_of_data(self._text, at)
        if end == at:
            return at + 1
        by = told_by_data(self._text[at + 1 : end], self._normalise)
        return self._put(at, end, Kind.DATA, by)

    def parenthesis(self, at: int) -> int:
        """PostgreSQL's `Key (email)=(a@b.c)`, and the row of an INSERT: both hold values."""
        text = self._text
        before = text[max(0, at - len("values ")) : at]
        holds_values = before.endswith(")=") or before.lower() == "values "
        values = IN_PARENTHESES.match(text, at) if holds_values else None
        return self._put(at, values.end(), Kind.VALUE, f"({VARYING})") if values else at + 1

    def placeholder(self, at: int) -> int:
        """What has been normalised before."""
        match = PLACEHOLDER.match(self._text, at)
        return match.end() if match else at + 1

    def quote(self, at: int) -> int:
        """Quoted text: a name, a value, or something to be read on inside of."""
        text = self._text
        sign = text[at]
        apostrophe = at > 0 and (text[at - 1].isalnum() or text[at - 1] == ">")
        if at in self._closing or sign in self._unclosed or apostrophe:
            return at + 1
        end = end_of_quote(text, at)
        if end < 0:
            self._unclosed.add(sign)
            return at + 1
        return self._quoted(at, end)

    def _quoted(self, start: int, end: int) -> int:
        inside = self._text[start + 1 : end - 1]
        what = what_is_quoted(self._text, start, end)
        if what is Quoted.NAME and (not inside.isalnum() or without_ids(inside) != VARYING):
            return end
        by, kind = VARYING, Kind.VALUE
        if what is Quoted.PATH:
            by, kind = path_placeholder(inside) or "", Kind.PATH
        elif what is Quoted.FILE:
            by, kind = f"<path:{file_name(inside)}>", Kind.PATH
        if what is Quoted.PROSE or not by:
            self._closing.add(end - 1)
            return start + 1
        self._put(start + 1, end - 1, kind, by)
        return end


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


_READERS: Final[Mapping[str, Callable[[Reader, int], int]]] = {
    **dict.fromkeys(ascii_letters, Reader.letters),
    **dict.fromkeys(digits, Reader.digits),
    **dict.fromkeys("+-", Reader.sign),
    **dict.fromkeys("'\"`“‘«", Reader.quote),
    **dict.fromkeys("/~.", Reader.path),
    **dict.fromkeys(":[", Reader.colon_or_bracket),
    "{": Reader.data,
    "(": Reader.parenthesis,
    "<": Reader.placeholder,
}
