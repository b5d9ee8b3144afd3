"""A short story over real requests that asks every operation at least once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.api.expectations import iso, moment
from tests.conftest import Answer, Api, Workspace, settle
from tests.people import Person


@dataclass(frozen=True)
class Told:
    """What was sent to an operation, and what it answered."""

    operation: str
    answer: Answer
    request: Any = None


def story(workspace: Workspace, owner: Person) -> Iterator[Told]:
    """The first of each operation is an example worth showing."""
    yield from _runs(workspace)
    yield from _errors(workspace.api)
    yield from _people(workspace, owner)
    yield from _keys(workspace, owner)


def _run(run_id: str) -> dict[str, Any]:
    return {
        "id": run_id,
        "taskIdentifier": "send-invoice",
        "status": "FAILED",
        "version": "20250102.3",
        "idempotencyKey": "invoice-4711",
        "queue": "invoices",
        "region": "eu-central-1",
        "ttl": "10m",
        "tags": ["customer_17"],
        "isTest": False,
        "attemptNumber": 2,
        "durationMs": 1480,
        "costInCents": 0.02,
        "baseCostInCents": 0.01,
        "delayedUntil": iso(moment(minutes=9)),
        "startedAt": iso(moment(minutes=8)),
        "finishedAt": iso(moment(minutes=7)),
        "expiredAt": iso(moment(minutes=6)),
        "payload": {"invoice": 4711},
        "output": {"sent": False},
        "metadata": {"attempt": 2},
        "error": {
            "type": "TimeoutError",
            "message": "The mail server did not answer within 30 s",
            "stack": "TimeoutError: The mail server did not answer\n    at send (mail.ts:42:11)",
        },
    }


def _runs(workspace: Workspace) -> Iterator[Told]:
    api = workspace.api
    reports = [_run("run_invoice_4711"), {"id": "run_unclear", "status": "BROKEN"}]
    yield Told("reportRuns", api.post("/api/v1/runs", reports), reports)
    api.post("/api/v1/runs", [_run(f"run_invoice_{number}") for number in (4712, 4713)])
    settle()
    yield Told("listRuns", api.get("/api/v1/runs", {"page[size]": 1}))
    yield Told("getRun", api.get("/api/v3/runs/run_invoice_4711"))
    [first] = api.get("/api/v1/runs", {"page[size]": 1}).body["data"]
    assert first["id"].startswith("run_invoice_")
    after = api.get("/api/v1/runs", {"page[size]": 1}).body["pagination"]["next"]
    yield Told("listRuns", api.get("/api/v1/runs", {"page[size]": 1, "page[after]": after}))


def _errors(api: Api) -> Iterator[Told]:
    listed = api.get("/api/v1/errors")
    yield Told("listErrors", listed)
    path = f"/api/v1/errors/{listed.body['data'][0]['id']}"
    bodies: dict[str, Any] = {
        "resolve": {"resolvedInVersion": "20250103.1"},
        "ignore": {
            "duration": 86_400_000,
            "occurrenceRate": 10,
            "totalOccurrences": 500,
            "reason": "The mail server moves this week",
        },
        "unresolve": None,
    }
    for name, body in bodies.items():
        yield Told(f"{name}Error", api.post(f"{path}/{name}", body), body)
    _come_back_by_rules(api, path)
    yield Told("getError", api.get(path))
    yield Told("getErrorGrouping", api.get(f"{path}/grouping"))
    yield Told("listErrorActivity", api.get(f"{path}/activity"))
    yield from _many_errors(api)
    yield from _one_bug(api, listed.body["data"][0]["id"])
    yield from _previews(api)
    yield Told("listErrorActivity", api.get(f"{path}/activity"))


def _come_back_by_rules(api: Api, path: str) -> None:
    """Decisions that a failure ends at once."""
    decisions: dict[str, tuple[str, dict[str, Any]]] = {
        "20250103.1": ("resolve", {"resolvedInVersion": "20250103.1"}),
        "20250104.1": ("ignore", {"occurrenceRate": 0.5}),
        "20250105.1": ("resolve", {"resolvedInNextVersion": True}),
    }
    for version, (action, body) in decisions.items():
        assert api.post(f"{path}/{action}", body).status == 200
        run = _run(f"run_invoice_{version}")
        again = {name: run[name] for name in ("id", "taskIdentifier", "status", "error")}
        api.post("/api/v1/runs", {**again, "version": version})
        settle()


def _many_errors(api: Api) -> Iterator[Told]:
    change = {
        "action": "ignore",
        "filter": {"taskIdentifier": ["send-invoice"], "status": ["unresolved"], "period": "7d"},
        "expectedCount": 1,
        "duration": 86_400_000,
        "reason": "The mail server moves this week",
    }
    changed = api.post("/api/v1/errors/bulk", change)
    yield Told("changeErrors", changed, change)
    named = {"action": "resolve", "ids": ["error_unknown"], "dryRun": True}
    yield Told("changeErrors", api.post("/api/v1/errors/bulk", named), named)
    undo = f"/api/v1/errors/bulk/{changed.body['operationId']}/undo"
    yield Told("undoChangeOfErrors", api.post(undo))
    again = api.post("/api/v1/errors/bulk", change).body["operationId"]
    api.post("/api/v1/errors/bulk", {"action": "unresolve", "filter": {}})
    yield Told("undoChangeOfErrors", api.post(f"/api/v1/errors/bulk/{again}/undo"))


def _one_bug(api: Api, into: str) -> Iterator[Told]:
    error = {
        "type": "MailApiError",
        "message": "Connection unexpectedly closed",
        "statusCode": 503,
        "errors": [{"extensions": {"code": "UPSTREAM_CLOSED"}}],
    }
    run = {"id": "run_invoice_4720", "taskIdentifier": "send-invoice", "status": "FAILED"}
    api.post("/api/v1/runs", [{**run, "error": error}])
    settle()
    [other] = [one["id"] for one in api.get("/api/v1/errors").body["data"] if one["id"] != into]
    merge = {"into": into, "from": [other]}
    yield Told("mergeErrors", api.post("/api/v1/errors/merge", merge), merge)
    yield Told("getError", api.get(f"/api/v1/errors/{other}"))
    yield Told("getErrorGrouping", api.get(f"/api/v1/errors/{other}/grouping"))
    split = {"fingerprint": other.removeprefix("error_")}
    yield Told("splitError", api.post(f"/api/v1/errors/{into}/split", split), split)
    yield Told("listErrorActivity", api.get(f"/api/v1/errors/{other}/activity"))


def _previews(api: Api) -> Iterator[Told]:
    failure = {name: _run("x")[name] for name in ("error", "queue", "taskIdentifier")}
    yield Told("previewGrouping", api.post("/api/v1/grouping/preview", failure), failure)
    told = {"message": "Too many", "code": "429", "request": {}, "response": {"status": 429}}
    expected = {"error": told, "slice": "mails"}
    yield Told("previewGrouping", api.post("/api/v1/grouping/preview", expected), expected)


def _people(workspace: Workspace, owner: Person) -> Iterator[Told]:
    api, ref = owner.api, workspace.environment.project.external_ref
    yield Told("whoAmI", api.get("/api/v2/whoami", {"projectRef": ref}))
    yield Told("listProjects", api.get("/api/v1/projects"))
    yield Told("getProject", api.get(f"/api/v1/projects/{ref}"))
    actor = {"client": "nightly-report", "cap": ["read:errors"], "ttlSeconds": 900}
    yield Told("createUserActorToken", api.post("/api/v1/auth/user-actor-token", actor), actor)
    exchange = {"claims": {"scopes": ["read:errors", "write:errors"]}, "expirationTime": "1h"}
    path = f"/api/v1/projects/{ref}/{workspace.environment.slug}/jwt"
    yield Told("createEnvironmentToken", api.post(path, exchange), exchange)
    public = {"scopes": ["read:runs"], "expirationTime": "15m"}
    minted = workspace.api.post("/api/v1/auth/public-tokens", public)
    yield Told("createPublicToken", minted, public)


def _keys(workspace: Workspace, owner: Person) -> Iterator[Told]:
    environment = workspace.environment
    path = f"/api/v1/projects/{environment.project.external_ref}/{environment.slug}/api-keys"
    body = {
        "name": "Nightly report",
        "scopes": ["read:errors", "read:runs"],
        "expiresAt": iso(moment(days=-90)),
    }
    made = owner.api.post(path, body)
    yield Told("createApiKey", made, body)
    yield Told("listApiKeys", owner.api.get(path, {"page[size]": 1}))
    yield Told("revokeApiKey", owner.api.delete(f"{path}/{made.body['id']}"))
