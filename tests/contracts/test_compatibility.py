"""The checker of additive changes finds what would break a stored event or a running consumer."""

from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.compatibility import breaking


class Part(msgspec.Struct):
    """A nested record."""

    code: str
    copies: int = 1


def kind(**fields: Any) -> dict[str, Any]:
    """The schema of a record with these fields: a type, or a type with its default."""
    listed = [(name, *value) if isinstance(value, tuple) else (name, value) for name, value in fields.items()]
    return msgspec.json.schema(msgspec.defstruct("Record", listed, kw_only=True))


OLD = kind(
    a=str,
    b=(int, 0),
    parts=tuple[Part, ...],
    state=Annotated[str, msgspec.Meta(max_length=9)],
    at=(str | None, None),
)


@pytest.mark.parametrize(
    "new",
    [
        OLD,
        kind(a=str, b=(int, 5), parts=tuple[Part, ...], state=str, at=(str | None, None)),
        kind(
            a=str,
            b=(int, 0),
            parts=tuple[Part, ...],
            state=Annotated[str, msgspec.Meta(max_length=10)],
            at=(str | None, None),
            added=(bool, False),
        ),
    ],
)
def test_additions_pass(new: dict[str, Any]) -> None:
    """A field with a default, another default, a wider limit are no breaking changes."""
    assert breaking(OLD, new) == []


def changed(**fields: Any) -> dict[str, Any]:
    """OLD with these fields replaced."""
    limited = Annotated[str, msgspec.Meta(max_length=9)]
    return kind(
        **{
            "a": str,
            "b": (int, 0),
            "parts": tuple[Part, ...],
            "state": limited,
            "at": (str | None, None),
            **fields,
        }
    )


class PartWithout(msgspec.Struct):
    """Part with a field removed."""

    copies: int = 1


class PartWithMore(msgspec.Struct):
    """Part with a new required field."""

    code: str
    place: str
    copies: int = 1


@pytest.mark.parametrize(
    ("new", "place"),
    [
        (kind(b=(int, 0), parts=tuple[Part, ...], state=str, at=(str | None, None)), "$.a: removed"),
        (changed(added=str), "$.added: newly required"),
        (changed(b=int), "$.b: newly required"),
        (changed(a=int), "$.a: type"),
        (changed(b=(str, "")), "$.b: type"),
        (changed(state=Annotated[str, msgspec.Meta(max_length=8)]), "$.state: maxLength is narrower"),
        (changed(a=Annotated[str, msgspec.Meta(min_length=1)]), "$.a: minLength is narrower"),
        (changed(a=Literal["x", "y"]), "$.a: type"),
        (changed(at=(str, "")), "$.at: type"),
        (changed(at=(int | None, None)), "$.at: the alternatives changed"),
        (changed(parts=tuple[str, ...]), "$.parts[]: type"),
        (changed(parts=tuple[PartWithout, ...]), "$.parts[].code: removed"),
        (changed(parts=tuple[PartWithMore, ...]), "$.parts[].place: newly required"),
        (changed(parts=Part), "$.parts: type"),
    ],
)
def test_breaking_changes_are_found(new: dict[str, Any], place: str) -> None:
    """Removed, retyped, newly required, narrowed: each is named with its path."""
    assert any(line.startswith(place) for line in breaking(OLD, new)), breaking(OLD, new)


types = st.sampled_from([int, str, bool, float, tuple[int, ...], dict[str, int], Part, int | None])


@given(
    st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), types, min_size=1, max_size=6), st.data()
)
def test_any_field_removed_or_retyped_breaks_and_any_added_does_not(
    fields: dict[str, Any], data: st.DataObject
) -> None:
    """For records of any shape the three basic rules hold."""
    old = kind(**fields)
    name = data.draw(st.sampled_from(sorted(fields)))
    assert breaking(old, kind(**{key: value for key, value in fields.items() if key != name}))
    other = data.draw(types.filter(lambda each: each != fields[name]))
    assert breaking(old, kind(**{**fields, name: other}))
    added = "zz_added"
    assert breaking(old, kind(**fields, **{added: (data.draw(types) | None, None)})) == []
    assert breaking(old, kind(**fields, **{added: data.draw(types)}))
