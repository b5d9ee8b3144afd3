"""Words that hold digits: which part of one is an id, and which part is a name.

A word is letters, digits, `_` and `-`. It is read in pieces between `_` and `-`, so that of
`payments-7f9c8d6b5-x2k4q` the name stays. An id that says of what it is one is an id as a whole
(`cus_9s6XKzkNRiz8i3`): the words around it say so, too, and another release may use other ids.
Every kind of id becomes the same placeholder: a hash is by chance all digits now and then, and
must not look like another bug then.
"""

import re
from typing import Final

from runs_app.domain.grouping.normalised_language import reads_like_words

VARYING: Final = "<*>"

# Words whose digits belong to them, in lower case.
_NAMES_WITH_DIGITS_IN_A_ROW: Final = """
    utf8 utf16 utf32 latin1 latin2 cp1252 ascii85 base16 base32 base58 base62 base64 md4 md5
    sha1 sha2 sha3 sha224 sha256 sha384 sha512 blake2 blake3 crc32 ed25519 x25519 x509 p256 p384
    rs256 hs256 es256 aes128 aes256 rc4 argon2 oauth1 oauth2 saml2 pkcs1 pkcs7 pkcs8 pkcs12 int8
    int16 int32 int64 int128 uint8 uint16 uint32 uint64 float16 float32 float64 bool8 i8 i16 i32
    i64 u8 u16 u32 u64 f32 f64 http1 http2 http3 h2 h3 h264 h265 mp3 mp4 mpeg4 webm2 ipv4 ipv6
    ip4 ip6 tls1 ssl2 ssl3 s3 ec2 route53 k8s i18n l10n e2e a11y log4j slf4j db2 sqlite3 mysql2
    neo4j psycopg2 psycopg3 boto3 urllib2 urllib3 python2 python3 py2 py3 jinja2 hdf5 bz2 gz2
    zlib2 lz4 log10 log2 expm1 log1p atan2 exp2 win32 win64 x86 x64 arm64 amd64 vec2 vec3 vec4
    d3 web3 p2p b2b b2c g2 c3p0 v4 j2ee jpeg2000 iso8601 rfc3339 rfc2822 rfc5322 rfc7231 rfc822
    uuid4 uuid7 md2html 2fa 3ds mp2 cp437 big5 gb2312 gbk2 k3s h2c s3a s3n es5 es6 es2015 es2020
"""
NAMES_WITH_DIGITS: Final = frozenset(_NAMES_WITH_DIGITS_IN_A_ROW.split())
# Vendors' names for failures, such as ORA-00942, E11000, P2002 and TS2345.
_VENDOR_CODE: Final = re.compile(
    r"(?:ORA|TNS|PLS|SP2|IMP|EXP|AADSTS|PGRST|SQL|SQLCODE|DSRA|CWW\w{1,3}|MSB|NETSDK|NU|CS|TS|BC|IDX|LNK"
    r"|EF|SYSLIB|ERR|[EP])[-_]?\d{3,6}[A-Z]?"
)
_IN_PIECES: Final = re.compile(r"([-_]+)")
_NAME_AND_NUMBER: Final = re.compile(r"([A-Za-z]+)([0-9]+)")
_PREFIXED: Final = re.compile(r"[a-z]{1,10}_(?:(?:test|live|prod|dev)_)?([A-Za-z0-9]+)")
_LEADING_NAME: Final = re.compile(r"(?:(?:[a-z]{2,14}|[A-Z][a-z]{2,14})[-_])*")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_HEX: Final = re.compile(r"[0-9a-f]{6,}|[0-9A-F]{6,}")
_CLASS_OF_STATUS: Final = re.compile(r"[1-5][xX]{2}")
_API_VERSION: Final = re.compile(r"v[0-9]{1,2}(?:(?:alpha|beta|rc)[0-9]{0,2})?")
# `Http2Stream`, `parseV2Response`, `OAuth2Error`: words that begin with a capital, with few digits.
_CAMEL_PART: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]{1,5}(?![a-z])|[0-9]{1,3}")
_CHANGE: Final = re.compile(r"(?<=[a-z])[A-Z]|(?<=[A-Za-z])[0-9]|(?<=[0-9])[A-Za-z]")
_VOWEL: Final = re.compile(r"[aeiouy]", re.IGNORECASE)
_HEX_BESIDE_AN_ID: Final = re.compile(r"[0-9a-f]{4,}|[0-9A-F]{4,}")
_REPEATED: Final = re.compile(r"<\*>(?:[-_]+<\*>)+")
# So many letters of both cases, in an order that no words have, are an id.
LONG: Final = 10
# Changes between capitals, small letters and digits: random ids have more of them, by length.
RESTLESS: Final = 0.25
MANY_CHANGES: Final = 6
LEAST_PER_PART: Final = 2.5
# Behind a prefix a word of both cases is an id more often than a name, and by chance some ids
# look like several short words.
LEAST_PER_PART_BEHIND_PREFIX: Final = 3.75
LEAST_LIKE_WORDS_BEHIND_PREFIX: Final = 0.75


def without_ids(word: str) -> str:
    """The word with `<*>` for its varying parts; itself if there are none."""
    if word.isalpha() and (len(word) < LONG or word.islower() or word.isupper()):
        return word
    if "_" not in word and "-" not in word:
        return VARYING if _is_random(word) else _piece(word)
    if _UUID.fullmatch(word):
        return VARYING
    if is_name_with_digits(word.replace("-", "")) or _VENDOR_CODE.fullmatch(word):
        return word
    prefixed = _PREFIXED.fullmatch(word)
    if prefixed and _is_id_behind_its_prefix(prefixed[1]):
        return VARYING
    name = _LEADING_NAME.match(word)
    before = name[0] if name else ""
    return before + VARYING if _is_random(word[len(before) :]) else _by_pieces(word)


def _by_pieces(word: str) -> str:
    pieces = _IN_PIECES.split(word)
    read = [_piece(piece) if index % 2 == 0 else piece for index, piece in enumerate(pieces)]
    if VARYING not in read:
        return "".join(read)
    # Beside an id, what is no word is a part of it.
    for index in range(0, len(read), 2):
        if _is_part_of_id(read[index], pieces[index]):
            read[index] = VARYING
    return _REPEATED.sub(VARYING, "".join(read))


def is_name_with_digits(word: str) -> bool:
    """Whether the digits belong to the word, wherever it stands."""
    return word.lower() in NAMES_WITH_DIGITS or bool(
        _VENDOR_CODE.fullmatch(word) or _API_VERSION.fullmatch(word)
    )


def _piece(piece: str) -> str:
    """Read letters and digits alone."""
    if piece.isdigit():
        return VARYING
    if piece.isalpha():
        return VARYING if _is_random(piece) else piece
    if not piece or is_name_with_digits(piece) or _CLASS_OF_STATUS.fullmatch(piece):
        return piece
    if _HEX.fullmatch(piece):
        return VARYING
    numbered = _NAME_AND_NUMBER.fullmatch(piece)
    if numbered:
        return numbered[1] + VARYING if reads_like_words(numbered[1]) else VARYING
    return piece if _is_camel_case(piece) else VARYING


def _is_random(word: str) -> bool:
    """Letters of both cases, maybe with digits, in turns or in an order that no words have."""
    if len(word) < LONG or word.islower() or word.isupper():
        return False
    changes = len(_CHANGE.findall(word))
    if changes >= RESTLESS * len(word) and (changes >= MANY_CHANGES or not _is_camel_case(word)):
        return True
    return not reads_like_words(word)


def _is_camel_case(word: str, least_per_part: float = LEAST_PER_PART) -> bool:
    if word.islower():
        return False
    parts = _CAMEL_PART.findall(word)
    names = [part for part in parts if len(part) > 2 and part.isalpha()]
    return (
        sum(map(len, parts)) == len(word) >= least_per_part * len(parts)
        and sum(map(len, names)) * 2 > len(word)
        and sum(part.isdigit() for part in parts) <= 2
        and any(map(_VOWEL.search, names))
    )


def _is_part_of_id(read: str, piece: str) -> bool:
    if len(piece) < 4 or not piece.isalnum() or piece.isdigit():
        return False
    if _HEX_BESIDE_AN_ID.fullmatch(piece):
        return True
    return read == piece and piece.islower() and not _VOWEL.search(piece)


def _is_id_behind_its_prefix(rest: str) -> bool:
    """Of `run_2f1c`, and of `cus_kQzWvbTrXnLm`, an id that happens to have no digit."""
    letters = rest
    if rest.isalpha():
        if len(rest) < 8 or rest.isupper():
            return False
    else:
        if is_name_with_digits(rest):
            return False
        numbered = _NAME_AND_NUMBER.fullmatch(rest)
        if not numbered or len(numbered[1]) < 4:
            return True
        letters = numbered[1]
    if letters.islower() or letters.isupper():
        return not reads_like_words(letters)
    return _is_random(rest) or not (
        reads_like_words(letters, LEAST_LIKE_WORDS_BEHIND_PREFIX)
        and _is_camel_case(letters, LEAST_PER_PART_BEHIND_PREFIX)
    )
