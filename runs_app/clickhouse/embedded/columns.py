"""ClickHouse's column types: how wide a value is, and which type to ask clients for instead."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from runs_app.clickhouse.embedded.faults import StreamBroken

MAX_DEPTH = 32
MAX_TYPE_LENGTH = 1 << 16

WIDTHS: Mapping[str, int] = {
    "Bool": 1, "Int8": 1, "UInt8": 1, "Enum8": 1, "Nothing": 1,
    "Int16": 2, "UInt16": 2, "Enum16": 2, "Date": 2, "BFloat16": 2,
    "Int32": 4, "UInt32": 4, "Float32": 4, "Date32": 4, "DateTime": 4, "IPv4": 4, "Time": 4,
    "Int64": 8, "UInt64": 8, "Float64": 8, "DateTime64": 8, "Time64": 8,
    "Int128": 16, "UInt128": 16, "UUID": 16, "IPv6": 16,
    "Int256": 32, "UInt256": 32,
    "Decimal32": 4, "Decimal64": 8, "Decimal128": 16, "Decimal256": 32,
}  # fmt: skip
DECIMAL_WIDTHS = ((9, 4), (18, 8), (38, 16), (76, 32))
POINT = "Tuple(Float64, Float64)"
ALIASES: Mapping[str, str] = {
    "Point": POINT,
    "Ring": f"Array({POINT})",
    "LineString": f"Array({POINT})",
    "Polygon": f"Array(Array({POINT}))",
    "MultiLineString": f"Array(Array({POINT}))",
    "MultiPolygon": f"Array(Array(Array({POINT})))",
}
TOKEN = re.compile(r"\s*([A-Za-z_]\w*|`(?:[^`\\]|\\.|``)*`|'(?:[^'\\]|\\.|'')*'|[-\w.]+|[(),=])")


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A parsed type. `width` is the bytes of a row when all rows have equally many, else None."""

    name: str
    inner: tuple["ColumnType", ...]
    width: int | None


@lru_cache(maxsize=2048)
def parse_type(text: str) -> ColumnType:
    """The layout of a type; raises StreamBroken for text that is none."""
    if len(text) > MAX_TYPE_LENGTH:
        raise StreamBroken("the name of a column type is too long")
    return _build(_parse(text), 0)


@lru_cache(maxsize=2048)
def requested_type(text: str) -> str:
    """The type to announce for a column of type `text` when a client is about to insert.

    Whatever is announced is cast to the column's own type by the engine, which does it much
    faster than the client can encode it: plain values instead of dictionaries, and JSON as text
    (the driver takes a dict or a str for it either way).
    """
    if not any(word in text for word in ("LowCardinality", "JSON", "SimpleAggregateFunction")):
        return text
    return _render(_parse(text))


@dataclass(frozen=True, slots=True)
class _Node:
    """One argument of a type: words before (`name`) and arguments in parentheses."""

    words: tuple[str, ...]
    arguments: tuple["_Node", ...] | None


def _parse(text: str) -> _Node:
    tokens: list[str] = []
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise StreamBroken("the name of a column type cannot be read")
        tokens.append(match.group(1))
        at = match.end()
    node, rest = _parse_node(tokens, 0, 0)
    if rest != len(tokens):
        raise StreamBroken("the name of a column type has a wrong end")
    return node


def _parse_node(tokens: list[str], at: int, depth: int) -> tuple[_Node, int]:
    if depth > MAX_DEPTH:
        raise StreamBroken("a column type is nested too deep")
    words: list[str] = []
    while at < len(tokens) and tokens[at] not in "(),":
        words.append(tokens[at])
        at += 1
    if at == len(tokens) or tokens[at] != "(":
        return _Node(tuple(words), None), at
    arguments: list[_Node] = []
    at += 1
    while True:
        if at >= len(tokens):
            raise StreamBroken("a parenthesis of a column type is not closed")
        if tokens[at] == ")":
            return _Node(tuple(words), tuple(arguments)), at + 1
        if tokens[at] == ",":
            at += 1
            continue
        node, at = _parse_node(tokens, at, depth + 1)
        arguments.append(node)


def _build(node: _Node, depth: int) -> ColumnType:
    if not node.words:
        raise StreamBroken("a column type has no name")
    name, arguments = node.words[-1], node.arguments or ()
    if name in ALIASES:
        return parse_type(ALIASES[name])
    if name in ("Array", "Nullable", "LowCardinality", "Map", "Tuple", "Nested"):
        return _build_compound(name, tuple(_build(each, depth + 1) for each in arguments))
    if name == "SimpleAggregateFunction" and len(arguments) == 2:
        return _build(arguments[1], depth + 1)
    if name.startswith("Interval"):
        return ColumnType("Int64", (), 8)
    return ColumnType(name, (), _width(name, arguments))


def _build_compound(name: str, inner: tuple[ColumnType, ...]) -> ColumnType:
    expected = {"Array": 1, "Nullable": 1, "LowCardinality": 1, "Map": 2}.get(name)
    if expected is not None and len(inner) != expected:
        raise StreamBroken(f"a column type {name} has {len(inner)} arguments")
    match name:
        case "Nullable" if inner[0].width is not None:
            return ColumnType(name, inner, inner[0].width + 1)
        case "Tuple" if inner and all(each.width is not None for each in inner):
            return ColumnType(name, inner, sum(each.width or 0 for each in inner))
        case "Tuple" if not inner:
            return ColumnType(name, inner, 1)
        case "Map" | "Nested":
            pair = _build_compound("Tuple", inner)
            return ColumnType("Array", (pair,), None)
        case _:
            return ColumnType(name, inner, None)


def _width(name: str, arguments: tuple[_Node, ...]) -> int | None:
    if name == "FixedString" and arguments:
        return _number(arguments[0])
    if name == "Decimal" and arguments:
        precision = _number(arguments[0])
        return next((width for most, width in DECIMAL_WIDTHS if precision <= most), None)
    return WIDTHS.get(name)


def _number(node: _Node) -> int:
    if len(node.words) != 1 or not node.words[0].isdecimal():
        raise StreamBroken("a column type has an argument that is not a number")
    return int(node.words[0])


def _render(node: _Node) -> str:
    name, arguments = node.words[-1] if node.words else "", node.arguments
    if arguments is not None and (
        (name == "LowCardinality" and len(arguments) == 1)
        or (name == "SimpleAggregateFunction" and len(arguments) == 2)
    ):
        prefix, inner = node.words[:-1], arguments[-1]
        return " ".join((*prefix, _render(inner)))
    if name == "JSON":
        return " ".join((*node.words[:-1], "Object('json')"))
    text = " ".join(node.words)
    if arguments is None:
        return text
    return f"{text}({', '.join(_render(each) for each in arguments)})"
