"""The parts of a group's page that need no store: chart, trace, Markdown, commands."""

import json
import shlex
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors_app.admin.triage.curl import commands_about
from errors_app.admin.triage.histogram import HEIGHT, OTHERS, draw_histogram
from errors_app.admin.triage.markdown import code, fenced
from errors_app.admin.triage.run_words import length
from errors_app.admin.triage.traces import MOST_FRAMES, shown_trace
from errors_app.domain.buckets import round_buckets_of
from errors_app.domain.groups import GroupKey
from errors_app.queries.occurrences import Bucket
from runs_app.domain.window import Window

NOW = datetime(2026, 1, 10, 13, 7, tzinfo=UTC)
PERIODS = {"1h": 1, "24h": 24, "7d": 168, "14d": 336, "30d": 720, "90d": 2160}


@pytest.mark.parametrize("hours", PERIODS.values(), ids=PERIODS)
def test_a_window_is_cut_at_round_times_and_wholly_covered(hours) -> None:
    window = Window(NOW - timedelta(hours=hours), NOW)

    buckets = round_buckets_of(window)

    midnight = buckets.start.replace(hour=0, minute=0)
    assert 24 <= buckets.count <= 64
    assert (buckets.start - midnight) % min(buckets.size, timedelta(days=1)) == timedelta(0)
    assert buckets.start <= window.start < buckets.start + buckets.size
    assert buckets.starts[-1] < window.end <= buckets.starts[-1] + buckets.size


def test_bars_stand_on_each_other_and_no_failure_is_lost_among_versions() -> None:
    window = Window(NOW - timedelta(hours=1), NOW)
    buckets = round_buckets_of(window)
    versions = [f"v{number}" for number in range(9, -1, -1)]
    found = [
        Bucket(buckets.starts[5], version, 100 * (int(version[1:]) < 2) + 1) for version in versions
    ]
    found.append(Bucket(buckets.starts[7], "v9", 1))

    chart = draw_histogram(found, buckets, window, versions)

    assert [series.name for series in chart.series] == ["v9", "v8", "v7", "v6", "v1", "v0", OTHERS]
    assert sum(series.count for series in chart.series) == sum(one.count for one in found)
    high, low = chart.columns
    assert [sum(column.counts) for column in chart.columns] == [high.total, low.total] == [210, 1]
    tops = [(float(bar.y), float(bar.height)) for bar in high.bars]
    assert all(y >= 0 and y + height <= HEIGHT + 0.02 for y, height in tops)
    assert [y for y, _ in tops] == sorted((y for y, _ in tops), reverse=True)
    assert low.title.endswith("1 failure\nv9: 1")


def test_of_a_chain_the_raised_exception_comes_first_and_then_its_cause() -> None:
    trace = shown_trace(
        'Traceback (most recent call last):\n  File "/app/a.py", line 1, in inner\n    low()\n'
        "OSError: low\n\n"
        "The above exception was the direct cause of the following exception:\n\n"
        'Traceback (most recent call last):\n  File "/app/b.py", line 2, in outer\n    high()\n'
        "RuntimeError: high"
    )

    assert [section.exception for section in trace.sections] == [
        "RuntimeError: high",
        "OSError: low",
    ]
    assert [section.relation for section in trace.sections] == ["", "Caused by"]
    assert trace.raw.startswith("Traceback")


def test_a_raise_point_in_a_library_is_open_beside_the_own_frames() -> None:
    trace = shown_trace(
        "TypeError: fetch failed\n    at fetch (/app/node_modules/undici/index.js:1:2)\n"
        "    at connect (/app/node_modules/undici/lib.js:3:4)\n    at post (/app/src/crm.js:5:6)\n"
        "    at run (/app/node_modules/bullmq/worker.js:7:8)"
    )

    [section] = trace.sections
    told = [
        (stretch.folded, [frame.function for frame in stretch.frames])
        for stretch in section.stretches
    ]
    assert told == [
        ("", ["fetch"]),
        ("1 frame of undici", ["connect"]),
        ("", ["post"]),
        ("1 frame of bullmq", ["run"]),
    ]
    assert section.stretches[0].frames[0].raised


def test_deep_recursion_and_what_is_no_trace_stay_small() -> None:
    frame = '  File "/app/a.py", line 1, in {}\n    call()\n'
    deep = (
        "Traceback (most recent call last):\n"
        + frame.format("again") * 300
        + "RecursionError: deep"
    )
    long = (
        "Traceback (most recent call last):\n"
        + "".join(frame.format(f"f{number}") for number in range(300))
        + "ValueError: long"
    )

    [recursion], [chain] = shown_trace(deep).sections, shown_trace(long).sections

    assert sum(len(stretch.frames) for stretch in recursion.stretches) == 1
    assert recursion.left_out == 299
    assert sum(len(stretch.frames) for stretch in chain.stretches) == MOST_FRAMES
    assert chain.left_out == 300 - MOST_FRAMES
    assert shown_trace(" \n") is None
    plain = shown_trace("it broke")
    assert (plain.sections, plain.raw) == ((), "it broke")


@given(st.text(alphabet="`a \n<>*_[]\\~#\t", max_size=40))
def test_no_text_ends_its_code_span_or_its_block(text) -> None:
    span, block = code(text), fenced(text)

    opening = len(span) - len(span.lstrip("`"))
    inside = span[opening:-opening]
    assert "\n" not in span
    assert "`" * opening not in inside.strip(" ") or inside.strip(" ") == ""
    assert not inside.startswith("`")
    assert not inside.endswith("`")
    first, *lines, last = block.split("\n")
    assert first == last + "text"
    assert set(last) == {"`"}
    assert not any(last in line for line in lines)


def test_commands_survive_the_shell_whatever_the_task_is_called() -> None:
    task = 'it\'s $(rm -rf) `x` & "y" %/ ü'

    commands = {
        command.does: command.text
        for command in commands_about("https://faults.example", GroupKey("abc/d", task))
    }

    for text in commands.values():
        [program, _, header, *rest] = shlex.split(text)
        address = urlsplit(next(word for word in rest if word.startswith("https://")))
        query = parse_qs(address.query)
        assert program == "curl"
        assert header == "Authorization: Bearer $FAULTLINE_KEY"
        assert task in {*query.get("taskIdentifier", ()), *query.get("filter[taskIdentifier]", ())}
        assert address.path == "/api/v1/runs" or "error_abc/d" in unquote(address.path)
    assert json.loads(shlex.split(commands["Ignore for a day"])[-1]) == {"duration": 86_400_000}


def test_lengths_are_told_in_two_units_at_most() -> None:
    lengths = (
        timedelta(milliseconds=340), timedelta(seconds=2.4), timedelta(seconds=200),
        timedelta(hours=5, minutes=2), timedelta(days=3, hours=4),
    )  # fmt: skip

    told = [length(span) for span in lengths]

    assert told == ["340 ms", "2.4 s", "3 min 20 s", "5 h 2 min", "3 d 4 h"]
