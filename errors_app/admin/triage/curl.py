"""What a page does, as commands for the API. The key is a variable that whoever runs them sets."""

import json
import shlex
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from errors_app.domain.groups import GroupKey
from runs_app.domain.ids import error_id

AUTHORIZED = 'curl -H "Authorization: Bearer $FAULTLINE_KEY"'


@dataclass(frozen=True, slots=True)
class Command:
    """`does` says in words what `text` does."""

    does: str
    text: str


def commands_about(site: str, key: GroupKey) -> tuple[Command, ...]:
    """`site` is the address of this installation, without a slash at its end."""
    group = error_id(key.error_fingerprint)
    own = f"{site}/api/v1/errors/{quote(group, safe='')}"
    task = urlencode({"taskIdentifier": key.task_identifier}, quote_via=quote)
    runs = urlencode({"filter[error]": group, "filter[taskIdentifier]": key.task_identifier})
    return (
        Command("This group", _get(f"{own}?{task}")),
        Command("Runs behind it", _get(f"{site}/api/v1/runs?{runs}")),
        Command("What was done to it", _get(f"{own}/activity?{task}")),
        Command("Resolve", _post(f"{own}/resolve?{task}", {})),
        Command("Ignore for a day", _post(f"{own}/ignore?{task}", {"duration": 86_400_000})),
        Command("Unresolve", _post(f"{own}/unresolve?{task}", {})),
    )


def _get(address: str) -> str:
    return f"{AUTHORIZED} \\\n  {shlex.quote(address)}"


def _post(address: str, body: dict[str, int]) -> str:
    content = f" \\\n  -d {shlex.quote(json.dumps(body))}"
    return f'{AUTHORIZED} -H "Content-Type: application/json" \\\n  {shlex.quote(address)}{content}'
