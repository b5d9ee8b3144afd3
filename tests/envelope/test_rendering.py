"""JSON as the API writes it is always valid."""

import decimal
import json
import math
from collections import OrderedDict

import pytest
from django.utils.functional import lazystr
from django.utils.safestring import SafeString
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ErrorDetail
from rest_framework.utils.serializer_helpers import ReturnDict, ReturnList

from runs_app.web.rendering import ApiJSONRenderer, encode_json


class Number(int):
    pass


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, 2.5, None, True]}, '{"a":[1,2.5,null,true]}'),
        ({"é": "ü\u2028"}, '{"é":"ü\u2028"}'),
        (math.nan, "null"),
        ([math.inf, -math.inf], "[null,null]"),
        (2**80, str(2**80)),
        (decimal.Decimal("1.50"), '"1.50"'),
        (OrderedDict(a=1), '{"a":1}'),
        (ReturnDict({"a": 1}, serializer=None), '{"a":1}'),
        (ReturnList([1], serializer=None), "[1]"),
        (ErrorDetail("x", code="y"), '"x"'),
        (SafeString("<x>"), '"<x>"'),
        (lazystr("x"), '"x"'),
        (Number(3), "3"),
        ({ErrorDetail("k"): 1, 2: 3}, '{"k":1,"2":3}'),
        ((1, "x"), '[1,"x"]'),
    ],
)
def test_values_have_their_usual_form(value, text):
    assert encode_json(value).decode() == text


def test_half_a_character_becomes_the_replacement_character_in_keys_and_values():
    value = {"a\ud800": ["\udfff", {"b": ("x", "\ud83d")}], "n": [1, None, 2.5, True]}

    assert json.loads(encode_json(value)) == {
        "a\ufffd": ["\ufffd", {"b": ["x", "\ufffd"]}],
        "n": [1, None, 2.5, True],
    }


def test_a_value_without_a_form_in_json_is_a_bug_of_the_caller():
    with pytest.raises(TypeError, match="object has no form in JSON"):
        encode_json({"a": object()})


def test_no_data_is_no_body():
    assert ApiJSONRenderer().render(None) == b""


ANY_CHARACTER = st.text(st.characters(exclude_categories=()))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | ANY_CHARACTER,
        lambda inner: st.lists(inner) | st.dictionaries(ANY_CHARACTER, inner),
    )
)
def test_whatever_is_written_can_be_read_by_a_strict_reader(value):
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    json.loads(encode_json(value).decode("utf-8"), parse_constant=refuse)
