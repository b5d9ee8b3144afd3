"""What a deletion may take along."""

from collections.abc import Callable
from typing import Any

from django.db.models import Model

# What `ModelAdmin.get_deleted_objects` answers: the tree of objects to show, how many there are of
# each model, models that the person may not delete, and objects that forbid the deletion.
Deletion = tuple[list[Any], dict[str, int], set[str], list[str]]


def deletable_with(deletion: tuple[Any, ...], *models: type[Model]) -> Deletion:
    """`deletion` with objects of `models` going along, though nobody deletes them on their own."""
    tree, counts, needed, protected = deletion
    names = {str(model._meta.verbose_name) for model in models}
    return tree, counts, {name for name in needed if str(name) not in names}, protected


def forbidden(objects: Any, reason: Callable[[Any], str | None]) -> Deletion | None:
    """A deletion that `reason` forbids, before anything is collected; None where nothing does."""
    reasons = [f"{one}: {words}" for one in objects if (words := reason(one)) is not None]
    return ([], {}, set(), reasons) if reasons else None
