"""Just enough of ClickHouse's grammar to route a statement: what kind it is, where it ends."""

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from runs_app.clickhouse.embedded.faults import Code, ServerFault

TOKEN = re.compile(
    r"""(?P<blank>\s+|--[^\n]*|\#[!\ ][^\n]*|/\*.*?\*/)
    |(?P<quoted>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`\\]|\\.|``)*`)
    |(?P<heredoc>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    |(?P<word>[^\W\d][\w$]*)
    |(?P<other>\d[\w$]*|.)""",
    re.DOTALL | re.VERBOSE,
)
NULLABLE = re.compile(r"\{\s*(\w+)\s*:\s*Nullable\s*\(")
MOST_CACHED = 1 << 15
ANSWERING = frozenset({"SELECT", "WITH", "FROM", "("})
TELLING = frozenset({"SHOW", "DESC", "DESCRIBE", "EXISTS", "EXPLAIN", "CHECK"})


class Kind(Enum):
    """How a statement has to be run."""

    SELECT = "select"
    TELL = "tell"
    INSERT = "insert"
    SET = "set"
    USE = "use"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Token:
    text: str
    start: int
    end: int

    @property
    def upper(self) -> str:
        return self.text.upper()


@dataclass(frozen=True, slots=True)
class Insert:
    """`INSERT INTO target (columns) SETTINGS settings FORMAT format data`.

    `data` is what stands in the statement itself, None when the client is going to send blocks.
    """

    target: str
    columns: str | None
    settings: str
    format: str
    data: str | None


@dataclass(frozen=True, slots=True)
class Statement:
    """`text` is one statement without its semicolon and without a FORMAT of its own."""

    kind: Kind
    text: str
    insert: Insert | None = None
    with_totals: bool = False
    nullable: frozenset[str] = frozenset()


def parse_statement(sql: str) -> Statement:
    """Classify `sql`; raises ServerFault (62) when it holds more than one statement.

    The engine would run every one of them, where a server refuses.
    """
    return _parse_cached(sql) if len(sql) < MOST_CACHED else _parse(sql)


def _parse(sql: str) -> Statement:
    tokens = _tokens(sql)
    if not tokens:
        raise ServerFault(Code.SYNTAX_ERROR, "DB::Exception: Empty query (SYNTAX_ERROR)")
    first = tokens[0].upper
    if first == "INSERT":
        insert = _parse_insert(sql, tokens)
        if insert is not None:
            return Statement(Kind.INSERT, sql, insert)
    tokens = _without_semicolon(tokens)
    if first in ANSWERING or first in TELLING:
        tokens = _without_format(tokens)
    text = sql[: tokens[-1].end]
    kind = _kind(first, tokens)
    totals = kind is Kind.SELECT and any(
        one.upper == "WITH" and two.upper == "TOTALS" for one, two in itertools.pairwise(tokens)
    )
    nullable = frozenset(NULLABLE.findall(text))
    return Statement(kind, text, with_totals=totals, nullable=nullable)


# Programs send the same few statements all day; their values travel beside them.
_parse_cached = lru_cache(maxsize=512)(_parse)


def _kind(first: str, tokens: list[Token]) -> Kind:
    if first in ANSWERING:
        return Kind.SELECT
    if first in TELLING:
        return Kind.TELL
    if first == "SET" and len(tokens) > 2 and tokens[2].text == "=":
        return Kind.SET
    return Kind.USE if first == "USE" else Kind.OTHER


def _tokens(sql: str) -> list[Token]:
    return [
        Token(match.group(), match.start(), match.end())
        for match in TOKEN.finditer(sql)
        if match.lastgroup != "blank"
    ]


def _without_semicolon(tokens: list[Token]) -> list[Token]:
    end = next((at for at, token in enumerate(tokens) if token.text == ";"), len(tokens))
    if any(token.text != ";" for token in tokens[end:]):
        raise ServerFault(
            Code.SYNTAX_ERROR,
            "DB::Exception: Syntax error (Multi-statements are not allowed): failed at position"
            f" {tokens[end].start + 1} (end of query). (SYNTAX_ERROR)",
        )
    if not end:
        raise ServerFault(Code.SYNTAX_ERROR, "DB::Exception: Empty query (SYNTAX_ERROR)")
    return tokens[:end]


def _without_format(tokens: list[Token]) -> list[Token]:
    """Over this protocol the answer is always Native, whatever FORMAT says."""
    if len(tokens) > 2 and tokens[-2].upper == "FORMAT" and tokens[-1].text.isidentifier():
        return tokens[:-2]
    return tokens


def _parse_insert(sql: str, tokens: list[Token]) -> Insert | None:
    """The parts of an INSERT that takes data; None for INSERT ... SELECT and the like."""
    at = 1
    if at < len(tokens) and tokens[at].upper == "INTO":
        at += 1
    if at < len(tokens) and tokens[at].upper == "TABLE":
        at += 1
    is_function = at < len(tokens) and tokens[at].upper == "FUNCTION"
    start = at
    at = _end_of_name(tokens, at + is_function)
    if is_function:
        at = _end_of_parentheses(tokens, at)
    if at == start or at > len(tokens):
        return None
    target = sql[tokens[start].start : tokens[at - 1].end]
    columns = None
    if at < len(tokens) and tokens[at].text == "(":
        if tokens[at + 1 : at + 2] and tokens[at + 1].upper in ANSWERING:
            return None
        end = _end_of_parentheses(tokens, at)
        columns = sql[tokens[at].end : tokens[end - 1].start]
        at = end
    settings_start = at
    if at < len(tokens) and tokens[at].upper == "SETTINGS":
        while at < len(tokens) and tokens[at].upper not in DATA_STARTS:
            at += 1
    settings = sql[tokens[settings_start].start : tokens[at - 1].end] if at > settings_start else ""
    return _with_data(sql, tokens, at, Insert(target, columns, settings, "Native", None))


DATA_STARTS: Mapping[str, int] = {"VALUES": 1, "FORMAT": 2, "SELECT": 0, "WITH": 0, ";": 0}


def _with_data(sql: str, tokens: list[Token], at: int, insert: Insert) -> Insert | None:
    word = tokens[at].upper if at < len(tokens) else ";"
    if word not in DATA_STARTS or word in ("SELECT", "WITH"):
        return None
    rest = tokens[at + DATA_STARTS[word] :]
    if all(token.text == ";" for token in rest):
        return insert
    if word == ";":
        _without_semicolon(tokens)
    format_name = "Values" if word == "VALUES" else tokens[at + 1].text
    data = sql[rest[0].start :]
    return Insert(insert.target, insert.columns, insert.settings, format_name, data)


def column_names(listed: str) -> tuple[str, ...] | None:
    """The names in a column list, None when it holds more than names (`* EXCEPT(a)`)."""
    names = [""]
    for token in _tokens(listed):
        if token.text == ",":
            names.append("")
        elif token.text[0] in '`"':
            names[-1] += re.sub(r"\\(.)", r"\1", token.text[1:-1])
        elif token.text == "." or token.text.isidentifier():
            names[-1] += token.text
        else:
            return None
    return tuple(names) if all(names) else None


def _end_of_name(tokens: list[Token], at: int) -> int:
    """The place after `name` or `database.name`."""
    at += 1
    while at + 1 < len(tokens) and tokens[at].text == ".":
        at += 2
    return at


def _end_of_parentheses(tokens: list[Token], at: int) -> int:
    depth = 0
    for place in range(at, len(tokens)):
        depth += (tokens[place].text == "(") - (tokens[place].text == ")")
        if depth == 0:
            return place + 1
    return len(tokens)
