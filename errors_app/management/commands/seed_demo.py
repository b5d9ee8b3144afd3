"""`manage.py seed_demo`: fill a project with ninety days of believable runs."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from errors_app.domain.groups import Actor, ActorKind
from errors_app.services.demo import Seeded, demo_size, has_runs, seed_demo
from runs_app.clickhouse.failures import ClickHouseUnavailable
from runs_app.clickhouse.migrate import MigrationRefused
from runs_app.domain.errors import Unavailable
from runs_app.models import Project, User
from runs_app.services.stores import prepare_stores

BOOTSTRAP_FIRST = "Run `manage.py bootstrap` first: it makes the project that the demo goes into."


class Command(BaseCommand):
    help = (
        "Load demo data: 50,000 runs of the last ninety days, their error groups, and what people"
        " decided about some of them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--if-empty", action="store_true", help="do nothing where the project has runs"
        )
        parser.add_argument(
            "--project", metavar="REF", help="such as proj_abc…; the oldest project otherwise"
        )
        parser.add_argument(
            "--limit", type=int, metavar="N", help="at most this many runs per environment"
        )

    def handle(
        self,
        *args: Any,
        if_empty: bool,
        project: str | None,
        limit: int | None,
        **options: Any,
    ) -> None:
        _prepare()
        target = _project(project)
        actor = _actor()
        if if_empty and has_runs(target):
            self.stdout.write("There are runs already: no demo data was loaded.")
            return
        self._report(self._seed(target, actor, limit))

    def _seed(self, project: Project, actor: Actor, limit: int | None) -> Seeded:
        columns = (
            TextColumn("loading demo runs"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("loading", total=demo_size(project, limit))
            try:
                return seed_demo(project, actor, lambda runs: bar.advance(task, runs), limit=limit)
            except ClickHouseUnavailable as error:
                raise CommandError(
                    "ClickHouse went away: the runs reported so far are kept and arrive when it is"
                    " back; nothing was decided about their groups."
                ) from error

    def _report(self, seeded: Seeded) -> None:
        self.stdout.write(
            f"Loaded {seeded.runs:,} demo runs; {seeded.resolved} groups were resolved and"
            f" {seeded.ignored} ignored, and {seeded.came_back} of these have come back since."
        )
        if seeded.rejected:
            raise CommandError(f"{seeded.rejected} demo runs were refused: that is a bug.")


def _prepare() -> None:
    try:
        prepare_stores()
    except MigrationRefused as refusal:
        raise CommandError(str(refusal)) from refusal
    except Unavailable as error:
        raise CommandError(
            f"ClickHouse is away, and the demo needs it: nothing was loaded. ({error})"
        ) from error


def _project(ref: str | None) -> Project:
    projects = Project.objects.order_by("created_at", "id")
    if ref is not None:
        projects = projects.filter(external_ref=ref)
    project = projects.first()
    if project is None:
        raise CommandError(BOOTSTRAP_FIRST if ref is None else f"There is no project {ref}.")
    return project


def _actor() -> Actor:
    """Decisions are the first superuser's."""
    user = User.objects.filter(is_superuser=True).order_by("date_joined", "id").first()
    if user is None:
        raise CommandError(BOOTSTRAP_FIRST)
    return Actor(kind=ActorKind.USER, user_id=str(user.pk), client="demo")
