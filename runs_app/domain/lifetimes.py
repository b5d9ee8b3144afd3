"""How long a token shall live, in the forms that the published clients write.

A number of seconds from now, a number of seconds since 1970, or a text such as `1h`, `30m`,
`2 days`, `90 s`, `1.5 hours from now`.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY
# On the average, with leap years.
YEAR: Final = 365 * DAY + 6 * HOUR
# Every number above it counts from 1970: that many seconds are 31 years.
LAST_SPAN: Final = 1_000_000_000

UNITS: Final[Mapping[int, str]] = {
    1: "s sec secs second seconds",
    MINUTE: "m min mins minute minutes",
    HOUR: "h hr hrs hour hours",
    DAY: "d day days",
    WEEK: "w week weeks",
    YEAR: "y yr yrs year years",
}
SECONDS: Final = {word: seconds for seconds, words in UNITS.items() for word in words.split()}
SPAN: Final = re.compile(
    r"(?P<sign>[+-]?) ?(?P<number>[0-9]{1,12}(?:\.[0-9]{1,12})?) ?(?P<unit>[a-z]+)"
    r"(?: (?P<direction>ago|from now))?",
    re.ASCII | re.IGNORECASE,
)


def seconds_ahead(asked: float | str, now: datetime) -> int:
    """How many seconds after the full second of `now`: none or fewer for what is not ahead.

    Raises ValueError for text in another form.
    """
    if isinstance(asked, str):
        return _span(asked)
    if asked > LAST_SPAN:
        return int(asked) - int(now.timestamp())
    return int(asked)


def _span(text: str) -> int:
    match = SPAN.fullmatch(text)
    unit = SECONDS.get(match["unit"].lower()) if match else None
    if match is None or unit is None or (match["sign"] and match["direction"]):
        raise ValueError("This is no span of time.")
    seconds = round(float(match["number"]) * unit)
    is_past = match["sign"] == "-" or (match["direction"] or "").lower() == "ago"
    return -seconds if is_past else seconds
