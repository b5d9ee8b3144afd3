"""The patterns a message is read by. All are possessive or have a bound, so that what fails has not
looked far."""

import re
from typing import Final

_MONTH: Final = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_CLOCK: Final = r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?(?: ?[AaPp]\.?[Mm]\b\.?)?"
_ZONE: Final = (
    r"(?: ?(?:Z|UTC|GMT|[CEMPW]E?[SD]?T)?(?:[+-][0-9]{2}:?[0-9]{2})?(?![A-Za-z0-9]))?"
    r"(?: \([A-Z][A-Za-z ]{2,40}\))?"
)


def _in_verbose(pattern: str) -> str:
    return pattern.replace(" ", "[ ]")


_UNITS: Final = (
    "ns|us|µs|μs|ms|s|m|h|d|ms?ecs?|millis|(?:milli|micro|nano)?seconds?|secs?|mins?|minutes?|hrs?"
    "|hours?|days?|weeks?|[kKMGTP]i?[bB]|B|bytes?|(?:kilo|mega|giga)bytes?|bits?"
)
# Words of small letters, others that no date begins with, and signs that mean nothing here.
PASSED_OVER: Final = re.compile(
    r"""(?:(?:[a-z]++
      |[A-EG-LN-RUVX-Z](?:[a-z]{0,14}+|[A-Z]{0,14}+)(?![A-Za-z]))
      (?=[\ ,;)\]!?][^0-9]|[:.]\ [^0-9]|$)
    |[\s,;!?)\]}>#$%&*|^\\_”’»]++|[^\x00-\x7f“‘«”’»]++)*+""",
    re.VERBOSE,
)
CHUNK: Final = re.compile(r"[A-Za-z0-9_@.:/+%\\-]{1,300}+")
WORD: Final = re.compile(r"[A-Za-z0-9_]++(?:-++[A-Za-z0-9_]++)*+")
DATE_IN_WORDS: Final = re.compile(
    rf"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{{0,6}},? {{1,2}})?"
    rf"(?:[0-9]{{1,2}}[ \-/]{_MONTH}[ ,\-/.:]{{1,3}}[0-9]{{2,4}}"
    rf"|{_MONTH}\.? {{1,2}}[0-9]{{1,2}}(?:st|nd|rd|th)?,? {{1,2}}(?:{_CLOCK}{_ZONE} )?[0-9]{{4}})"
    rf"(?:(?:[ T,:]{{1,3}}| at ){_CLOCK})?{_ZONE}(?![A-Za-z0-9])"
)
_BEGIN_OF_DATES_IN_A_ROW: Final = """
    Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec Mon Tue Wed Thu Fri Sat Sun
"""
BEGIN_OF_DATES: Final = frozenset(_BEGIN_OF_DATES_IN_A_ROW.split())
NUMBER: Final = re.compile(
    rf"""(?:[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ]{_in_verbose(_CLOCK + _ZONE)}
    |(?:[0-9]{{1,20}}+(?:\.[0-9]{{1,9}}+)?(?:ns|us|µs|ms|[smhd])){{2,5}}
    |[0-9]++(?:[.,:/\-][0-9]++)*+(?:[eE][+\-]?[0-9]{{1,4}})?
      (?:\.(?=[ ][kKMGTP]i?B\b))?(?:[ ]?(?:%|(?:{_UNITS})(?![A-Za-z0-9_<])))?)
    (?![A-Za-z0-9_]|[\-:][A-Za-z0-9])""",
    re.VERBOSE,
)
IPV4: Final = re.compile(
    r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]{1,2})?(?::[0-9]{1,5})?(?![A-Za-z0-9_<-]|[.:][A-Za-z0-9<])"
)
IPV6: Final = re.compile(
    r"\[?(?=[0-9A-Fa-f]{0,4}(?:(?::[0-9A-Fa-f]{1,4}){0,6}::|(?::[0-9A-Fa-f]{1,4}){3,7}(?![:A-Za-z0-9])))"
    r"(?:[0-9A-Fa-f]{0,4}:){1,7}[0-9A-Fa-f]{0,4}(?:%[a-z0-9]{1,12})?\]?"
    r"(?<=[0-9A-Fa-f\]])(?![A-Za-z0-9_])(?::[0-9]{1,5}(?![0-9]))?"
)
URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{1,20}+://[^\s'\"<>`{}|\\^“”]++")
ARN: Final = re.compile(r"arn:[a-z-]{1,12}:([a-z0-9-]{1,30}):[^\s'\"<>,)\]]*+")
EMAIL_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._%+\-]{0,63}+@(?:[A-Za-z0-9\-]{1,63}+\.){1,8}[A-Za-z]{2,}+(?![0-9_<])"
)
HOST_NAME: Final = re.compile(
    r"((?:[A-Za-z0-9\-]{1,63}+\.){1,8}(?:com|net|org|io|dev|ai|cloud|edu|gov|uk|de|fr|nl|eu|jp|br|au|ca"
    r"|ch|se|pl|shop|store|xyz|example))(?::[0-9]{1,5})?(?![A-Za-z0-9_\-(<]|\.[A-Za-z0-9_<])"
)
BLOB: Final = re.compile(
    r"(?=[A-Za-z0-9_\-]{32}|[A-Za-z0-9+/_\-]{40}|eyJ[A-Za-z0-9_\-]{8,200}+\.)"
    r"[A-Za-z0-9+/_\-]++(?:\.[A-Za-z0-9_\-]{10,}+)*+={0,2}"
)
OF_ALL_KINDS: Final = re.compile(r"(?=[^a-z]*+[a-z])(?=[^A-Z]*+[A-Z])(?=(?:[^0-9]*+[0-9]){2})")
PATH: Final = re.compile(r"(?:~?/|\.{1,2}/|[A-Za-z]:[\\/])[^\s'\"`<>()\[\]{},;|]*+")
IN_PARENTHESES: Final = re.compile(r"\([^()]{0,400}+\)")
PLACEHOLDER: Final = re.compile(r"<(?:\*|email|host|url|path)(?::[^<>\s]{0,120}+)?>")
WORD_BEFORE: Final = re.compile(r"([A-Za-z]+)[\s:=]*$")
SHORT_NUMBER: Final = re.compile(r"[A-Za-z_]{2,}[0-9]{1,2}")
REACH: Final = 24
