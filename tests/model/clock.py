"""The product's clock, which stands still unless a history lets it go on."""

from datetime import datetime, timedelta, tzinfo
from typing import Any

import pytest

from runs_app.domain import times
from tests.model.wire import START


class Clock:
    """What time it is for everything under test."""

    def __init__(self) -> None:
        self.now = START

    def begin(self) -> None:
        """After all times that reports and rows tell of the past."""
        self.now = START + timedelta(minutes=10)

    def advance(self, by: timedelta) -> None:
        self.now += by


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Nothing but the clock is replaced."""
    clock = Clock()

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return clock.now.astimezone(tz)

    monkeypatch.setattr(times, "datetime", Stopped)
    return clock
