"""Lists of tables with millions of rows: bounded counts, no sorting by unindexed columns."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from runs_app.admin.visibility import ReadOnlyAdmin, person_of, visible_environments
from runs_app.models import Environment, User

COUNTED_ROWS: Final = 2_000

ReadRows = Callable[[list[Any]], Iterable[Any]]


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Finds keys to a bound, which an index holds in full, and reads the rows of one page.

    Counting all rows takes longer than any page; ordering whole rows reads all their texts.
    """

    def __init__(self, *args: Any, read_rows: ReadRows, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_rows = read_rows

    @cached_property
    def keys(self) -> list[Any]:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return list(rows.select_related(None).values_list("pk", flat=True)[:COUNTED_ROWS])

    @cached_property
    def count(self) -> int:
        return len(self.keys)

    def page(self, number: int | str) -> Page[Any]:
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        keys = self.keys[first : first + self.per_page]
        rows = {row.pk: row for row in self._read_rows(keys)}
        return Page([rows[key] for key in keys if key in rows], number, self)


class LargeChangeList(ChangeList):
    """Leaves large texts in the store, and says where the list is cut."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.result_count >= COUNTED_ROWS:
            name = self.opts.verbose_name_plural
            self.title = f"The first {COUNTED_ROWS:,} {name}; search to find others"

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        queryset = super().get_queryset(request, exclude_parameters)
        return queryset.defer(*self.model_admin.large_fields)  # type: ignore[attr-defined]


class EnvironmentFilter(admin.SimpleListFilter):
    """One environment of those the person sees."""

    title = "environment"
    parameter_name = "environment"
    most: ClassVar[int] = 50

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        environments = visible_environments(person_of(request))[: self.most]
        return [(str(environment.pk), str(environment)) for environment in environments]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = {key for key, _ in self.lookup_choices}
        value = self.value()
        return queryset.filter(environment_id=value) if value in chosen else queryset


class LargeTableAdmin(ReadOnlyAdmin):
    """A large table of rows that belong to environments.

    `searched` is a column that an index finds within an environment; a term finds rows where it
    begins with the term. `large_fields` are not read for lists.
    """

    organization_path = "environment__project__organization"
    list_select_related: ClassVar[tuple[str, ...]] = ("environment__project",)
    sortable_by = ()
    searched: ClassVar[str] = ""
    large_fields: ClassVar[tuple[str, ...]] = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LargeChangeList

    def get_paginator(
        self, request: HttpRequest, queryset: Any, per_page: int, *args: Any, **kwargs: Any
    ) -> "Paginator[Any]":
        if queryset.model is not self.model:
            # The page of an object's history lists log entries.
            return super().get_paginator(request, queryset, per_page, *args, **kwargs)
        return BoundedPaginator(queryset, per_page, *args, read_rows=self.read_rows, **kwargs)

    def read_rows(self, keys: list[Any]) -> QuerySet[Any]:
        """By their keys alone: a second condition could lead the planner to another index."""
        rows: QuerySet[Any] = self.model._default_manager.filter(pk__in=keys)
        return rows.select_related(*self.list_select_related).defer(*self.large_fields)

    def visible_to(self, user: User) -> Q:
        return Q(environment__in=_ids(visible_environments(user)))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Rows whose searched column begins with the term, by the index that starts with the
        environment: the range is for the index, the second condition makes it exact."""
        term = self.search_beginning(search_term.strip())
        if not term or not self.searched:
            return queryset, False
        beginning = Q(
            **{
                f"{self.searched}__gte": term,
                f"{self.searched}__lt": term + "\uffff",
                f"{self.searched}__startswith": term,
            }
        )
        environments = _ids(visible_environments(person_of(request)))
        found = queryset.filter(beginning, environment__in=environments)
        return found.order_by("environment", self.searched), False

    def search_beginning(self, term: str) -> str:
        return term


def _ids(environments: QuerySet[Environment]) -> list[Any]:
    """Their ids as values: with them the planner knows what to look up in an index."""
    return list(environments.order_by().values_list("pk", flat=True))
