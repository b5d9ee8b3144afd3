"""What belongs to something that is deleted at the same moment is in conflict, and no bug."""

import uuid

import pytest
from django.db import IntegrityError, transaction
from django.test import RequestFactory

from config.failures import known_failure
from runs_app.domain.errors import Conflict
from runs_app.models import ApiKey


@pytest.mark.django_db(transaction=True)
def test_a_row_whose_owner_is_gone_is_a_conflict(rf: RequestFactory) -> None:
    with pytest.raises(IntegrityError) as raised, transaction.atomic():
        ApiKey.objects.create(environment_id=uuid.uuid4(), name="a", digest="d", last_four="xxxx")

    failure = known_failure(raised.value, rf.get("/api/v1/runs"))

    assert isinstance(failure, Conflict)
    assert failure.user_message == "What this belongs to was deleted at the same moment."


@pytest.mark.django_db(transaction=True)
def test_any_other_violation_is_a_bug(rf: RequestFactory) -> None:
    with pytest.raises(IntegrityError) as raised, transaction.atomic():
        ApiKey.objects.create(environment_id=None, name="a", digest="d", last_four="xxxx")

    assert known_failure(raised.value, rf.get("/api/v1/runs")) is None
