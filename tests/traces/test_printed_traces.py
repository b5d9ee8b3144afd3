"""Traces as runtimes print them, each beside what is read of it.

`printed/<language>/<what it shows>.txt` is a trace, the `.outline` next to it says what it means:
sections in printed order, their types and messages, frames with module and function, `+` before
own ones. An outline is checked by a person; nothing writes it.
"""

from pathlib import Path

import pytest

from runs_app.domain.traces.reading import read_trace
from runs_app.domain.traces.trace import Frame, Language, Section, Trace, cause_chain
from tests.traces.outline import outline

PRINTED = Path(__file__).parent / "printed"
TRACES = {f"{path.parent.name}: {path.stem}": path for path in sorted(PRINTED.rglob("*.txt"))}
# The exceptions from the one that left the task to its root.
CHAINS = {
    "python: celery task with a cause": [
        "billing.errors.ChargeFailed",
        "requests.exceptions.ConnectionError",
    ],
    "python: another exception while handling one": ["json.decoder.JSONDecodeError"],
    "python: group of exceptions": ["ExceptionGroup", "ConnectionRefusedError"],
    "javascript: task with an error and its cause": ["ChargeFailed", "AxiosError"],
    "javascript: several errors in one": ["AggregateError", "Error"],
    "java: suppressed exceptions with causes of their own": [
        "java.io.UncheckedIOException",
        "java.io.IOException",
    ],
    "go: error that was wrapped twice": ["", "", ""],
    "ruby: exception with a cause": ["Invoicing::Failed", "ZeroDivisionError"],
    "php: uncaught exception with the one before it": [
        "App\\Billing\\ChargeFailed",
        "RuntimeException",
    ],
    "php: log of Laravel": ["App\\Billing\\ChargeFailed", "PDOException"],
    "csharp: inner exceptions on one line": [
        "System.AggregateException",
        "System.Exception",
        "System.IO.IOException",
    ],
}


def printed(name: str) -> str:
    return TRACES[name].read_bytes().decode()


def read(name: str) -> Trace:
    return read_trace(printed(name))


@pytest.mark.parametrize("name", TRACES)
def test_a_trace_is_read_as_its_outline_says(name: str) -> None:
    expected = TRACES[name].with_suffix(".outline").read_text("utf-8")

    assert outline(read(name)) == expected


@pytest.mark.parametrize("name", TRACES)
def test_every_printed_character_is_kept_with_line_ends_of_both_kinds(name: str) -> None:
    unix = printed(name)
    windows = unix.replace("\n", "\r\n")

    assert read_trace(unix).text == unix
    assert read_trace(windows).text == windows
    assert outline(read_trace(windows)).replace("\\r", "") == outline(read_trace(unix))


@pytest.mark.parametrize("name", CHAINS)
def test_the_chain_leads_from_the_raised_exception_to_its_root(name: str) -> None:
    chain = cause_chain(read(name))

    assert [section.exception_type for section in chain] == CHAINS[name]


def test_every_language_has_traces_of_five_kinds_and_more() -> None:
    kinds = [path.parent.name for path in TRACES.values()]

    assert set(kinds) == {*Language} - {Language.UNKNOWN}
    assert min(map(kinds.count, kinds)) >= 5


def test_a_frame_keeps_the_lines_of_code_that_python_prints() -> None:
    file = "/srv/shop/releases/20240131120000/billing/tasks.py"

    frame = read("python: celery task with a cause").raised_section.frames[1]

    assert frame == Frame(
        module="billing/tasks.py",
        function="charge_order",
        file=file,
        line=21,
        column=None,
        own=True,
        text=(
            f'  File "{file}", line 21, in charge_order\n'
            "    gateway.charge(order)\n"
            "    ~~~~~~~~~~~~~~^^^^^^^"
        ),
        library="",
    )


def test_headers_are_told_from_other_lines() -> None:
    section = read("javascript: uncaught error as Node prints it").raised_section

    headers = [line.text for line in section.lines if getattr(line, "header", False)]

    assert headers == ["TypeError: row 12 is empty", "of the second sheet"]
    assert section.header == "\n".join(headers)


def test_where_php_raised_something_is_a_frame_without_a_line_of_its_own() -> None:
    section = read("php: log of Laravel").raised_section

    raised, *others = section.frames

    assert (raised.text, raised.file, raised.line) == ("", "/app/app/Jobs/Charge.php", 15)
    assert raised not in section.lines
    assert all(frame in section.lines for frame in others)


def innermost_own(section: Section) -> str:
    frames = section.frames if section.innermost_first else section.frames[::-1]
    return next(frame.function for frame in frames if frame.own)


def test_who_recovered_from_a_panic_did_not_raise_it() -> None:
    section = read("go: panic in a goroutine that was recovered").raised_section

    assert innermost_own(section) == "(*Rater).Rate"
