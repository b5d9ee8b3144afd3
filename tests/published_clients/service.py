"""A server for the published clients, and what they need to know of it."""

import json
from dataclasses import dataclass
from typing import Any

from tests.published_clients.packages import node
from tests.serve.family import Answer, Family, within


@dataclass(frozen=True)
class Service:
    """A running server, and the credentials that its bootstrap made."""

    family: Family
    keys: dict[str, str]
    personal_access_token: str
    project_ref: str

    @property
    def url(self) -> str:
        return f"http://{self.family.address}"

    def report(self, slug: str, *runs: dict[str, Any]) -> None:
        """Report runs to an environment, and wait until they can be listed."""
        answer = self.post("/api/v1/runs", list(runs), self.keys[slug])
        assert (answer.status, answer.body["accepted"]) == (200, len(runs)), answer.body
        within(60, lambda: self.family.get("/readyz").body["replication"]["waitingRows"] == 0)

    def get(self, path: str, credential: str) -> Answer:
        return self.family.get(path, Authorization=f"Bearer {credential}")

    def post(self, path: str, body: Any, credential: str) -> Answer:
        return self.family.post(path, body, Authorization=f"Bearer {credential}")

    def exchange(self, slug: str, *scopes: str, credential: str = "") -> str:
        """A token for an environment, made from a personal one: the bootstrap's by default."""
        answer = self.post(
            f"/api/v1/projects/{self.project_ref}/{slug}/jwt",
            {"claims": {"scopes": list(scopes)}},
            credential or self.personal_access_token,
        )
        assert answer.status == 200, answer.body
        token: str = answer.body["token"]
        return token

    def user_id(self) -> str:
        """The person behind the personal access token."""
        user_id: str = self.get("/api/v2/whoami", self.personal_access_token).body["userId"]
        return user_id

    def run(self, script: str, document: Any, slug: str = "prod") -> Any:
        """Run a script that finds the server and a key where the SDK looks for them."""
        return node(script, document, TRIGGER_API_URL=self.url, TRIGGER_SECRET_KEY=self.keys[slug])


def service_of(family: Family) -> Service:
    """The service that a family offers, once it is ready."""
    family.wait_until_ready()
    told = json.loads(family.manage("bootstrap", "--new-keys", "--json"))
    return Service(
        family=family,
        keys={slug: each["apiKey"] for slug, each in told["environments"].items()},
        personal_access_token=told["personalAccessToken"],
        project_ref=told["project"]["ref"],
    )
