"""Filters of log records."""

import logging

from django.http import HttpRequest

from config.api_paths import is_api_request
from runs_app.domain.correlation import OUTSIDE_OF_A_REQUEST, current_request_id

# Where the outermost middleware leaves the accepted id, for lines written after it has ended.
REQUEST_ID_KEY = "faultline.request_id"


class RequestIdFilter(logging.Filter):
    """Gives every record a `request_id`; `-` outside of a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        request_id = current_request_id()
        request = getattr(record, "request", None)
        if request_id == OUTSIDE_OF_A_REQUEST and isinstance(request, HttpRequest):
            # Django logs some answers after the middleware has returned.
            request_id = request.META.get(REQUEST_ID_KEY, OUTSIDE_OF_A_REQUEST)
        record.request_id = request_id
        return True


class OutsideApiFilter(logging.Filter):
    """Drops what Django says of a failed API request: the translator has logged it already."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        return not (isinstance(request, HttpRequest) and is_api_request(request))
