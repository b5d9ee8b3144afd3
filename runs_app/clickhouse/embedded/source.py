"""Bytes with a reading place. What is claimed is never believed: memory grows only with bytes
that really arrived, and no further than a limit."""

from runs_app.clickhouse.embedded.compression import checksum, decompress
from runs_app.clickhouse.embedded.faults import StreamBroken

MAX_VARINT_BYTES = 10
FRAME_HASH = 16
FRAME_HEADER = 9


class Source:
    """Bytes in memory; a subclass says where more come from."""

    __slots__ = ("data", "limit", "pos")

    def __init__(self, data: bytes | bytearray, limit: int) -> None:
        self.data: bytes | bytearray = data
        self.pos = 0
        self.limit = limit

    def more(self) -> None:
        """Append at least one byte, or raise."""
        raise StreamBroken("the data ends in the middle of a value")

    def need(self, size: int) -> None:
        """Have `size` bytes at hand from the reading place on."""
        if self.pos + size > self.limit:
            raise StreamBroken(f"more than {self.limit} bytes were announced")
        while len(self.data) - self.pos < size:
            self.more()

    def skip(self, size: int) -> None:
        self.need(size)
        self.pos += size

    def byte(self) -> int:
        if self.pos >= len(self.data):
            self.need(1)
        value = self.data[self.pos]
        self.pos += 1
        return value

    def uint64(self) -> int:
        self.need(8)
        value = int.from_bytes(self.data[self.pos : self.pos + 8], "little")
        self.pos += 8
        return value

    def varint(self) -> int:
        value = 0
        for index in range(MAX_VARINT_BYTES):
            part = self.byte()
            value |= (part & 0x7F) << (7 * index)
            if part < 0x80:
                return value
        raise StreamBroken("a length has more than ten bytes")

    def blob(self, limit: int) -> bytes:
        """A length and that many bytes, at most `limit`."""
        size = self.varint()
        if size > limit:
            raise StreamBroken(f"a text of {size} bytes where at most {limit} are taken")
        self.need(size)
        value = bytes(self.data[self.pos : self.pos + size])
        self.pos += size
        return value

    def text(self, limit: int) -> str:
        return self.blob(limit).decode("utf-8", "surrogateescape")


class FrameSource(Source):
    """The content of compressed frames that arrive through another source."""

    __slots__ = ("_frames",)

    def __init__(self, frames: Source, limit: int) -> None:
        super().__init__(bytearray(), limit)
        self._frames = frames

    def more(self) -> None:
        frames = self._frames
        frames.need(FRAME_HASH + FRAME_HEADER)
        start = frames.pos + FRAME_HASH
        packed, unpacked = (
            int.from_bytes(frames.data[start + at : start + at + 4], "little") for at in (1, 5)
        )
        if packed < FRAME_HEADER or len(self.data) + unpacked > self.limit:
            raise StreamBroken(f"a compressed frame claims {packed} and {unpacked} bytes")
        frames.need(FRAME_HASH + packed)
        frame = bytes(frames.data[start : start + packed])
        if checksum(frame) != frames.data[start - FRAME_HASH : start]:
            raise StreamBroken("the checksum of a compressed frame is wrong")
        frames.pos = start + packed
        self.data += decompress(frame[0], frame[FRAME_HEADER:], unpacked)
