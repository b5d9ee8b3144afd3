"""A group that requests are aimed at which must not change anything."""

from dataclasses import dataclass
from typing import Any

from errors_app.models import ErrorGroupActivity, ErrorGroupState
from runs_app.models import OutboxEntry
from tests.conftest import Answer, Workspace


@dataclass(frozen=True)
class Untouched:
    """Made once per module, because whatever is sent to it is refused."""

    workspace: Workspace
    group: dict[str, Any]

    def post(self, action: str, body: Any = None, **how: Any) -> Answer:
        """The answer to a change, after which nothing must have changed."""
        path = f"/api/v1/errors/{self.group['id']}/{action}"
        answer = self.workspace.api.post(path, body, **how)
        assert ErrorGroupState.objects.count() == 0
        assert ErrorGroupActivity.objects.count() == 0
        assert OutboxEntry.objects.count() == 0
        return answer
