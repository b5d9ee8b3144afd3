"""Rules hear of failures by a step or by a sweep: tests that ask for `tell` hold for both."""

from tests.lifecycle.telling import tell

__all__ = ["tell"]
