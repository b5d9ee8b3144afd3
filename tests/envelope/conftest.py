"""The test addresses behind the project's own middleware, with DEBUG off and on."""

import logging

import pytest
from django.test import Client

from config.logs import DjangoFilter, RequestFactsFilter


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
    """All records as the project's own handler sees them."""
    filters = (DjangoFilter(), RequestFactsFilter())
    for one in filters:
        caplog.handler.addFilter(one)
    caplog.set_level(logging.INFO)
    yield caplog
    for one in filters:
        caplog.handler.removeFilter(one)
