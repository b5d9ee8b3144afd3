import pytest

MODULES = (
    "accidents", "bulk", "checks", "decisions", "history", "lifecycle", "rebuilding", "reports",
    "shown_states",
)  # fmt: skip

pytest.register_assert_rewrite(*(f"tests.model.{module}" for module in MODULES))
