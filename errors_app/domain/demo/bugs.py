"""All bugs of the demo project."""

from errors_app.domain.demo.bug import Bug
from errors_app.domain.demo.bugs_billing import BUGS as BILLING_BUGS
from errors_app.domain.demo.bugs_catalog import BUGS as CATALOG_BUGS
from errors_app.domain.demo.bugs_data import BUGS as DATA_BUGS
from errors_app.domain.demo.bugs_orders import BUGS as ORDER_BUGS
from errors_app.domain.demo.bugs_partners import BUGS as PARTNER_BUGS
from errors_app.domain.demo.environments import DemoEnvironment

_ALL = (*ORDER_BUGS, *BILLING_BUGS, *DATA_BUGS, *CATALOG_BUGS, *PARTNER_BUGS)


def bugs_of(environment: DemoEnvironment) -> tuple[Bug, ...]:
    return tuple(bug for bug in _ALL if environment in bug.environments)
