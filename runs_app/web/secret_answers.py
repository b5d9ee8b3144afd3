"""Answers with a secret: for who asked for it, and for no store between."""

from typing import Any

from rest_framework.response import Response


def secret_response(content: dict[str, Any], status: int = 200) -> Response:
    return Response(content, status=status, headers={"Cache-Control": "no-store"})
