"""Groups that are made one, as tests ask for them."""

from typing import Any

import pytest

from tests.api.conftest import clock
from tests.api.expectations import failure
from tests.conftest import Answer, Api, Workspace

__all__ = ["clock"]

PATH = "/api/v1/errors"
TASK = "send-mail"


class Merging:
    """What a caller does in one environment. Groups are named by the types of their errors."""

    def __init__(self, workspace: Workspace, api: Api | None = None) -> None:
        self.workspace = workspace
        self.api = api or workspace.api
        self.ids: dict[str, str] = {}
        self.failed = 0

    def fail(self, *types: str, **members: Any) -> list[str]:
        """One more failure in each of these groups; the ids of the runs."""
        first = self.failed
        self.failed += len(types)
        runs = [
            failure(f"run_{first + number}", error_type, **members)
            for number, error_type in enumerate(types)
        ]
        self.workspace.report(*runs)
        if not set(types) <= self.ids.keys():
            # Before it may be merged: then only the survivor's is listed.
            for group in self.workspace.errors(period="30d"):
                self.ids.setdefault(group["errorType"], group["id"])
        return [run["id"] for run in runs]

    def id(self, error_type: str) -> str:
        return self.ids[error_type]

    def fingerprint(self, error_type: str) -> str:
        return self.ids[error_type].removeprefix("error_")

    def ask_merge(self, into: str, *merged: str, **members: Any) -> Answer:
        body = {"into": self.id(into), "from": [self.id(one) for one in merged], **members}
        return self.api.post(f"{PATH}/merge", body)

    def merge(self, into: str, *merged: str, **members: Any) -> dict[str, Any]:
        return body_of(self.ask_merge(into, *merged, **members))

    def ask_split(self, group: str, leaving: str, query: str = "") -> Answer:
        body = {"fingerprint": self.fingerprint(leaving)}
        return self.api.post(f"{PATH}/{self.id(group)}/split{query}", body)

    def split(self, group: str, leaving: str) -> dict[str, Any]:
        return body_of(self.ask_split(group, leaving))

    def decide(self, error_type: str, action: str, **body: Any) -> dict[str, Any]:
        return body_of(self.api.post(f"{PATH}/{self.id(error_type)}/{action}", body))

    def detail(self, error_type: str, **query: Any) -> dict[str, Any]:
        return body_of(self.api.get(f"{PATH}/{self.id(error_type)}", query))

    def trail(self, error_type: str) -> list[dict[str, Any]]:
        answer = self.api.get(f"{PATH}/{self.id(error_type)}/activity")
        entries: list[dict[str, Any]] = body_of(answer)["data"]
        return entries

    def listed(self, **query: Any) -> dict[str, int]:
        """Counts of the list by id, which says the same in every order, and page by page."""
        found = {group["id"]: group["count"] for group in self.workspace.errors(**query)}
        for sort in ("count", "-lastSeen", "lastSeen", "-firstSeen", "firstSeen"):
            again = self.workspace.errors(**query, sort=sort)
            assert {group["id"]: group["count"] for group in again} == found
        return found

    def named(self, **query: Any) -> dict[str, int]:
        """The same by the types under which the groups are known here."""
        names = {id_: name for name, id_ in self.ids.items()}
        return {names[id_]: count for id_, count in self.listed(**query).items()}

    def runs(self, error_type: str) -> set[str]:
        return {run["id"] for run in self.workspace.runs(error=self.id(error_type))}


def body_of(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, answer.body
    body: dict[str, Any] = answer.body
    return body


@pytest.fixture
def merging(prod: Workspace) -> Merging:
    """With three groups, A, B and C, which failed once, twice and three times."""
    merging = Merging(prod)
    merging.fail("A", "B", "B", "C", "C", "C")
    return merging
