"""`/docs/errors/`: a page for every code, made from the catalogue. Public, and without a store."""

import json
from http import HTTPStatus

from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from config.error_catalogue import CATALOGUE
from config.error_examples import example_of


@require_safe
def error_list(request: HttpRequest) -> HttpResponse:
    return HttpResponse(render_to_string("docs/errors.html", {"entries": CATALOGUE.values()}))


@require_safe
def error_page(request: HttpRequest, code: str) -> HttpResponse:
    entry = CATALOGUE.get(code)
    if entry is None:
        raise Http404
    example = example_of(code, request)
    context = {
        "entry": entry,
        "phrase": HTTPStatus(entry.status).phrase,
        "headers": example.headers.items(),
        "body": json.dumps(example.body, indent=2, ensure_ascii=False),
        "entries": CATALOGUE.values(),
    }
    return HttpResponse(render_to_string("docs/error.html", context))
