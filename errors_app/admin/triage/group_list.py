"""The list of groups."""

from django.http import HttpRequest, HttpResponse

from errors_app.admin.triage.places import Place, draw, in_environment


@in_environment
def group_list(request: HttpRequest, place: Place) -> HttpResponse:
    return draw(request, place, "list.html", {"title": "Error groups"})
