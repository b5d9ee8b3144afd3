"""The test addresses behind the project's own middleware, with DEBUG off and on."""

import logging

import pytest
from django.test import Client

from config.logs import OutsideApiFilter, RequestIdFilter


@pytest.fixture(autouse=True)
def addresses(settings) -> None:
    settings.ROOT_URLCONF = "tests.envelope.views"
    middleware = [name for name in settings.MIDDLEWARE if "WhiteNoise" not in name]
    position = middleware.index("config.middleware.ApiErrorMiddleware") + 1
    middleware.insert(position, "tests.envelope.views.BreakingMiddleware")
    settings.MIDDLEWARE = middleware


@pytest.fixture(params=[False, True], ids=["DEBUG off", "DEBUG on"])
def debug(request, settings) -> bool:
    settings.DEBUG = request.param
    return request.param


@pytest.fixture
def http() -> Client:
    return Client(raise_request_exception=False)


@pytest.fixture
def log(caplog):
    """All records with the project's filters: its handler would have seen the same."""
    request_ids = RequestIdFilter()
    caplog.handler.addFilter(request_ids)
    django_log = logging.getLogger("django.request")
    outside_api = OutsideApiFilter()
    django_log.addFilter(outside_api)
    caplog.set_level(logging.INFO)
    yield caplog
    django_log.removeFilter(outside_api)
    caplog.handler.removeFilter(request_ids)
