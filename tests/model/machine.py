"""Random histories of one environment, to the real parts and to the model."""

from tests.model.accidents import Accidents
from tests.model.bulk import Bulk
from tests.model.reports import Reports


class QuietHistories(Reports, Bulk):
    """Nothing goes wrong but that people change their minds: most of what rules do is here."""


class Histories(Reports, Accidents, Bulk):
    """All that may happen."""
