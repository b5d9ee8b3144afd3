"""`manage.py rotate_signing_secret`: refuse every token that was handed out until now."""

from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from runs_app.domain.errors import NotFound
from runs_app.management.sentences import outages_told
from runs_app.queries.tenants import tenant_by_name
from runs_app.services.signing_secrets import rotate_every_signing_secret, rotate_signing_secret

GO_ON: Final = "Only what is named above is rotated; run it again when the store is there."


class Command(BaseCommand):
    help = (
        "Give an environment, or all of them, another secret to sign tokens with. Every token of"
        " the environment is refused at once and for good; API keys and personal access tokens stay"
        " good, and new tokens can be had at once. It also mends an installation whose SECRET_KEY"
        " has changed, so that the secrets it keeps cannot be read."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument(
            "environment", nargs="?", metavar="REF/SLUG", help="such as proj_abc…/prod"
        )
        which.add_argument("--all", action="store_true", help="those of every environment")

    def handle(self, *args: Any, environment: str | None, **options: Any) -> None:
        with outages_told(GO_ON):
            if environment is None:
                self._rotate_all()
            else:
                self._rotate(environment)

    def _rotate(self, name: str) -> None:
        try:
            tenant = tenant_by_name(name)
        except NotFound as error:
            raise CommandError(error.user_message) from None
        rotate_signing_secret(tenant.environment_id)
        self._tell(name)

    def _rotate_all(self) -> None:
        told = False
        for name in rotate_every_signing_secret():
            self._tell(name)
            told = True
        if not told:
            self.stdout.write("There is no environment yet, and nothing to rotate.")

    def _tell(self, name: str) -> None:
        self.stdout.write(f"{name}: every token handed out until now is refused.")
