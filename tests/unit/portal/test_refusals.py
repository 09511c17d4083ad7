"""Why a service said no is told in its own words, where the person can mend it."""

from libs.http.client import Refused, Told
from libs.http.problems import FieldError
from services.portal.refusals import reason_of, reasons_at

FIELDS = {"url": "dia-chi", "types": "loai"}


def refused(*errors: FieldError, title: str = "", detail: str = "") -> Refused:
    """A refusal of the gateway."""
    return Refused("gateway", 422, "x", Told(title=title, detail=detail, errors=errors))


def test_each_reason_stands_at_its_field() -> None:
    """An item of a list is about the list; what is about no field stands at the top."""
    found = reasons_at(
        refused(
            FieldError("url", "x", "Sai địa chỉ."),
            FieldError("types[0]", "x", "Lạ"),
            FieldError("q", "x", "Q"),
        ),
        FIELDS,
        "dia-chi",
    )
    assert found == [("dia-chi", "Sai địa chỉ"), ("loai", "Lạ"), ("", "Q")]


def test_a_refusal_without_fields_has_a_place_too() -> None:
    """Title and detail, where the form says."""
    assert reasons_at(refused(title="Quá nhiều", detail="Tối đa 20."), FIELDS, "dia-chi") == [
        ("dia-chi", "Quá nhiều. Tối đa 20")
    ]


def test_a_reason_is_one_text_that_says_nothing_twice() -> None:
    """As the page's error summary shows it."""
    assert (
        reason_of(refused(FieldError("url", "x", "Sai."), title="Sai", detail="Xem lại")) == "Sai. Xem lại."
    )
