"""Set up an installation: both stores, the first organization, and its credentials."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from runs_app.clickhouse.migrate import MigrationRefused
from runs_app.domain.errors import DomainError
from runs_app.services.bootstrap import Bootstrapped, Outcome, bootstrap, document
from runs_app.services.stores import migrate_stores, setup_turn


class Command(BaseCommand):
    help = (
        "Migrate both stores where they need it, and on first use create an organization, a"
        " project with its environments dev, staging, prod and preview, the superuser admin, an"
        " API key for each environment and a personal access token. The secrets are printed once"
        " and kept in credentials.json (readable by its owner alone) in the data directory. A"
        " later run creates nothing and prints no secret: it names that file instead, with --json"
        ' as the member "credentials" (null where the file is not there), beside the members'
        " that are not secret."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--new-keys",
            action="store_true",
            help=(
                "revoke the API keys and the token that bootstrap made, make new ones, and print"
                " and keep them; also when credentials.json was lost"
            ),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with setup_turn():
                migrate_stores()
            result = bootstrap(new_keys=options["new_keys"])
        except MigrationRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        except DomainError as error:
            raise CommandError(error.user_message) from error
        content = document(result.installation, result.secrets)
        if result.secrets is None:
            content["credentials"] = None if result.file is None else str(result.file)
        if options["json"]:
            self.stdout.write(json.dumps(content, indent=2))
        else:
            self.stdout.write("\n".join(_readable(result, content)))


def _readable(result: Bootstrapped, content: dict[str, Any]) -> list[str]:
    organization, project = content["organization"], content["project"]
    lines = [
        f"Organization  {organization['slug']}  ({organization['id']})",
        f"Project       {project['ref']}  ({project['id']})",
    ]
    for slug, environment in content["environments"].items():
        lines.append(f"Environment   {slug:<8} {environment['id']}")
        if "apiKey" in environment:
            lines.append(f"  API key     {environment['apiKey']}")
    superuser = content["superuser"]
    lines.append(f"Superuser     {superuser['username']}")
    if "password" in superuser:
        lines.append(f"  Password    {superuser['password']}")
    if "personalAccessToken" in content:
        lines.append(f"Access token  {content['personalAccessToken']}")
    return [*lines, "", _where(result)]


def _where(result: Bootstrapped) -> str:
    if result.outcome is not Outcome.UNCHANGED:
        return f"The secrets are kept in {result.file}; they are not printed again."
    if result.file is not None:
        return f"Nothing was changed. The secrets are in {result.file}."
    return "Nothing was changed. The secrets are not on this machine: --new-keys makes new ones."
