"""Texts that want to be markup, and what a page must not hold when they are all on it."""

from html.parser import HTMLParser
from typing import Any

# What runs in the page is to leave `__xss` in the window.
HOSTILE = (
    "<script>window.__xss=1</script>",
    "</title><script>window.__xss=2</script>",
    "</textarea></pre></dialog><img src=x onerror=window.__xss=3>",
    '"><svg onload=window.__xss=4>',
    "'><b onmouseover='window.__xss=5'>hover</b>",
    '" autofocus onfocus="window.__xss=6',
    "' onpointerenter='window.__xss=7' x='",
    "javascript:window.__xss=8//",
    "--><iframe srcdoc='<script>parent.__xss=9</script>'></iframe>",
    "]]></svg><math><mtext></form><form><style><img src=x onerror=window.__xss=10>",
    "&lt;script&gt;window.__xss=11&lt;/script&gt;&#60;img src=x onerror=window.__xss=12&#62;",
    "\\u003cimg src=x onerror=window.__xss=13\\u003e<a href=//evil.example>x",
    "{{ 6|add:7 }}{% debug %}${window.__xss=14}<base href=//evil.example/>",
    "[x](javascript:window.__xss=15) ```</code><object data=//evil.example>\n# ![](//evil.example)",
)
# Of elements that pages have: where an address stands in them.
ADDRESSES = ("href", "src", "action", "formaction", "data", "xlink:href")
OURS = ("/", "#", "?", "../", "error_")
# What no page of ours has: all of these are made by the texts above.
NEVER = {"base", "iframe", "img", "math", "mtext", "object", "style"}


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.elements = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements += 1
        given = {name: value or "" for name, value in attrs}
        told = f"<{tag} {attrs}> at {self.getpos()}"
        if tag in NEVER or any(name.startswith("on") or name == "srcdoc" for name in given):
            self.wrong.append(told)
        if tag == "script" and not given.get("src", "").startswith("/static/"):
            self.wrong.append(told)
        for name in ADDRESSES:
            if name in given and not _is_ours(given[name]):
                self.wrong.append(told)


def _is_ours(address: str) -> bool:
    return not address or (address.startswith(OURS) and not address.startswith("//"))


def markup_made(html: str) -> list[str]:
    """Elements and attributes that only a hostile text can have made."""
    parser = _Elements()
    parser.feed(html)
    parser.close()
    assert parser.elements > 10, html
    return parser.wrong


def hostile_run(number: int, text: str) -> dict[str, Any]:
    """The report of a failed run that has the text wherever it may have one."""
    line = " ".join(text.split())
    return {
        "id": f"run_{number}",
        "taskIdentifier": f"{line[:200]} {number}",
        "status": "FAILED",
        "version": f"{number} {line}"[:60],
        "queue": line[:100],
        "schedule": line[:100],
        "batch": line[:100],
        "idempotencyKey": line[:100],
        "machine": line[:40],
        "region": line[:40],
        "tags": [line[:60]],
        "payload": {text: [text]},
        "output": text,
        "metadata": {text: {text: text}},
        "error": {
            "type": f"{text} {number}",
            "message": text,
            "stack": f"{text}\n    at {text} ({text}:1:2)\n    at run (/srv/{line}.js:3:4)\n{text}",
        },
    }
