"""Nobody merges, splits or sees what is another environment's."""

import pytest

from errors_app.models import ErrorGroupState
from runs_app.models import OutboxEntry
from tests.api.expectations import refused
from tests.conftest import Api, Workspace, make_workspace
from tests.merging.conftest import PATH, Merging


@pytest.mark.parametrize("whose", ["another environment", "another project"])
def test_another_tenants_key_reaches_nothing(merging: Merging, whose: str) -> None:
    merging.merge("A", "B")
    states = list(ErrorGroupState.objects.order_by("pk").values())
    project = merging.workspace.environment.project if whose == "another environment" else None
    other = Merging(make_workspace("dev" if project else "prod", project))
    other.ids = merging.ids

    for answer in (other.ask_merge("A", "C"), other.ask_split("A", "B")):
        body = refused(answer, 404, "not_found")
        assert merging.workspace.environment.slug not in body["detail"]

    assert list(ErrorGroupState.objects.order_by("pk").values()) == states
    assert not OutboxEntry.objects.exists()


def test_the_same_groups_elsewhere_are_merged_apart(merging: Merging, staging: Workspace) -> None:
    other = Merging(staging)
    other.fail("A", "B", "C")

    merging.merge("A", "B")
    other.merge("C", "B")

    assert merging.named() == {"A": 3, "C": 3}
    assert other.named() == {"A": 1, "C": 2}
    merging.split("A", "B")
    assert other.detail("B")["id"] == other.id("C")


def test_without_a_key_nothing_is_told(merging: Merging) -> None:
    nobody = Merging(merging.workspace, Api(None))
    nobody.ids = merging.ids

    refused(nobody.ask_merge("A", "B"), 401, "unauthorized")
    refused(nobody.ask_split("A", "B"), 401, "unauthorized")
    refused(Api("tr_prod_sk_wrong").post(f"{PATH}/merge", {}), 401, "unauthorized")
