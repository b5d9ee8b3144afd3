"""Every failing field at once, by its place, without what was submitted."""

import pytest
from rest_framework.exceptions import ValidationError

from config.validation_details import validation_details

SUBMITTED = "hunter2-the-password"


def _paths(response) -> dict[str, str]:
    return {detail["path"]: detail["code"] for detail in response.json()["details"]}


def test_all_failing_fields_are_reported_by_their_places(http, debug):
    response = http.post(
        "/api/orders",
        {
            "title": SUBMITTED,
            "password": SUBMITTED,
            "items": [{"q": 1}, {"q": SUBMITTED, "colour": SUBMITTED}],
            "numbers": [1, SUBMITTED, 3, None],
        },
        content_type="application/json",
    )

    assert response.status_code == 400
    assert _paths(response) == {
        "/body/title": "max_length",
        "/body/password": "invalid",
        "/body/items/1/q": "invalid",
        "/body/items/1/colour": "invalid_choice",
        "/body/numbers/1": "invalid",
        "/body/numbers/3": "null",
    }
    assert response.json()["detail"] == "The request is not valid; see details."
    assert SUBMITTED not in response.content.decode()


def test_a_failure_of_the_whole_body_has_the_path_of_the_body(http):
    response = http.post("/api/orders", {"title": "bad"}, content_type="application/json")

    assert response.json()["details"] == [
        {"message": "The parts do not fit.", "path": "/body", "code": "misfit"}
    ]


def test_a_body_of_another_kind_is_a_failure_of_the_body(http):
    response = http.post("/api/orders", [1], content_type="application/json")

    assert _paths(response) == {"/body": "invalid"}


def test_a_failing_query_is_a_failure_of_the_query(http):
    assert _paths(http.get("/api/orders")) == {"/query/title": "required"}


@pytest.mark.parametrize(
    ("errors", "paths"),
    [
        ("x", ["/body"]),
        (["x", "y"], ["/body", "/body"]),
        ({"a": "x"}, ["/body/a"]),
        ({"a": ["x", "y"]}, ["/body/a", "/body/a"]),
        ({"a": {"b": {"c": ["x"]}}}, ["/body/a/b/c"]),
        ([{}, {"q": ["x"]}], ["/body/1/q"]),
        ({"a": {3: ["x"]}}, ["/body/a/3"]),
        ({"a/b": ["x"], "c~d": ["y"]}, ["/body/a~1b", "/body/c~0d"]),
        ({"a": {"non_field_errors": ["x"]}}, ["/body/a"]),
        ({"non_field_errors": ["x"], "a": [["y"]]}, ["/body", "/body/a/0"]),
        ((), []),
        ({}, []),
    ],
)
def test_errors_of_any_shape_become_a_flat_list(errors, paths):
    details = validation_details("/body", ValidationError(errors).detail)

    assert [detail.path for detail in details] == paths


@pytest.mark.parametrize(
    "message",
    [
        f'"{SUBMITTED}" is not a valid choice.',
        f"“{SUBMITTED}” is not a valid UUID.",
        f"'{SUBMITTED}' is wrong.",
        f"Not `{SUBMITTED}`!",
    ],
)
def test_a_message_that_quotes_is_replaced(message):
    (detail,) = validation_details("/body", ValidationError({"a": message}).detail)

    assert detail.message == "This value is not valid."


def test_a_message_with_an_apostrophe_is_kept():
    (detail,) = validation_details("/body", ValidationError("It can't end then.").detail)

    assert detail.message == "It can't end then."


def test_a_message_known_to_repeat_the_value_is_replaced():
    error = ValidationError(f"Object with slug={SUBMITTED} does not exist.", code="does_not_exist")

    (detail,) = validation_details("/body", error.detail)

    assert detail.message == "There is no such thing."


def test_the_place_of_a_field_with_an_endless_name_is_cut(http):
    (detail,) = http.get("/api/raises/endless_path").json()["details"]

    assert detail["path"] == "/body/" + "x" * 250
