"""The versions that were live during the demo's ninety days.

A version is the day of its deployment and the number of that day's build, as in `20261014.3`.
For a day after a deployment some workers still run the version before it.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from errors_app.domain.demo.environments import DemoEnvironment
from errors_app.domain.demo.moments import DAY, HOUR, MINUTE, datetime_of, day_of, working_day

# Days before now. The bad ones are mended by a hotfix 24 hours later, whatever the weekday.
DEPLOYMENT_AGES = (
    97, 93, 89, 86, 82, 79, 75, 72, 68, 64, 61, 57, 53,
    50, 46, 42, 38, 33, 28, 24, 21, 17, 14, 11, 7, 4, 1,
)  # fmt: skip
BAD_DEPLOYMENT_AGES = (33, 11)
OVERLAP = DAY
_OLD_WORKERS_SHARE = 0.35
# Staging gets a version before production does.
_HOUR: dict[DemoEnvironment, int] = {
    DemoEnvironment.PROD: 13,
    DemoEnvironment.STAGING: 9,
    DemoEnvironment.DEV: 7,
    DemoEnvironment.PREVIEW: 7,
}


@dataclass(frozen=True, slots=True)
class Deployment:
    """`number` counts the deployments of the demo, oldest first; `age` names a hotfix's parent."""

    number: int
    version: str
    at: int
    age: int
    hotfix: bool


class DeploymentHistory:
    """All deployments of one environment, oldest first."""

    def __init__(self, now: int, environment: DemoEnvironment) -> None:
        self.deployments: Sequence[Deployment] = tuple(_deployments(now, environment))
        self._starts = [deployment.at for deployment in self.deployments]

    def at(self, moment: int) -> Deployment:
        """The newest version deployed by then."""
        return self.deployments[max(0, bisect_right(self._starts, moment) - 1)]

    def worker_at(self, moment: int, rng: Random) -> Deployment:
        """The version of some worker at that moment, which may be an old one."""
        current = self.at(moment)
        age = moment - current.at
        if age < OVERLAP and rng.random() < _OLD_WORKERS_SHARE * (1 - age / OVERLAP):
            return self.before(current)
        return current

    def before(self, deployment: Deployment) -> Deployment:
        return self.deployments[max(0, deployment.number - 1)]

    def after(self, deployment: Deployment) -> Deployment:
        return self.deployments[min(len(self.deployments) - 1, deployment.number + 1)]

    def aged(self, age: int) -> Deployment:
        """The planned deployment of that age in `DEPLOYMENT_AGES`."""
        return next(one for one in self.deployments if one.age == age and not one.hotfix)


def _deployments(now: int, environment: DemoEnvironment) -> Iterator[Deployment]:
    number = 0
    for age in DEPLOYMENT_AGES:
        day = working_day(day_of(now) - age)
        at = day * DAY + _HOUR[environment] * HOUR + day * 17 % 100 * MINUTE
        yield Deployment(number, _version(at), at, age, hotfix=False)
        number += 1
        if age in BAD_DEPLOYMENT_AGES:
            yield Deployment(number, _version(at + DAY), at + DAY, age, hotfix=True)
            number += 1


def _version(at: int) -> str:
    return f"{datetime_of(at):%Y%m%d}.{day_of(at) * 7 % 5 + 1}"
