"""What changes with a release, a machine or a build is not in the name of a frame."""

import pytest

from runs_app.domain.traces.reading import read_trace
from runs_app.domain.traces.trace import Frame

PYTHON = 'Traceback (most recent call last):\n  File "{}", line 1, in send\nValueError: bad'
NODE = "Error: bad\n    at send ({}:1:2)"
JAVA = "acme.Bad: bad\n\tat {}(Job.java:1)"
GO = "panic: bad\n\ngoroutine 1 [running]:\n{}\n\t/app/x.go:1 +0x1d"
RUBY = "{}:1:in 'Job#send'"
PHP = "Bad: bad in {}:3\nStack trace:\n#0 /x.php(1): App\\Job->send()\n#1 {{main}}"
CSHARP = "Acme.Bad: bad\n   at {} in /src/Job.cs:line 1"

# Forms of trace, the module and function that are read, and all that may be printed for them.
STAYING = [
    (
        PYTHON,
        "jobs/mail.py send",
        [
            "/app/jobs/mail.py",
            "/srv/releases/20240131120000/jobs/mail.py",
            "/var/www/shop/releases/42/jobs/mail.py",
            "/home/deploy/apps/shop/current/jobs/mail.py",
            "/tmp/8c1d2e3f4a5b/jobs/mail.py",
            "/opt/1.4.2/jobs/mail.py",
            "C:\\builds\\3f2a9c1b\\jobs\\mail.py",
            "jobs/mail.py",
            "./jobs/mail.py",
        ],
    ),
    (
        PYTHON,
        "requests/adapters.py send",
        [
            "/usr/lib/python3/dist-packages/requests/adapters.py",
            "/app/.venv/lib/python3.12/site-packages/requests/adapters.py",
            "C:\\app\\venv\\Lib\\site-packages\\requests\\adapters.py",
            "/opt/eggs/lib/site-packages/requests-2.31.egg/requests/adapters.py",
        ],
    ),
    (
        PYTHON,
        "json/decoder.py send",
        [
            "/usr/lib/python3.11/json/decoder.py",
            "/home/ada/.pyenv/versions/3.12.1/lib/python3.12/json/decoder.py",
            "/opt/conda/lib/python3.13t/json/decoder.py",
            "C:\\Python311\\Lib\\json\\decoder.py",
        ],
    ),
    (
        NODE,
        "static/js/main.js send",
        [
            "https://a.example/static/js/main.js",
            "https://b.example:8443/static/js/main.3f2a9c1b.js?v=12",
            "https://b.example/static/js/main-B3x9_kQa.js",
            "file:///app/static/js/main.js",
            "webpack://shop/./static/js/main.js?1a2b",
            "/app/static/js/main.js",
        ],
    ),
    (
        NODE,
        "axios/lib/core.js send",
        [
            "/app/node_modules/axios/lib/core.js",
            "/app/node_modules/.pnpm/axios@1.6.2/node_modules/axios/lib/core.js",
            "C:\\app\\node_modules\\axios\\lib\\core.js",
        ],
    ),
    (
        JAVA,
        "com.acme.Job send",
        [
            "com.acme.Job.send",
            "app//com.acme.Job.send",
            "shop@1.2/com.acme.Job.send",
            "com.acme.Job$1.send",
            "com.acme.Job.lambda$send$0",
            "com.acme.Job.lambda$send$14",
            "com.acme.Job.send$default",
            "com.acme.Job$send$2.invokeSuspend",
        ],
    ),
    (
        GO,
        "acme.dev/shop/jobs (*Job).Send",
        [
            "acme.dev/shop/jobs.(*Job).Send(0xc000123, {0x1, 0x2})",
            "acme.dev/shop/jobs.(*Job).Send(...)",
            "acme.dev/shop/v3/jobs.(*Job).Send(0x0)",
            "acme.dev/shop/jobs.(*Job[...]).Send.func1(0x0)",
            "acme.dev/shop/jobs.(*Job).Send.func2.1()",
            "acme.dev/shop/jobs.(*Job).Send.gowrap1()",
            "acme.dev/shop/jobs.(*Job).Send-fm()",
        ],
    ),
    (
        RUBY,
        "jobs/mail.rb send",
        ["/app/jobs/mail.rb", "/srv/releases/20240131/jobs/mail.rb", "./jobs/mail.rb"],
    ),
    (
        RUBY,
        "sidekiq/cli.rb send",
        [
            "/usr/local/bundle/gems/sidekiq-7.2.1/lib/sidekiq/cli.rb",
            "vendor/bundle/ruby/3.1.0/gems/sidekiq-6.0/lib/sidekiq/cli.rb",
            "/x/bundler/gems/sidekiq-3f2a9c1b8d7e/lib/sidekiq/cli.rb",
            "/x/gems/sidekiq-7.2.1-x86_64-linux/lib/sidekiq/cli.rb",
        ],
    ),
    (
        PHP,
        "src/Jobs/Mail.php Job->send",
        ["/app/src/Jobs/Mail.php", "/var/www/html/src/Jobs/Mail.php", "src/Jobs/Mail.php"],
    ),
    (
        CSHARP,
        "Acme.Job Send",
        [
            "Acme.Job.Send(String to)",
            "Acme.Job.Send[T](T to)",
            "Acme.Job`1.Send(T to)",
            "Acme.Job.<Send>d__12.MoveNext()",
            "Acme.Job.<Send>d__3`1.MoveNext()",
            "Acme.Job.<>c__DisplayClass5_0.<Send>b__0(Int32 x)",
            "Acme.Job.<>c.<<Send>b__0>d.MoveNext()",
        ],
    ),
]

# What looks alike and is another place.
APART = [
    (PYTHON, ["/app/api/v1/mail.py", "/app/api/v2/mail.py"]),
    (PYTHON, ["/app/mail.py", "/app/jobs/mail.py"]),
    (PYTHON, ["/app/lib/python/mail.py", "/usr/lib/python3.11/mail.py"]),
    (NODE, ["/app/user-settings.js", "/app/user-defaults.js"]),
    (NODE, ["/app/events.js", "events.js"]),
    (JAVA, ["com.acme.Job.send", "com.acme.Job$Retry.send"]),
    (GO, ["acme.dev/shop.Send()", "acme.dev/shop.(*Job).Send()"]),
    (CSHARP, ["Acme.Job.Send()", "Acme.Job.<Send>g__Retry|3_0()"]),
]


def innermost(form: str, place: str) -> Frame:
    return read_trace(form.format(place)).raised_section.frames[0]


@pytest.mark.parametrize(("form", "name", "places"), STAYING, ids=[row[1] for row in STAYING])
def test_a_place_has_one_name(form: str, name: str, places: list[str]) -> None:
    names = {place: innermost(form, place) for place in places}

    assert {place: f"{one.module} {one.function}" for place, one in names.items()} == dict.fromkeys(
        places, name
    )
    assert len({one.own for one in names.values()}) == 1


@pytest.mark.parametrize(("form", "places"), APART, ids=[row[1][0] for row in APART])
def test_two_places_have_two_names(form: str, places: list[str]) -> None:
    one, other = (innermost(form, place) for place in places)

    assert (one.module, one.function, one.own) != (other.module, other.function, other.own)
