"""An answer read as what it is meant to be."""

from typing import TypeVar

import msgspec

from mot_cua.effects import Response
from mot_cua.errors import UnexpectedAnswer

T = TypeVar("T")


def read(response: Response, kind: type[T]) -> T:
    """The answer's JSON as `kind`; what it says beyond that is left aside. Raises UnexpectedAnswer."""
    try:
        return msgspec.json.decode(response.content, type=kind)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise UnexpectedAnswer(f"the answer is no {kind.__name__.lstrip('_')}: {error}") from error
