"""Which requests belong to the API: their failures have the one envelope, never HTML."""

from django.http import HttpRequest


def is_api_request(request: HttpRequest) -> bool:
    return request.path_info == "/api" or request.path_info.startswith("/api/")
