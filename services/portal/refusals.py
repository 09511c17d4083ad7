"""Why a service said no, in its own words: as one sentence, or at the fields of a form."""

from collections.abc import Mapping

from libs.http.client import Refused


def reason_of(refused: Refused) -> str:
    """All of it: title, detail, and what is said of fields."""
    words = [refused.told.title, refused.told.detail, *(error.message for error in refused.told.errors)]
    return ". ".join(dict.fromkeys(word.rstrip(".") for word in words if word)) + "."


def reasons_at(refused: Refused, fields: Mapping[str, str], otherwise: str) -> list[tuple[str, str]]:
    """Each reason at the field of the form it is about, by what `fields` call the service's; whatever is about none
    stands at the top, and a refusal without any at the field `otherwise`."""
    found = [
        (fields.get(error.field.partition("[")[0], ""), error.message.rstrip("."))
        for error in refused.told.errors
    ]
    return found or [(otherwise, reason_of(refused).rstrip("."))]
