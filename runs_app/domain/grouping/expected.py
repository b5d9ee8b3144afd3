"""Errors that were to be expected: their run has failed, but belongs to no group."""


def is_expected(error: object) -> bool:
    """Tell whether the error says so itself: `expected` is true, or `kind` is "abort"."""
    return isinstance(error, dict) and (
        error.get("expected") is True or error.get("kind") == "abort"
    )
