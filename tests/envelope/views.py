"""Views, middleware and addresses that fail in every way, behind the real error handlers."""

import logging
from collections.abc import Iterator

from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseServerError,
    JsonResponse,
    StreamingHttpResponse,
)
from django.urls import path
from django.views.decorators.csrf import csrf_protect
from rest_framework import serializers
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from runs_app.domain.correlation import current_request_id
from tests.envelope.failures import FAILURES

log = logging.getLogger("tests.envelope")


class Open(APIView):
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    parser_classes = (JSONParser,)


class Raises(Open):
    def get(self, request: Request, name: str) -> Response:
        FAILURES[name]()

    post = get


class Item(serializers.Serializer):
    q = serializers.IntegerField(max_value=5)
    colour = serializers.ChoiceField(choices=["red"], required=False)


class Order(serializers.Serializer):
    title = serializers.CharField(max_length=3)
    password = serializers.UUIDField(required=False)
    items = Item(many=True, required=False)
    numbers = serializers.ListField(child=serializers.IntegerField(), required=False)

    def validate(self, attrs: dict) -> dict:
        if attrs["title"] == "bad":
            raise serializers.ValidationError("The parts do not fit.", code="misfit")
        return attrs


class Orders(Open):
    def get(self, request: Request) -> Response:
        Order(data=request.query_params).is_valid(raise_exception=True)
        return Response({})

    def post(self, request: Request) -> Response:
        order = Order(data=request.data)
        order.is_valid(raise_exception=True)
        return Response({"title": order.validated_data["title"]})


class Unencodable(Open):
    def get(self, request: Request) -> Response:
        return Response({"value": object()})


class AnswersByHand(Open):
    def get(self, request: Request) -> Response:
        return Response({"made": "by hand"}, status=409)


def plain_raises(request: HttpRequest, name: str) -> HttpResponse:
    FAILURES[name]()


# What an answer says of its body, which is not that of the envelope.
OF_THE_BODY = {
    "Content-Disposition": "attachment",
    "Content-Encoding": "br",
    "Content-Language": "en",
    "Content-Range": "bytes 0-1/2",
    "ETag": '"x"',
    "Last-Modified": "Thu, 02 Jan 2025 03:04:05 GMT",
}


def answers(request: HttpRequest, status: int) -> HttpResponse:
    of_its_own = {"Retry-After": "7", "X-Kept": "yes", "WWW-Authenticate": "Basic"}
    headers = {**of_its_own, **OF_THE_BODY}
    return HttpResponse("<h1>by hand</h1>", status=status, headers=headers)


def only_put(request: HttpRequest) -> HttpResponse:
    return HttpResponseNotAllowed(["PUT"])


def streams(request: HttpRequest) -> StreamingHttpResponse:
    def chunks() -> Iterator[str]:
        log.warning("while streaming")
        yield current_request_id()

    return StreamingHttpResponse(chunks())


def streams_a_failure(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter(["secret"]), status=502)


def works(request: HttpRequest) -> HttpResponse:
    log.warning("while working")
    return JsonResponse({"request_id": current_request_id()})


def fails_by_hand(request: HttpRequest) -> HttpResponse:
    return HttpResponseServerError("by hand")


class BreakingMiddleware:
    """Fails as the header X-Break says, before or after the view."""

    def __init__(self, get_response) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        when, _, name = request.headers.get("X-Break", "").partition(" ")
        if when == "before":
            FAILURES[name]()
        response = self.get_response(request)
        if when == "after":
            FAILURES[name]()
        return response


urlpatterns = [
    path("api/raises/<name>", Raises.as_view()),
    path("api/plain/<name>", plain_raises),
    path("api/answers/<int:status>", answers),
    path("api/orders", Orders.as_view()),
    path("api/unencodable", Unencodable.as_view()),
    path("api/by-hand", AnswersByHand.as_view()),
    path("api/only-put", only_put),
    path("api/form", csrf_protect(works)),
    path("api/streams", streams),
    path("api/streams-a-failure", streams_a_failure),
    path("api/works", works),
    path("pages/works", works),
    path("pages/raises/<name>", plain_raises),
    path("pages/form", csrf_protect(works)),
    path("pages/fails-by-hand", fails_by_hand),
]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.permission_denied"
handler404 = "config.errors.page_not_found"
handler500 = "config.errors.server_error"
