"""Addresses of people, projects, tokens and runs."""

from django.urls import path

from runs_app.api.api_keys import ApiKeyViewSet
from runs_app.api.people import PersonViewSet
from runs_app.api.projects import ProjectViewSet
from runs_app.api.runs import RunViewSet
from runs_app.api.tokens import ActorTokenViewSet, ExchangeViewSet, PublicTokenViewSet

urlpatterns = [
    path("v1/auth/public-tokens", PublicTokenViewSet.as_view({"post": "create"})),
    path("v1/auth/user-actor-token", ActorTokenViewSet.as_view({"post": "create"})),
    path("v1/projects", ProjectViewSet.as_view({"get": "list"})),
    path("v1/projects/<str:project_ref>", ProjectViewSet.as_view({"get": "retrieve"})),
    path(
        "v1/projects/<str:project_ref>/<str:environment>/api-keys",
        ApiKeyViewSet.as_view({"get": "list", "post": "create"}),
    ),
    path(
        "v1/projects/<str:project_ref>/<str:environment>/api-keys/<str:key_id>",
        ApiKeyViewSet.as_view({"delete": "destroy"}),
    ),
    path(
        "v1/projects/<str:project_ref>/<str:environment>/jwt",
        ExchangeViewSet.as_view({"post": "create"}),
    ),
    path("v1/runs", RunViewSet.as_view({"get": "list", "post": "create"})),
    path("v2/whoami", PersonViewSet.as_view({"get": "retrieve"})),
    path("v3/runs/<str:run_id>", RunViewSet.as_view({"get": "retrieve"})),
]
