"""`/api/schema/` and `/docs/api/`: the OpenAPI document and a page to try it. Public, both."""

from functools import cache
from typing import Final

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.http import HttpResponse
from django.utils.decorators import method_decorator
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from config.openapi import openapi_document
from runs_app.web.permissions import NoMetadata

# By media type; the first one unless another is asked for.
RENDERERS: Final[dict[str, type[BaseRenderer]]] = {
    str(renderer.media_type): renderer
    for renderer in (
        OpenApiJsonRenderer2,
        OpenApiYamlRenderer2,
        OpenApiJsonRenderer,
        OpenApiYamlRenderer,
    )
}


class DocumentView(APIView):
    """JSON, or YAML where Accept asks for it."""

    schema = None
    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()
    metadata_class = NoMetadata
    renderer_classes = tuple(RENDERERS.values())

    def get(self, request: Request) -> HttpResponse:
        media_type = str(request.accepted_renderer.media_type)
        return HttpResponse(rendered(media_type), content_type=media_type)


# Swagger UI puts styles into its elements.
@method_decorator(csp_update({"style-src": [SELF, UNSAFE_INLINE]}), name="dispatch")
class SwaggerView(SpectacularSwaggerSplitView):
    """Everything the page loads comes from this server."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()
    url_name = "openapi-document"
    title = "Faultline API"


@cache
def rendered(media_type: str) -> bytes:
    """The document never changes while a process lives."""
    content = RENDERERS[media_type]().render(openapi_document(), renderer_context={})
    return content.encode() if isinstance(content, str) else content
