"""What a form that was sent holds: texts, ticked boxes, the key it was opened with."""

from uuid import UUID, uuid4

from starlette.datastructures import FormData

LINE_LENGTH_MAX = 300


def text_of(form: FormData, name: str) -> str:
    """A text field as it is; empty when it is not there, or a file."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def line_of(form: FormData, name: str) -> str:
    """A short text without blanks around it, cut where no line of a form goes on."""
    return text_of(form, name).strip()[:LINE_LENGTH_MAX]


def ticked(form: FormData, name: str) -> list[str]:
    """Every box ticked under a name."""
    return [value for value in form.getlist(name) if isinstance(value, str)]


def key_of(form: FormData) -> str:
    """The key made when the form was opened; a new one where it is not one of ours."""
    try:
        return str(UUID(text_of(form, "khoa")))
    except ValueError:
        return str(uuid4())
