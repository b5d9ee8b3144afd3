"""How often the groups of one page failed over a window, and in which versions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from errors_app.domain.buckets import Buckets
from errors_app.domain.filters import GroupFilters
from errors_app.domain.groups import GroupKey
from errors_app.queries.folding import spread_parameters
from errors_app.queries.group_filters import narrowing, narrowing_parameters
from errors_app.queries.groups import Frame
from errors_app.queries.merged import Merged, merged_into
from errors_app.queries.sparkline_sql import FRESH_FAILURES, FROZEN_FAILURES, SPARKLINES
from runs_app.clickhouse.client import clickhouse
from runs_app.domain.tenant import Tenant
from runs_app.domain.versions import newest
from runs_app.queries.tenant_sql import tenant_parameters

# Of a group with very many versions, the ones that failed last, of which the newest are told.
LOOKED_AT_VERSIONS: Final = 50
TOLD_VERSIONS: Final = 3


@dataclass(frozen=True, slots=True)
class Sparkline:
    """Failures per bucket; the newest of the versions that failed, and how many those are."""

    counts: tuple[int, ...]
    versions: tuple[str, ...]
    version_count: int


def read_sparklines(
    tenant: Tenant,
    keys: Sequence[GroupKey],
    filters: GroupFilters,
    frame: Frame,
    buckets: Buckets,
    merged: Merged | None = None,
) -> dict[GroupKey, Sparkline]:
    """The sparklines of these groups over the frame's window, cut into `buckets`.

    They count what the list counts: only tasks and versions of the filters, and of a frozen list
    nothing since it was frozen. So a line adds up to the count of its row. `merged`: what is merged
    into them, where that is known.
    """
    if not keys:
        return {}
    merged = merged_into(tenant, keys) if merged is None else merged
    failures = FRESH_FAILURES if frame.everything else FROZEN_FAILURES
    sql = SPARKLINES.replace("{failures}", failures.replace("{narrow}", narrowing(filters)))
    parameters = {
        **tenant_parameters(tenant),
        **narrowing_parameters(filters),
        **spread_parameters(merged.spread(keys)),
        "start": frame.window.start,
        "end": frame.window.end,
        "as_of": min(frame.as_of, frame.window.end),
        "first": buckets.start,
        "seconds": int(buckets.size.total_seconds()),
        "most": LOOKED_AT_VERSIONS,
    }
    rows = clickhouse().query("sparklines of groups", sql, parameters)
    return {
        GroupKey(fingerprint, task): Sparkline(
            _spread(numbers, counts, buckets.count),
            newest(versions, TOLD_VERSIONS),
            version_count,
        )
        for fingerprint, task, (numbers, counts), versions, version_count in rows
    }


def _spread(numbers: Sequence[int], counts: Sequence[int], length: int) -> tuple[int, ...]:
    """With the buckets in which nothing failed. What is taken back and not yet told anew may make
    one negative for a moment."""
    known = dict(zip(numbers, counts, strict=True))
    return tuple(max(0, known.get(number, 0)) for number in range(length))
