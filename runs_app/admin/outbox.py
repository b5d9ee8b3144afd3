"""The outbox, to see what waits."""

import json

import msgspec
from django.contrib import admin
from django.utils.safestring import SafeString

from runs_app.admin.large_lists import EnvironmentFilter, LargeTableAdmin
from runs_app.admin.texts import SHOWN_CHARACTERS, shown_text
from runs_app.domain.run_rows import read_content
from runs_app.models import OutboxEntry


@admin.register(OutboxEntry)
class OutboxEntryPages(LargeTableAdmin):
    list_display = (
        "id", "kind", "environment", "row_count", "size", "created_at", "batch_id",
    )  # fmt: skip
    list_filter = (
        "kind",
        EnvironmentFilter,
    )
    ordering = ("-id",)
    large_fields = ("content",)
    fields = (
        "kind", "environment", "row_count", "size", "created_at", "batch_id", "shown_content",
    )  # fmt: skip
    readonly_fields = ("shown_content",)

    @admin.display(description="content")
    def shown_content(self, entry: OutboxEntry) -> SafeString | str:
        return shown_text(readable_rows(bytes(entry.content)))


def readable_rows(content: bytes) -> str:
    """The rows one after the other with their column names, until it is enough."""
    try:
        told = read_content(content)
    except msgspec.DecodeError:
        return content[: SHOWN_CHARACTERS + 1].decode(errors="replace")
    texts: list[str] = []
    length = 0
    for number, row in enumerate(told.rows):
        if length > SHOWN_CHARACTERS:
            texts.append(f"and {len(told.rows) - number} rows more")
            break
        shown = dict(zip(told.columns, row, strict=False))
        texts.append(json.dumps(shown, indent=2, ensure_ascii=False))
        length += len(texts[-1])
    return "\n".join(texts)
