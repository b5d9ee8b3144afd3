"""Every address of the service."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from config.documentation import error_list, error_page
from config.health import healthz, readyz
from config.openapi_views import DocumentView, SwaggerView
from errors_app.admin.triage.home import home
from runs_app.web.permissions import insist_on_declarations

api = [
    path("api/", include("runs_app.api.urls")),
    path("api/", include("errors_app.api.urls")),
]
insist_on_declarations(api)

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    *api,
    # Of the API and outside of what is insisted on: everybody may read what it can do.
    path("api/schema/", DocumentView.as_view(), name="openapi-document"),
    # Before the site's own, which it is a part of: same address.
    path("admin/", admin.site.admin_view(home), name="home"),
    path("admin/", admin.site.urls),
    path("docs/api/", SwaggerView.as_view()),
    path("docs/errors/", error_list),
    path("docs/errors/<slug:code>", error_page),
    path("healthz", healthz),
    path("readyz", readyz),
]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.permission_denied"
handler404 = "config.errors.page_not_found"
handler500 = "config.errors.server_error"
