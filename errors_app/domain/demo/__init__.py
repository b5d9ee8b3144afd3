"""Believable demo data: ninety days of the background tasks of an invented wholesaler.

Pure and deterministic; nothing here knows where the runs go.
"""

from errors_app.domain.demo.decisions import DemoAction, DemoDecision, demo_decisions
from errors_app.domain.demo.endings import Ending, ending_of
from errors_app.domain.demo.environments import DemoEnvironment, expected_runs
from errors_app.domain.demo.generator import demo_runs

__all__ = [
    "DemoAction",
    "DemoDecision",
    "DemoEnvironment",
    "Ending",
    "demo_decisions",
    "demo_runs",
    "ending_of",
    "expected_runs",
]
