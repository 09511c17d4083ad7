"""Bodies: one strict verdict, fields named, values never repeated."""

import datetime as dt
import json
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.http.bodies import Body, body, decode_body
from libs.http.problems import Problem

CANARY = "NGUYỄN THỊ KÍN 093201000123"


class Child(Body, frozen=True, kw_only=True):
    """Inside the body."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    sex: Literal["female", "male"] = "female"
    born: dt.datetime | None = None


class Declared(Body, frozen=True, kw_only=True):
    """A body as services have them."""

    children: Annotated[list[Child], msgspec.Meta(max_length=3)] = msgspec.field(default_factory=list)
    weight_grams: Annotated[int, msgspec.Meta(ge=300, le=8000)] = 3000
    ward: Annotated[str, msgspec.Meta(pattern="^[0-9]{5}$")] = "31340"
    facility: UUID | None = None
    ratio: float = 0.0
    more: Any = None


def refusal(raw: bytes) -> Problem:
    """The problem that decoding `raw` ends in."""
    with pytest.raises(Problem) as refused:
        decode_body(raw, Declared)
    return refused.value


def status_of(raw: bytes) -> int:
    """200 when `raw` is decoded, else the status of the problem."""
    try:
        decode_body(raw, Declared)
    except Problem as problem:
        return problem.status
    return 200


@pytest.mark.parametrize(
    ("content", "field", "code"),
    [
        ({"children": [{"name": CANARY * 3}]}, "children[0].name", "length"),
        ({"children": [{"name": "a"}, {"name": 5}]}, "children[1].name", "type"),
        ({"children": [{}]}, "children[0].name", "required"),
        ({"children": [{"name": "a", "sex": CANARY}]}, "children[0].sex", "not-in-list"),
        ({"children": [{"name": "a", "status": "issued"}]}, "children[0].status", "unknown-field"),
        ({"children": [{"name": "a", CANARY: 1}]}, "children[0]", "unknown-field"),
        ({"children": [{"name": "a", "born": CANARY}]}, "children[0].born", "date-time"),
        ({"children": [{"name": "a"}] * 4}, "children", "length"),
        ({"weight_grams": 90_000}, "weight_grams", "number-range"),
        ({"weight_grams": "3000"}, "weight_grams", "type"),
        ({"weight_grams": 3000.5}, "weight_grams", "type"),
        ({"ward": CANARY}, "ward", "pattern"),
        ({"facility": CANARY}, "facility", "uuid"),
        ([], "", "type"),
    ],
)
def test_wrong_field_is_named_without_its_value(content: Any, field: str, code: str) -> None:
    """The answer is 422 with path, code and a Vietnamese sentence, and repeats nothing that was sent."""
    problem = refusal(json.dumps(content, ensure_ascii=False).encode())
    assert problem.status == 422
    assert [(error.field, error.code) for error in problem.errors] == [(field, code)]
    assert CANARY not in problem.document().decode()
    assert problem.errors[0].message != "Giá trị không hợp lệ"


@pytest.mark.parametrize(
    ("raw", "slug"),
    [
        (b'{"weight_grams": 3000, "weight_grams": 4000}', "bad-json-duplicate-key"),
        (b'{"more": {"a": [{"b": 1, "b": 1}]}}', "bad-json-duplicate-key"),
        (b'{"more": {"a": 1, "\\u0061": 1}}', "bad-json-duplicate-key"),
        (b'{"ratio": NaN}', "bad-json-malformed"),
        (b'{"more": -Infinity}', "bad-json-malformed"),
        (b"\xef\xbb\xbf{}", "bad-json-encoding"),
        ("{}".encode("utf-16"), "bad-json-encoding"),
        ("{}".encode("utf-16-le"), "bad-json-malformed"),
        (b'{"ward": "\xff"}', "bad-json-encoding"),
        (b'{"more": "a\\u0000b"}', "bad-json-nul-character"),
        (b'{"more": "\\ud800"}', "bad-json-malformed"),
        (b'{"more": ' + b"[" * 65 + b"]" * 65 + b"}", "bad-json-nesting"),
        (b'{"more": ' + b"[" * 100_000, "bad-json-nesting"),
        (b'{"more": ' + b"9" * 5000 + b"}", "bad-json-malformed"),
        (b"", "bad-json-malformed"),
        (b"{} {}", "bad-json-malformed"),
        (b"{'a': 1}", "bad-json-malformed"),
    ],
)
def test_ambiguous_json_is_refused(raw: bytes, slug: str) -> None:
    """What two readers might read differently (ASVS 1.5.3) is 400."""
    problem = refusal(raw)
    assert (problem.status, problem.slug) == (400, slug)


def test_number_beyond_all_floats_is_refused() -> None:
    """1e999 is not read as infinity."""
    assert refusal(b'{"ratio": 1e999}').status == 422
    assert refusal(b'{"more": 1e999}').status == 422


def test_brackets_in_text_are_no_nesting() -> None:
    """A string full of brackets is a string."""
    text = "[" * 500 + '\\"{'
    assert decode_body(json.dumps({"more": text}).encode(), Declared).more == text


def test_lax_type_is_refused_at_import() -> None:
    """A body type with an inner Struct that ignores unknown fields is an error of ours."""

    class Inner(msgspec.Struct):
        name: str

    class Outer(Body, frozen=True, kw_only=True):
        inner: list[Inner | None]

    with pytest.raises(TypeError, match="Inner"):
        body(Outer)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=20))
def test_any_json_is_decoded_or_a_problem(content: Any) -> None:
    """No JSON whatever makes the decoder raise anything but a Problem."""
    raw = json.dumps({"more": content, "children": content}).encode()
    assert status_of(raw) in (200, 400, 422)


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_a_problem(raw: bytes) -> None:
    """No bytes whatever make the decoder raise anything but a Problem."""
    assert status_of(raw) in (200, 400, 422)
