"""A client's session: settings that come with each query, and what they are restored to."""

import json
import re
from collections.abc import Mapping

from runs_app.clickhouse.embedded.engine import BASELINE, DATABASE, Answer, Engine, quoted
from runs_app.clickhouse.embedded.faults import Code, ServerFault
from runs_app.clickhouse.embedded.wire import Setting

SETTING_NAME = re.compile(r"[A-Za-z_]\w*")
NO_RESULT_LIMITS = "max_result_rows = 0, max_result_bytes = 0"
CHANGED_SETTINGS = "SELECT name, value FROM system.settings WHERE changed"


class ClientSession:
    """An engine session in which every query runs with its own settings and nobody else's.

    The settings of a query stay in force until the next one, which sets only what differs: most
    queries of a connection bring the same ones.
    """

    def __init__(self, engine: Engine, database: str) -> None:
        self._engine = engine
        self._session = engine.session()
        self._baseline: dict[str, str] = dict(BASELINE)
        self._applied: dict[str, str] = {}
        self._unknown: set[str] = set()
        self._database = DATABASE
        self.use(database or DATABASE)

    def use(self, database: str) -> None:
        name = database.replace("\\", "\\\\").replace("`", "\\`")
        self._session.run(f"USE `{name}`", "Null")
        self._database = database

    def run(
        self, sql: str, output: str = "Native", parameters: Mapping[str, str] | None = None
    ) -> Answer:
        return self._session.run(sql, output, parameters)

    def describe(self, source: str, parameters: Mapping[str, str] | None = None) -> list[list[str]]:
        """Name, type, kind of default and more of each column of a table or a subquery."""
        sql = f"DESCRIBE {source}"
        try:
            return self._rows(sql, parameters)
        except ServerFault as fault:
            if fault.code != Code.TOO_MANY_ROWS_OR_BYTES:
                raise
            # The query's limits are meant for its own result.
            return self._rows(f"{sql} SETTINGS {NO_RESULT_LIMITS}", parameters)

    def apply(self, settings: Mapping[str, Setting]) -> None:
        """Bring exactly these settings into force; raises ServerFault when one is refused."""
        wanted = self._known(settings)
        try:
            self._change(wanted)
        except ServerFault as fault:
            if fault.code != Code.UNKNOWN_SETTING or not self._learn_unknown(settings, wanted):
                raise
            self.apply(settings)

    def run_set(self, sql: str) -> Answer:
        """Run a SET statement: queries are restored to its values from now on."""
        self.apply({})
        answer = self._session.run(sql, "Null")
        self._baseline = {row[0]: row[1] for row in self._rows(CHANGED_SETTINGS)}
        return answer

    def notice_use(self) -> None:
        """After a USE statement."""
        self._database = self._rows("SELECT currentDatabase()")[0][0]

    def close(self) -> None:
        self._session.close()

    def _known(self, settings: Mapping[str, Setting]) -> dict[str, str]:
        wanted = {}
        for name, setting in settings.items():
            if name in self._unknown and not setting.important:
                continue
            if not SETTING_NAME.fullmatch(name):
                if setting.important:
                    raise ServerFault(
                        Code.UNKNOWN_SETTING, f"DB::Exception: Unknown setting {name!r}"
                    )
                continue
            wanted[name] = setting.value
        return wanted

    def _change(self, wanted: Mapping[str, str]) -> None:
        changes = [
            f"{name} = {quoted(value)}"
            for name, value in wanted.items()
            if self._applied.get(name) != value
        ]
        changes += [
            f"{name} = {self._restored(name)}" for name in self._applied.keys() - wanted.keys()
        ]
        if not changes:
            return
        try:
            self._session.run("SET " + ", ".join(changes), "Null")
        except ServerFault as fault:
            if fault.code != Code.READONLY or not self._applied:
                raise
            # A query was sent with `readonly`, which only a new session is free of.
            self._renew()
            self._change(wanted)
            return
        self._applied = dict(wanted)

    def _restored(self, name: str) -> str:
        return quoted(self._baseline[name]) if name in self._baseline else "DEFAULT"

    def _learn_unknown(self, settings: Mapping[str, Setting], wanted: Mapping[str, str]) -> bool:
        """Remember which settings the engine does not know; False when one is important."""
        unknown = set()
        for name, value in wanted.items():
            try:
                self._session.run(f"SET {name} = {quoted(value)}", "Null")
                self._applied[name] = value
            except ServerFault as fault:
                if fault.code == Code.UNKNOWN_SETTING:
                    unknown.add(name)
        self._unknown |= unknown
        return bool(unknown) and not any(settings[name].important for name in unknown)

    def _renew(self) -> None:
        """Start over with a new engine session. Its temporary tables are gone."""
        self._session.close()
        self._session = self._engine.session()
        self._applied = {}
        self.use(self._database)
        kept = ", ".join(f"{name} = {quoted(value)}" for name, value in self._baseline.items())
        self._session.run(f"SET {kept}", "Null")

    def _rows(self, sql: str, parameters: Mapping[str, str] | None = None) -> list[list[str]]:
        lines = self._session.run(sql, "JSONCompactEachRow", parameters).data.splitlines()
        return [json.loads(line) for line in lines]
