"""What some tests need and a user's machine may lack."""

import os
from typing import NoReturn

import pytest


def missing(sentence: str) -> NoReturn:
    """Skip the test and say why. Where CI is set everything has to be there: then it fails."""
    if os.environ.get("CI"):
        pytest.fail(f"{sentence} With CI set, nothing may be missing.", pytrace=False)
    pytest.skip(sentence)
