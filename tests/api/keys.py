"""Calls of the addresses of an environment's keys."""

from runs_app.models import ApiKey
from tests.conftest import Answer, Api, Workspace
from tests.people import row_of_key


def path_of(workspace: Workspace, key_id: str = "", *, ref: str = "", slug: str = "") -> str:
    environment = workspace.environment
    ref = ref or environment.project.external_ref
    path = f"/api/v1/projects/{ref}/{slug or environment.slug}/api-keys"
    return f"{path}/{key_id}" if key_id else path


def key_of(workspace: Workspace) -> ApiKey:
    return row_of_key(workspace.key)


def call(api: Api, method: str, workspace: Workspace, **place: str) -> Answer:
    """Any of the three methods, at the workspace's keys or its own key."""
    if method == "GET":
        return api.get(path_of(workspace, **place))
    if method == "POST":
        return api.post(path_of(workspace, **place), {"name": "deploy"})
    return api.delete(path_of(workspace, str(key_of(workspace).id), **place))


def nothing_happened(workspace: Workspace) -> bool:
    keys = ApiKey.objects.filter(environment=workspace.environment)
    return [key.revoked_at for key in keys] == [None]
