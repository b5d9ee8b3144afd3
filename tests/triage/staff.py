"""People at the pages of groups."""

import itertools
import re
from dataclasses import dataclass
from html import unescape
from typing import Any

from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from runs_app.models import Membership, User
from tests.conftest import Workspace

VIEW, CHANGE = "view_errorgroup", "change_errorgroup"

_numbers = itertools.count(1)


def staff_member(
    workspace: Workspace,
    *permissions: str,
    role: str = Membership.Role.MEMBER,
    is_staff: bool = True,
) -> User:
    """A member of the workspace's organization with these permissions."""
    user = User.objects.create_user(f"staff-{next(_numbers)}", is_staff=is_staff)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    organization = workspace.environment.project.organization
    Membership.objects.create(organization=organization, user=user, role=role)
    return user


def logged_in(user: User, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(user)
    return client


@dataclass
class Desk:
    """One person at the pages of one environment."""

    workspace: Workspace
    user: User
    client: Client

    def address(self, page: str, *args: str, **query: str) -> str:
        environment = self.workspace.environment
        own = (environment.project.external_ref, environment.slug)
        return reverse(f"admin:errors_app_errorgroup_{page}", args=(*own, *args), query=query)

    def get(self, address: str) -> Any:
        return self.client.get(address)

    def post(self, address: str, **fields: Any) -> Any:
        return self.client.post(address, fields)

    def bulk(self, action: str, **fields: Any) -> Any:
        return self.post(self.address("bulk"), action=action, **fields)

    def status(self, error_type: str) -> str:
        [status] = {
            group["status"] for group in self.workspace.errors() if group["errorType"] == error_type
        }
        return str(status)


def desk_at(workspace: Workspace, *, role: str = Membership.Role.MEMBER) -> Desk:
    user = staff_member(workspace, VIEW, CHANGE, role=role)
    return Desk(workspace, user, logged_in(user))


def text_of(response: Any) -> str:
    """What somebody reads on the page, in one line."""
    html = re.sub(r"(?s)<(script|style|datalist).*?</\1>", " ", response.content.decode())
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def fields_of(response: Any) -> dict[str, Any]:
    """The hidden fields of the form that decides, which stands in the content of the page."""
    html = response.content.decode()
    [inside] = [form for form in re.findall(r"(?s)<form.*?</form>", html) if "attempt" in form]
    found: dict[str, Any] = {}
    for tag in re.findall(r'<input type="hidden"[^>]*>', inside):
        name, value = (re.search(f'{each}="([^"]*)"', tag) for each in ("name", "value"))
        if name and name[1] != "csrfmiddlewaretoken":
            found.setdefault(name[1], []).append(unescape(value[1]) if value else "")
    return found
