"""What of a message varies between two failures of one bug, and what tells two bugs apart."""

import random
import time
from string import ascii_letters, digits

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runs_app.domain.grouping.normalised_text import (
    LONGEST_KEPT,
    LONGEST_READ,
    normalise,
    on_one_line,
    replacements,
)

# Each is an id, or anything else that another run of the same code has another of.
VARYING = (
    "12345", "-7", "3.14", "1,234,567", "42%", "1e5",
    "550e8400-e29b-41d4-a716-446655440000", "550e8400e29b41d4a716446655440000",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV", "0ujtsYcgvSTl8PAuAdqWYSMnLOv", "V1StGXR8_Z5jdHi6B-myT",
    "cjld2cjxh0000qzrmn831i7rn", "507f1f77bcf86cd799439011", "1541815603606036480",
    "9fceb02", "a1b2c3d4", "3f2a9c1b77de", "9b74c9897bac770ffc029102a200c5de",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709", "0x7f1a2b3c4d5e", "0xff",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "MDEyMzQ1Njc4OUFCQ0RFRjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5MDEyMw==",
    "1.53s", "30000ms", "950 ms", "1m30s", "2 hours", "12 MB", "5.5GiB", "1024 bytes",
    "2026-01-15", "2026-01-15T10:22:33.123Z", "2026-01-15 10:22:33+00:00", "15/01/2026", "10:22:33",
    "Thu, 15 Jan 2026 10:22:33 GMT", "Jan 15, 2026", "15 January 2026",
    "Thu Jan 15 2026 10:22:33 GMT+0100 (Central European Standard Time)",
)  # fmt: skip


@pytest.mark.parametrize("varying", VARYING)
def test_what_varies_is_replaced_in_the_middle_and_at_the_end(varying):
    assert normalise(f"Lost {varying} on the way") == "Lost <*> on the way"
    assert normalise(f"Lost {varying}") == "Lost <*>"
    assert normalise(f"Lost ({varying}), again") == "Lost (<*>), again"


@pytest.mark.parametrize(
    ("message", "normalised"),
    [
        ("No such charge: ch_3NabcDEFghi12345", "No such charge: <*>"),
        ("No such key: sk_live_51HabcDEF", "No such key: <*>"),
        ("run_2f1c failed, run_abcdzkqw too, order-12345 waits",
         "<*> failed, <*> too, order-<*> waits"),
        ("i-0abc1234def567890 is gone", "i-<*> is gone"),
        ("pod payments-7f9c8d6b5-xkqzt", "pod payments-<*>"),
        ("worker-12 on ip-10-0-1-23", "worker-<*> on ip-<*>"),
        ("<Order object at 0x7f1a2b3c4d5e>", "<Order object at <*>>"),
        ("ids [1, 2, 3] and [a1b2c3d4]", "ids [<*>] and [<*>]"),
        ("char 45, line 3 column 12 (x.js:12:5)", "char <*>, line <*> column <*> (x.js:<*>)"),
        ("connect ECONNREFUSED 10.0.0.5:5432", "connect ECONNREFUSED <host>"),
        ("connect ECONNREFUSED ::1:5432", "connect ECONNREFUSED <host>"),
        ("connect ECONNREFUSED [fe80::1]:5432", "connect ECONNREFUSED <host>"),
        ("getaddrinfo ENOTFOUND shop.customer.com", "getaddrinfo ENOTFOUND <host>"),
        ("getaddrinfo ENOTFOUND api.stripe.com", "getaddrinfo ENOTFOUND <host:api.stripe.com>"),
        ("cannot reach db-3.prod.internal:5432", "cannot reach db-<*>.prod.internal:<*>"),
        ("sent to a.b+c@example.com.", "sent to <email>."),
        ("at https://hooks.customer.com/x/9?y=1.", "at <url>."),
        ("at https://api.stripe.com/v1/charges/ch_1", "at <url:api.stripe.com>"),
        ("at http://billing:8080/jobs/1", "at <url:billing>"),
        ("at postgres://app:secret@db:5432/app", "at <url:db>"),
        ("arn:aws:sqs:eu-west-1:123456789012:orders", "<url:arn-sqs>"),
        ("GET /api/v1/orders/123?page=2", "GET /api/v1/orders/<*>?page=<*>"),
        ("No such file: '/tmp/tmpab12cd/x.csv'", "No such file: '<path:*.csv>'"),
        ("No such file: '/data/Invoice of June.pdf'", "No such file: '<path:*.pdf>'"),
        ("No such file: '/srv/app/config.yml'", "No such file: '<path:config.yml>'"),
        (r"C:\Users\Jo\app\file.ts is locked", "<path:file.ts> is locked"),
        ("invalid literal for int() with base 10: 'abc'",
         "invalid literal for int() with base <*>: '<*>'"),
        ("'pink' is not a valid Colour", "'<*>' is not a valid Colour"),
        ("Shop \"Acme's Widgets & Co\" is closed", 'Shop "<*>" is closed'),
        ("Key (email)=(a@b.co) already exists.", "Key (email)=(<*>) already exists."),
        ('Failed: {"id": 7, "error": {"code": "declined", "message": "No funds."}}',
         'Failed: {code: declined, message: "No funds."}'),
        ("{'mail': ['Enter a valid address.'], 'tags': ['red', 'not new']}",
         '{mail: ["Enter a valid address."]}'),
        ("{'mail': [ErrorDetail(string=\"can't be blank\", code='blank')]}",
         '{mail: ["can\'t be blank"], code: blank}'),
        ("refused: {'a@b.co': (550, b'5.1.1 <a@b.co>: User unknown')}",
         'refused: {code: 550, message: "<*> <<email>>: User unknown"}'),
        ('[{"code": "too_small", "path": ["items", 12, "sku"], "received": "abc"}]',
         "[{code: too_small, path: items.<*>.sku}]"),
        ("[{'loc': ('body', 'price'), 'msg': 'field required', 'input': 'ten'}]",
         '[{path: body.price, msg: "field required"}]'),
        ("one\n  two\tthree ", "one two three"),
        ("it failed\nTraceback (most recent call last):\n  File 1", "it failed"),
    ],
)  # fmt: skip
def test_the_words_around_what_varies_stay(message, normalised):
    assert normalise(message) == normalised


@pytest.mark.parametrize(
    "message",
    [
        "Request failed with status code 503", "HTTP 404", "status=429, code=ETIMEDOUT",
        "404 Client Error: Not Found", "502 Bad Gateway", "upstream returned 429", "(status: 500)",
        "SQLSTATE[42S02]: Base table or view not found", "duplicate key (SQLSTATE 23505)",
        "[Errno 111] Connection refused", "[WinError 10061] refused", "read ECONNRESET",
        "ORA-00001: unique constraint (APP.PK) violated", "E11000 duplicate key error", "P2002",
        "(1062, 'Duplicate column name')", "Error 1045 (28000): Access denied", "SQLITE_BUSY",
        "Process exited with code 137", "exited with 1", "returned non-zero exit status 2",
        "killed by signal 9", "HRESULT: 0x80070005", "rpc error: code = 14",
        "'NoneType' object has no attribute 'total'", "'user_id'", "column \"address2\" is unknown",
        "Cannot read properties of undefined (reading 'id')", "No module named 'psycopg2'",
        "f() got an unexpected keyword argument 'limit'", "An error occurred (NoSuchKey)",
        "'utf-8' codec failed", "Expecting ',' delimiter", "Http2Stream: sha256 of a base64 text",
        "send_notification and run_migrations", "get_userName, on_HTTPError, handle_paymentIntent",
        "deadbeef, a facade", "missing keys: ['a', 'b']",
    ],
)  # fmt: skip
def test_what_tells_bugs_apart_stays(message):
    assert normalise(message) == message


def test_hardly_an_id_behind_its_prefix_is_taken_for_a_name():
    chance = random.Random(7)
    ids = ["ch_" + "".join(chance.choices(ascii_letters + digits, k=14)) for _ in range(10_000)]

    kept = [one for one in ids if normalise(f"charge {one}") != "charge <*>"]

    assert len(kept) <= 2, kept


def test_a_number_is_no_code_only_because_it_looks_like_one():
    assert normalise("Order 503 has 404 items") == "Order <*> has <*> items"
    assert normalise("query returned 500 rows") == "query returned <*> rows"
    assert normalise("Error: 1062 rows are missing") == "Error: <*> rows are missing"


def test_every_replacement_tells_where_it_is_and_what_was_there():
    text = "Order 4711 of a@b.co is gone"

    found = replacements(text)

    assert [(text[one.start : one.end], one.kind, one.by) for one in found] == [
        ("4711", "number", "<*>"),
        ("a@b.co", "email", "<email>"),
    ]


def test_only_so_much_is_read_and_kept_and_ids_do_not_move_the_end():
    short, long = (" ".join(f"word {id_}" for _ in range(900)) for id_ in ("1", "123456789"))

    assert len(on_one_line(long)) <= LONGEST_READ
    assert normalise(short) == normalise(long)
    assert len(normalise(long)) <= LONGEST_KEPT


# --- for any text -----------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        *VARYING, "user", "failed:", "'name'", '"a value"', "'it's'", '{"code":"x"}', "(1062,",
        "status", "code", "404", "at", "/tmp/a.csv", "/app/b.py", "http://x.com/y", "a@b.co", "::1",
        "{'a':", '["can\'t be.",', "(550, b'1 no", '"path": ["x", 0]}', "]}",
        "cus_9s6XKzkNRiz8i3", "<*>", "<url:api.x.com>", "Error", "column", "sha256", "Jan", "May,",
    ]
)  # fmt: skip


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(PIECES, max_size=12).map(" ".join))
def test_what_was_normalised_stays_as_it_is(message):
    once = normalise(message)

    assert normalise(once) == once


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(st.sampled_from("aB1 -_.:/'\"`{}()<>=,*@\n\\é“\ud800"), max_size=60) | st.text())
def test_any_text_can_be_normalised_and_its_replacements_are_in_order(message):
    text = on_one_line(message)

    found = replacements(text)

    places = [place for one in found for place in (one.start, one.end)]
    assert places == sorted(places)
    assert all(one.start < one.end <= len(text) or one.by for one in found)
    assert len(normalise(message)) <= LONGEST_KEPT


HOSTILE = (
    "/", "'", "' ", "{", "a.", "a@", "1 ", "1-", ":", "a_", "a-", "a1-", "<", "\n", '"a', "Jan ",
    "(",
    ")=(", "eyJ", "0:", "500 ", "code=1 ", "Aa1", "'a b' ", "\n at ", "{a:", "x", "é", "%", "GET ",
    "Mon 1 Jan ", "values (", "a.com ", "1.1.1.", "\\", "{a:['b c.", "{a:(550,'b ", '{path:["a",',
)  # fmt: skip


def test_no_megabyte_takes_long():
    def thread_time_of(text):
        began = time.thread_time()
        normalise(text)
        return time.thread_time() - began

    # A hundred times what is needed: what is quadratic takes minutes.
    slow = [piece for piece in HOSTILE if thread_time_of(piece * (1_000_000 // len(piece))) > 1.0]

    assert slow == []
