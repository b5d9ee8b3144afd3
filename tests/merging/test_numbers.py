"""A merged group's failures count for the survivor, wherever failures are counted."""

from tests.api.expectations import iso, moment
from tests.merging.conftest import Merging


def test_the_survivor_answers_with_the_numbers_of_all(merging: Merging) -> None:
    before = {name: merging.detail(name) for name in "ABC"}

    answer = merging.merge("A", "B", "C")

    assert answer["id"] == merging.id("A")
    assert answer["count"] == 6
    assert answer["mergedFingerprints"] == sorted(merging.fingerprint(one) for one in "BC")
    assert answer["firstSeen"] == min(one["firstSeen"] for one in before.values())
    assert answer["lastSeen"] == max(one["lastSeen"] for one in before.values())
    assert merging.named() == {"A": 6}
    assert before["A"]["mergedFingerprints"] == []


def test_the_id_of_a_merged_group_answers_with_the_survivor_everywhere(merging: Merging) -> None:
    merging.merge("A", "B")

    assert merging.detail("B") == merging.detail("A")
    assert merging.trail("B") == merging.trail("A")
    assert merging.runs("B") == merging.runs("A") == {"run_0", "run_1", "run_2"}
    assert merging.decide("B", "resolve")["id"] == merging.id("A")
    assert merging.detail("A")["status"] == "resolved"
    assert merging.decide("B", "unresolve")["id"] == merging.id("A")


def test_failures_to_come_count_for_the_survivor_too(merging: Merging) -> None:
    merging.merge("A", "B")

    [run] = merging.fail("B", version="9")

    detail = merging.detail("A")
    assert (detail["count"], detail["affectedVersions"]) == (4, ["9"])
    # As of any group: what failed last is shown.
    assert detail["errorType"] == "B"
    assert merging.named() == {"A": 4, "C": 3}
    assert run in merging.runs("A")
    assert merging.named(search="B") == {"A": 4, "C": 3}
    assert merging.named(search="a") == {}
    assert merging.named(version="9") == {"A": 1}


def test_pages_of_the_list_neither_repeat_nor_skip_a_group(merging: Merging) -> None:
    merging.fail(*(f"E{number}" for number in range(7)))
    merging.merge("E1", "C", "E2")
    merging.merge("E3", "B")
    expected = {"A": 1, "E0": 1, "E1": 5, "E3": 3, "E4": 1, "E5": 1, "E6": 1}
    names = {id_: name for name, id_ in merging.ids.items()}

    for sort in ("-count", "-lastSeen", "firstSeen"):
        found: list[tuple[str, int]] = []
        query = {"page[size]": "2", "sort": sort}
        while True:
            body = merging.api.get("/api/v1/errors", query).body
            found += [(names[group["id"]], group["count"]) for group in body["data"]]
            if body["pagination"].get("next") is None:
                break
            query["page[after]"] = body["pagination"]["next"]

        assert len(found) == len(expected)
        assert dict(found) == expected


def test_a_later_page_counts_as_of_the_first_one(merging: Merging) -> None:
    merging.merge("A", "B")
    first = merging.api.get("/api/v1/errors", {"page[size]": "1", "sort": "-lastSeen"}).body
    merging.fail("B", "C")

    later = merging.api.get(
        "/api/v1/errors",
        {"page[size]": "5", "sort": "-lastSeen", "page[after]": first["pagination"]["next"]},
    ).body

    counts = {group["id"]: group["count"] for group in first["data"] + later["data"]}
    assert counts == {merging.id("A"): 3, merging.id("C"): 3}


def test_status_and_window_narrow_by_the_survivor(merging: Merging) -> None:
    old = {"failedAt": iso(moment(days=3)), "createdAt": iso(moment(days=3))}
    merging.fail("A", **old)
    merging.decide("B", "resolve")
    merging.merge("A", "B")

    assert merging.named(status="resolved") == {}
    assert merging.named(status="unresolved") == {"A": 3, "C": 3}
    assert merging.named(status="unresolved", period="7d") == {"A": 4, "C": 3}
    assert merging.detail("A")["firstSeen"] == old["failedAt"]


def test_bulk_changes_take_a_merged_id_for_the_survivor_and_each_group_once(
    merging: Merging,
) -> None:
    merging.merge("A", "B")
    bulk = "/api/v1/errors/bulk"

    by_ids = merging.api.post(
        bulk, {"action": "resolve", "ids": [merging.id(one) for one in "BAB"]}
    ).body
    by_filter = merging.api.post(
        bulk, {"action": "ignore", "filter": {"status": "resolved"}, "totalOccurrences": 5}
    ).body

    assert (by_ids["matched"], by_ids["changed"], by_ids["skipped"]) == (1, 1, [])
    assert (by_filter["matched"], by_filter["changed"]) == (1, 1)
    assert merging.detail("A")["status"] == "ignored"
    merging.fail("B", "B", "A", "B")
    assert merging.detail("A")["status"] == "ignored"
    merging.fail("B")
    assert merging.detail("A")["status"] == "unresolved"


def test_a_fingerprint_is_merged_in_its_task_alone(merging: Merging) -> None:
    merging.fail("A", "B", "B", task="send-fax")

    merging.merge("A", "B", taskIdentifier="send-fax")

    assert merging.detail("B", taskIdentifier="send-fax")["id"] == merging.id("A")
    assert merging.detail("B", taskIdentifier="send-mail")["id"] == merging.id("B")
    assert merging.named(taskIdentifier="send-fax") == {"A": 3}
    assert merging.named(taskIdentifier="send-mail") == {"A": 1, "B": 2, "C": 3}
    # An id names its failures of every task, with what they count among.
    assert merging.runs("B") == {"run_1", "run_2", "run_6", "run_7", "run_8"}


def test_merging_a_survivor_takes_along_what_was_merged_into_it(merging: Merging) -> None:
    merging.merge("B", "C")

    answer = merging.merge("A", "C")

    assert answer["id"] == merging.id("A")
    assert answer["mergedFingerprints"] == sorted(merging.fingerprint(one) for one in "BC")
    assert merging.named() == {"A": 6}
    assert [merging.detail(one)["id"] for one in "ABC"] == [merging.id("A")] * 3


def test_splitting_undoes_it(merging: Merging) -> None:
    before = {name: merging.detail(name) for name in "ABC"}
    merging.merge("A", "B", "C")

    # Whichever id of the group is named.
    answer = merging.split("C", "B")

    assert (answer["id"], answer["count"]) == (merging.id("A"), 4)
    assert answer["mergedFingerprints"] == [merging.fingerprint("C")]
    assert merging.detail("B") == before["B"]
    assert merging.named() == {"A": 4, "B": 2}
    merging.split("A", "C")
    assert {name: merging.detail(name) for name in "ABC"} == before
    assert merging.named() == {"A": 1, "B": 2, "C": 3}
