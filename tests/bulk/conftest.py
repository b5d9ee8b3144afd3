"""Changes of many groups, as tests ask for them."""

from typing import Any

import pytest

from tests.api.conftest import clock
from tests.api.expectations import failure, refused
from tests.conftest import Answer, Api, Workspace

__all__ = ["clock"]

PATH = "/api/v1/errors/bulk"


class Bulk:
    """What a caller changes in one environment. Groups are named by the types of their errors."""

    def __init__(self, workspace: Workspace, api: Api | None = None) -> None:
        self.workspace = workspace
        self.api = api or workspace.api

    def fail(self, *types: str, **members: Any) -> None:
        """One more failure in each of these groups."""
        count = len(self.workspace.runs())
        self.workspace.report(
            *(
                failure(f"run_{count + number}", error_type, **members)
                for number, error_type in enumerate(types)
            )
        )

    def id(self, error_type: str) -> str:
        [id_] = {
            group["id"] for group in self.workspace.errors() if group["errorType"] == error_type
        }
        return str(id_)

    def ids(self, *types: str) -> list[str]:
        known = {group["errorType"]: group["id"] for group in self.workspace.errors()}
        return [known[error_type] for error_type in types]

    def ask(self, action: str, **members: Any) -> Answer:
        return self.api.post(PATH, {"action": action, **members})

    def change(self, action: str, **members: Any) -> dict[str, Any]:
        answer = self.ask(action, **members)
        assert answer.status == 200, answer.body
        body: dict[str, Any] = answer.body
        return body

    def ask_undo(self, operation_id: str) -> Answer:
        return self.api.post(f"{PATH}/{operation_id}/undo")

    def undo(self, operation_id: str) -> dict[str, Any]:
        answer = self.ask_undo(operation_id)
        assert answer.status == 200, answer.body
        body: dict[str, Any] = answer.body
        return body

    def refused_undo(self, operation_id: str, status: int, code: str) -> str:
        detail: str = refused(self.ask_undo(operation_id), status, code)["detail"]
        return detail

    def statuses(self) -> dict[str, str]:
        """Of every group, as the list, the filter and the detail agree it is."""
        listed = {
            (group["id"], group["taskIdentifier"]): group for group in self.workspace.errors()
        }
        for status in ("unresolved", "resolved", "ignored"):
            filtered = self.workspace.errors(status=status)
            wanted = {key for key, group in listed.items() if group["status"] == status}
            assert {(group["id"], group["taskIdentifier"]) for group in filtered} == wanted
        return {group["errorType"]: group["status"] for group in listed.values()}

    def detail(self, error_type: str) -> dict[str, Any]:
        answer = self.workspace.api.get(f"/api/v1/errors/{self.id(error_type)}")
        body: dict[str, Any] = answer.body
        return body

    def trail(self, error_type: str) -> list[dict[str, Any]]:
        answer = self.workspace.api.get(f"/api/v1/errors/{self.id(error_type)}/activity")
        entries: list[dict[str, Any]] = answer.body["data"]
        return entries


@pytest.fixture
def bulk(prod: Workspace) -> Bulk:
    """With three groups: A, B and C."""
    bulk = Bulk(prod)
    bulk.fail("A", "B", "C")
    return bulk
