"""Addresses of runs."""

from django.urls import path

from runs_app.api.runs import RunViewSet

urlpatterns = [
    path("v1/runs", RunViewSet.as_view({"get": "list", "post": "create"})),
    path("v3/runs/<str:run_id>", RunViewSet.as_view({"get": "retrieve"})),
]
