"""A key that several people revoke at the same moment."""

import threading

from django.db import connection

from runs_app.models import ApiKey
from runs_app.services.credentials import revoke
from tests.conftest import make_workspace
from tests.people import make_person

PEOPLE = 6


def test_one_of_several_who_revoke_a_key_at_once_has_done_it(transactional_db: None) -> None:
    key = ApiKey.objects.get(environment=make_workspace("prod").environment)
    start = threading.Barrier(PEOPLE)
    told: dict[str, list[ApiKey]] = {}

    def try_it(person_id: str) -> None:
        try:
            # Who still had to connect would come too late to be in anybody's way.
            connection.ensure_connection()
            start.wait(timeout=60)
            told[person_id] = revoke(ApiKey.objects.filter(pk=key.pk), by=person_id)
        finally:
            connection.close()

    people = [make_person().id for _ in range(PEOPLE)]
    threads = [threading.Thread(target=try_it, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert set(told) == set(people)
    [winner] = [person for person, revoked in told.items() if revoked]
    key.refresh_from_db()
    assert (str(key.revoked_by_id), key.revoked_at is not None) == (winner, True)
