"""Addresses of error groups."""

from django.urls import path

from errors_app.api.bulk import BulkViewSet
from errors_app.api.grouping import GroupingViewSet
from errors_app.api.grouping_preview import GroupingPreviewViewSet
from errors_app.api.groups import ErrorGroupViewSet
from errors_app.api.merging import MergingViewSet

urlpatterns = [
    path("v1/errors", ErrorGroupViewSet.as_view({"get": "list"})),
    path("v1/errors/bulk", BulkViewSet.as_view({"post": "create"})),
    path("v1/errors/bulk/<str:operation_id>/undo", BulkViewSet.as_view({"post": "undo"})),
    path("v1/errors/merge", MergingViewSet.as_view({"post": "create"})),
    path("v1/errors/<str:error_id>", ErrorGroupViewSet.as_view({"get": "retrieve"})),
    path("v1/errors/<str:error_id>/activity", ErrorGroupViewSet.as_view({"get": "activity"})),
    path("v1/errors/<str:error_id>/grouping", GroupingViewSet.as_view({"get": "retrieve"})),
    path("v1/errors/<str:error_id>/resolve", ErrorGroupViewSet.as_view({"post": "resolve"})),
    path("v1/errors/<str:error_id>/ignore", ErrorGroupViewSet.as_view({"post": "ignore"})),
    path("v1/errors/<str:error_id>/unresolve", ErrorGroupViewSet.as_view({"post": "unresolve"})),
    path("v1/errors/<str:error_id>/split", MergingViewSet.as_view({"post": "split"})),
    path("v1/grouping/preview", GroupingPreviewViewSet.as_view({"post": "create"})),
]
