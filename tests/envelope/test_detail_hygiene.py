"""What leaves in a detail tells nothing of the inside."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.detail_hygiene import LONGEST_DETAIL, NOTHING_LEFT, safe_detail

LEFT_ALONE = [
    "GET /api/v1/projects/proj_a/prod/api-keys: internal_error",
    "The group is resolved already.",
    "Two lines\nof plain words",
    "See https://example.org/home/users/x?a=b#c and http://localhost:8000/var/tmp.",
    "https://example.org:8080/@scope/name",
    "Use /api/v1/users/1/tmp or /api/v1/errors/{id}/home instead.",
    "It failed at 12:30:45 (at the door).",
    "Failed\nat 2025-01-02T12:30:45",
    "Failed\nat least once, at most twice (see 10:12:30)",
    "Ask and/or read etc. until 3/4 are home",
    "token: expected a list",
    "runs=1000, limit=5",
    "write to somebody@example.org",
    "Ratio a:b is 3:4",
]
CLEANED = [
    # stacks
    ("Boom\nTraceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'x'", "Boom"),
    ("Boom Traceback (most recent call last): x", "Boom"),
    ("Boom\n  + Exception Group Traceback (most recent call last):\n  | x", "Boom"),
    ('Boom\n  File "a.py", line 3, in work\n    return secret', "Boom"),
    ("Boom\n    at work (index.js:10:5)\n    at more", "Boom"),
    ("Boom\n    at async file:///x.mjs:1:2\nrest", "Boom"),
    ("Boom\n    at Array.map (<anonymous>)\nrest", "Boom"),
    ("Boom\n    at new Promise (native)\nrest", "Boom"),
    ("Boom\n    at node:internal/process/task_queues:95:5", "Boom"),
    ("Boom\n    at com.acme.Work.run(Work.java:12)\nrest", "Boom"),
    ("Boom\nwork@https://example.org/a.js:10:5\nrest", "Boom"),
    ("Boom at work (index.js:10:5) at more (a.js:1:2)", "Boom"),
    ("Boom at the door at work (webpack:///./src/a.ts:1:2)", "Boom at the door"),
    # paths
    ("Kept\nread /home/app/x.py\nkept too", "Kept\nkept too"),
    *[
        (f"Kept\nsee {path} there", "Kept")
        for path in (
            "/Users/ann/x",
            "/root",
            "/var/log/x",
            "/opt/app",
            "/srv/www",
            "/tmp/x",
            "/usr/lib",
            "/etc/passwd",
            "/private/x",
            "/proc/self/environ",
            "/mnt/data",
            "'/etc/passwd'",
            "file:///home/x",
            "path=/home/x",
            "../home/x",
            "C:\\Users\\ann",
            "d:/work",
            "\\\\server\\share",
            "a/node_modules/b",
            "lib/site-packages/x",
            "lib/dist-packages/x",
            'File "x.py"',
            "https://example.org/a,/home/x",
        )
    ],
    # secrets
    ("Bad password=hunter2 here", "Bad password=[masked] here"),
    ("Bad PASSWORD = 'hunter 2' here", "Bad PASSWORD = [masked] here"),
    ('Bad {"apiKey": "a \\" b", "n": 1}', 'Bad {"apiKey": [masked], "n": 1}'),
    ("password: hunter2", "password: [masked]"),
    ("client_secret=a&b=c", "client_secret=[masked]&b=c"),
    ("a=access_token=x", "a=access_token=[masked]"),
    ("https://example.org/?token=x&y=1", "https://example.org/?token=[masked]&y=1"),
    ("Authorization: Bearer abc def", "Authorization: [masked]"),
    ("Cookie: a=b; c=d", "Cookie: [masked]"),
    ("X-Api-Key: abc", "X-Api-Key: [masked]"),
    ("token=Bearer abc tail", "token=[masked] tail"),
    ("sent Bearer abcdef123456", "sent Bearer [masked]"),
    ("key tr_prod_sk_abcDEF123 was", "key [masked] was"),
    ("read:runs:run_tr_prod_sk_abcDEF123, or", "read:runs:run_[masked], or"),
    ("error_eyJhbGciOiJI.eyJzdWIi.sig-x_y was", "error_[masked] was"),
    ("token eyJhbGciOiJI.eyJzdWIi.sig-x_y was", "token [masked] was"),
    ("postgres://ann:pa55@db/x", "postgres://[masked]@db/x"),
    ("postgres://ann:p@5/5@db/x", "postgres://[masked]@db/x"),
    ("redis://:pa55@cache:6379/0", "redis://[masked]@cache:6379/0"),
    ("https://ghp_abc@example.org/x", "https://[masked]@example.org/x"),
    # nothing left, and what cannot be shown
    ("", NOTHING_LEFT),
    (" \n\t\n ", NOTHING_LEFT),
    ("/home/x", NOTHING_LEFT),
    ("Traceback (most recent call last): x", NOTHING_LEFT),
    ("a\x00b\x1b[31mc", "a b [31mc"),
    ("one\r\n\r\ntwo\u2028three", "one\ntwo\nthree"),
    ("x" * 1024, "x" * 1024),
    ("x" * 1025, "x" * 1023 + "…"),
]


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_words_addresses_and_api_paths_are_left_alone(text):
    assert safe_detail(text) == text


@pytest.mark.parametrize(("text", "clean"), CLEANED)
def test_stacks_paths_and_secrets_do_not_leave(text, clean):
    assert safe_detail(text) == clean


PIECES = (
    *("://", "a:", "@", "/home/", "/api/", "password", "=", ":", '"', "'", "\\", " at ", "(", ")"),
    *(".js:1:2", 'File "', "\n", "Bearer ", "tr_pat_", "eyJ", "https", "C:\\", "\ud800"),
)
TROUBLE = st.lists(st.sampled_from(PIECES) | st.text(max_size=20), max_size=300).map("".join)


@given(TROUBLE | st.text())
def test_any_text_becomes_one_of_1_to_1024_characters(text):
    assert 0 < len(safe_detail(text)) <= LONGEST_DETAIL


@given(TROUBLE)
def test_no_path_under_home_leaves_however_it_is_wrapped(text):
    assert "/home/ann" not in safe_detail(f"{text}\nx /home/ann x\n{text}")


@given(st.text("abcXYZ0189!#$%*+~|", min_size=8), TROUBLE)
def test_a_password_in_its_own_line_does_not_leave(password, text):
    detail = safe_detail(f"one\npassword={password}\n{text}")

    assert detail.splitlines()[:2] == ["one", "password=[masked]"]


@pytest.mark.parametrize(
    "unit",
    ["a", "a ", "a=", "(:1:1", " at (", "://:a", "://a@", "password='", "a.", " \t", *PIECES],
)
def test_a_hostile_text_costs_time_in_proportion_to_its_length(unit):
    def seconds(length: int) -> float:
        text = unit * (length // len(unit))
        started = time.process_time()
        safe_detail(text)
        return time.process_time() - started

    once = min(seconds(20_000) for _ in range(3))

    assert min(seconds(160_000) for _ in range(3)) < 8 * 4 * max(once, 0.002)
