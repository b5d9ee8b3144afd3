"""Reading a request's body as a stream, up to a limit, whatever its length and encoding claim."""

import contextlib
import time
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, cast

import msgspec
from django.http import HttpRequest
from gunicorn.http.errors import NoMoreData, ParseException
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.request import Request

from runs_app.domain.errors import Detail, Interrupted, InvalidInput, TooLarge

CHUNK: Final = 65_536
# How much of a refused body is still read, so that the client gets to read the refusal.
DRAINED: Final = 64 * 1_048_576
# The same of one that was refused before anybody read it, perhaps of a caller nobody knows.
DISCARDED: Final = 8 * 1_048_576
DISCARD_SECONDS: Final = 5.0
BEGUN_KEY: Final = "faultline.body_begun"
GZIP: Final = 16 + zlib.MAX_WBITS
# More than any body has that describes a single thing.
SMALL_BODY: Final = 262_144
JSON_TYPES: Final = frozenset({"application/json", ""})


class UnsupportedEncoding(UnsupportedMediaType):
    """The body is compressed in a way that is not read here."""


def read_json(request: Request, *, most: int = SMALL_BODY) -> Any:
    """The JSON value of a body of at most `most` bytes; an empty object where there is no body,
    whatever its type.

    Strict (RFC 8259): no NaN, no half characters, no endless nesting. Raises what `read_body`
    raises, UnsupportedMediaType, ParseError, or InvalidInput where it is nested too deeply.
    """
    hint = "Send only the members this address knows."
    content = read_body(request._request, most=most, hint=hint)
    if not content.strip():
        return {}
    media_type = media_type_of(request)
    if media_type not in JSON_TYPES:
        raise UnsupportedMediaType(media_type)
    try:
        return msgspec.json.decode(content)
    except RecursionError:
        raise InvalidInput(
            [Detail("The body is nested too deeply.", "/body", "too_deep")]
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ParseError from error


def media_type_of(request: Request) -> str:
    """The media type of the body, without its parameters; empty where none is named."""
    return (request.content_type or "").partition(";")[0].strip().lower()


def read_body(
    request: HttpRequest, *, most: int, hint: str = "Send fewer runs in one request."
) -> bytes:
    """The body after decompression, at most `most` bytes; `hint` is for one that has more.

    Raises TooLarge, UnsupportedEncoding, Interrupted where it ends too early, or InvalidInput where
    the compression or the transfer coding is broken.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip", ""}:
        raise UnsupportedEncoding(encoding)
    chunks = _chunks(request)
    too_large = TooLarge(
        f"The body may have {most:,} bytes after decompression at most.", hint=hint
    )
    try:
        if encoding != "gzip":
            return b"".join(_limited(chunks, most, too_large))
        # Packing never makes much more of it: a longer one is made of nothing at all, such as
        # empty gzip members without end.
        packed = _limited(chunks, most + most // 100 + CHUNK, too_large)
        return b"".join(_limited(_inflated(packed, most), most, too_large))
    except (TooLarge, InvalidInput):
        _drain(chunks)
        raise


def discard_body(request: HttpRequest) -> None:
    """Reads a body that nobody has read, within bounds, and forgets it.

    Many clients read no answer before they have sent all, and find a closed connection else.
    """
    if BEGUN_KEY in request.META:
        return
    connection = request.META.get("gunicorn.socket")
    if connection is not None:
        patience = connection.gettimeout()
        connection.settimeout(DISCARD_SECONDS)
    until = time.monotonic() + DISCARD_SECONDS
    discarded = 0
    # Whoever sends too slowly, or nothing sensible, is answered at once.
    with contextlib.suppress(Interrupted, InvalidInput):
        for chunk in _chunks(request):
            discarded += len(chunk)
            if discarded > DISCARDED or time.monotonic() > until:
                break
    if connection is not None:
        connection.settimeout(patience)


def _chunks(request: HttpRequest) -> Iterator[bytes]:
    """The raw body. Of a chunked one Django would read nothing: it goes by Content-Length.

    Raises Interrupted, or InvalidInput for a broken chunk. What the server or Django say of
    either may quote the body: it goes no further.
    """
    request.META[BEGUN_KEY] = True
    chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    stream = cast(BinaryIO, request.META["wsgi.input"] if chunked else request)
    missing = 0 if chunked else _content_length(request)
    while chunk := _piece(stream):
        missing -= len(chunk)
        yield chunk
    if missing > 0:
        raise Interrupted


def _piece(stream: BinaryIO) -> bytes:
    try:
        return stream.read(CHUNK)
    except (ParseException, NoMoreData):
        raise InvalidInput(
            [Detail("The chunked transfer coding of the body is broken.", "/body", "broken_body")]
        ) from None
    except OSError:
        # The socket's timeout, or a connection that the client closed.
        raise Interrupted from None


def _content_length(request: HttpRequest) -> int:
    length = request.META.get("CONTENT_LENGTH") or ""
    return int(length) if length.isdecimal() else 0


def _limited(chunks: Iterator[bytes], most: int, too_large: TooLarge) -> Iterator[bytes]:
    """The same pieces, until there are more than `most` bytes of them."""
    taken = 0
    for chunk in chunks:
        taken += len(chunk)
        if taken > most:
            raise too_large
        yield chunk


def _inflated(chunks: Iterator[bytes], most: int) -> Iterator[bytes]:
    """Decompressed pieces; no piece is made larger than what is still allowed."""
    inflater = zlib.decompressobj(GZIP)
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                if inflater.eof:
                    inflater = zlib.decompressobj(GZIP)
                yield inflater.decompress(rest, most + 1)
                rest = inflater.unconsumed_tail or inflater.unused_data
        yield inflater.flush()
    except zlib.error:
        raise _broken_gzip() from None
    if not inflater.eof:
        raise _broken_gzip()


def _broken_gzip() -> InvalidInput:
    return InvalidInput(
        [Detail("The body is not complete gzip data.", "/body", "invalid_gzip")],
        user_message="Nothing in the body could be read; see details.",
    )


def _drain(chunks: Iterator[bytes]) -> None:
    drained = 0
    with contextlib.suppress(Interrupted, InvalidInput):
        for chunk in chunks:
            drained += len(chunk)
            if drained > DRAINED:
                return
