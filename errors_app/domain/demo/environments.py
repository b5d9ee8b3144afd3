"""Which environments the demo fills, and how far."""

from enum import Enum


class DemoEnvironment(Enum):
    """An environment of the demo project; the value is its slug."""

    PROD = "prod"
    STAGING = "staging"
    DEV = "dev"
    PREVIEW = "preview"


RUNS: dict[DemoEnvironment, int] = {
    DemoEnvironment.PROD: 46_000,
    DemoEnvironment.STAGING: 3_000,
    DemoEnvironment.DEV: 1_000,
    DemoEnvironment.PREVIEW: 0,
}

PROD_ONLY = (DemoEnvironment.PROD,)
DEPLOYED = (DemoEnvironment.PROD, DemoEnvironment.STAGING)
EVERYWHERE = (DemoEnvironment.PROD, DemoEnvironment.STAGING, DemoEnvironment.DEV)


def expected_runs(environment: DemoEnvironment) -> int:
    """Exactly how many runs `demo_runs` yields for this environment."""
    return RUNS[environment]
