"""ClickHouse's compressed frames: hash, method, both sizes, data."""

from importlib import import_module
from types import ModuleType

from clickhouse_cityhash.cityhash import CityHash128
from lz4 import block as lz4  # type: ignore[import-untyped]

from runs_app.clickhouse.embedded.faults import StreamBroken

NONE = 0x02
LZ4 = 0x82
ZSTD = 0x90
FRAME_SIZE = 1 << 20


def _zstd() -> ModuleType | None:
    """The package the driver itself needs before it can send zstd."""
    try:
        return import_module("zstd")
    except ImportError:
        return None


zstd = _zstd()


def decompress(method: int, data: bytes, size: int) -> bytes:
    """The `size` bytes behind a frame's data; raises StreamBroken when they are not."""
    try:
        if method == LZ4:
            plain: bytes = lz4.decompress(data, uncompressed_size=size)
        elif method == NONE:
            plain = data
        elif method == ZSTD and zstd is not None:
            plain = zstd.decompress(data)
        else:
            raise StreamBroken(f"unknown compression method 0x{method:02x}")
    except StreamBroken:
        raise
    except Exception as error:  # lz4 and zstd have exception classes of their own
        raise StreamBroken("a compressed frame cannot be unpacked") from error
    if len(plain) != size:
        raise StreamBroken("a compressed frame unpacks to another size than it says")
    return plain


def compress(data: bytes) -> bytes:
    """`data` as LZ4 frames, which every client can read whatever it sends itself."""
    frames = bytearray()
    for at in range(0, len(data), FRAME_SIZE):
        piece = data[at : at + FRAME_SIZE]
        packed = lz4.compress(piece, store_size=False)
        frame = b"".join(
            (
                bytes((LZ4,)),
                (len(packed) + 9).to_bytes(4, "little"),
                len(piece).to_bytes(4, "little"),
                packed,
            )
        )
        frames += checksum(frame)
        frames += frame
    return bytes(frames)


def checksum(frame: bytes) -> bytes:
    """The 16 bytes that precede a frame: CityHash's two halves, the upper one first."""
    value: int = CityHash128(frame)
    return (value >> 64).to_bytes(8, "little") + (value & (1 << 64) - 1).to_bytes(8, "little")
