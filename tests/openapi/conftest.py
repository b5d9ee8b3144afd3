"""Servers in processes of their own."""

from tests.serve.conftest import database_url, start

__all__ = ["database_url", "start"]
