"""Why there is nothing to serve."""


class CannotServe(Exception):
    """The family cannot start; the sentence says why and what to do."""
