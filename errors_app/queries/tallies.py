"""How many groups there are of each state, under one set of filters."""

from dataclasses import replace
from datetime import datetime
from typing import Final, LiteralString

from errors_app.domain.filters import EVERY_STATUS, GroupFilters
from errors_app.domain.groups import Status
from errors_app.queries.folding import folded, folded_counts, mirror_parameters
from errors_app.queries.group_filters import (
    conditions_of,
    filter_parameters,
    in_states,
    narrowing,
)
from errors_app.queries.group_sql import FRESH_COUNTS, FROZEN_COUNTS, GROUP
from errors_app.queries.groups import Frame
from errors_app.queries.merged import Mirror
from runs_app.clickhouse.client import clickhouse
from runs_app.domain.tenant import Tenant
from runs_app.queries.tenant_sql import tenant_parameters

TALLIES: Final[LiteralString] = (
    """
SELECT
    count(),
    countIf("""
    + GROUP
    + """ IN{resolved}),
    countIf("""
    + GROUP
    + """ IN{ignored})
FROM ({counts}
)
WHERE 1 = 1{conditions}"""
)


def count_by_status(
    tenant: Tenant,
    filters: GroupFilters,
    frame: Frame,
    *,
    mirror: Mirror,
    now: datetime,
) -> dict[Status, int]:
    """How many groups a list of each status alone would have, whatever status the filters want."""
    of_any_status = replace(filters, statuses=EVERY_STATUS)
    counts = FRESH_COUNTS if frame.everything else FROZEN_COUNTS
    states = in_states(mirror.pending)
    counts = folded_counts(counts.replace("{narrow}", narrowing(filters)), mirror)
    sql = TALLIES.replace("{counts}", counts)
    sql = folded(sql.replace("{conditions}", conditions_of(of_any_status, ())), mirror)
    sql = sql.replace("{resolved}", states.replace("{statuses:", "{resolved:"))
    sql = sql.replace("{ignored}", states.replace("{statuses:", "{ignored:"))
    [(every, resolved, ignored)] = clickhouse().query(
        "count groups by status",
        sql,
        {
            **tenant_parameters(tenant),
            **filter_parameters(of_any_status, now),
            **mirror_parameters(mirror, now),
            "resolved": [Status.RESOLVED],
            "ignored": [Status.IGNORED],
            "start": frame.window.start,
            "end": frame.window.end,
            "as_of": min(frame.as_of, frame.window.end),
        },
    )
    return {
        Status.UNRESOLVED: every - resolved - ignored,
        Status.RESOLVED: resolved,
        Status.IGNORED: ignored,
    }
