"""Where an element stands in a Bundle: as keys and indices, and as the FHIRPath by which it is told. Pure."""

import re

Place = tuple[str | int, ...]

# Elements of a choice of types that birth notices use: `valueQuantity` is `value.ofType(Quantity)` in FHIRPath.
_CHOICES = re.compile(
    r"(value|multipleBirth|deceased|effective|performed|event|destination|timing|onset|medication|occurrence)"
    r"([A-Z][A-Za-z0-9]*)"
)
# Primitives are written with a small letter in FHIRPath; on the wire their names begin like those of other types.
_PRIMITIVES = [
    "boolean",
    "integer",
    "decimal",
    "string",
    "uri",
    "url",
    "canonical",
    "code",
    "oid",
    "id",
    "uuid",
    "date",
    "dateTime",
    "time",
    "instant",
    "base64Binary",
    "markdown",
    "unsignedInt",
    "positiveInt",
]
_PRIMITIVE_OF = {name[0].upper() + name[1:]: name for name in _PRIMITIVES}


def expression(place: Place) -> str:
    """The simple FHIRPath of a place: `Bundle.entry[0].resource.birthDate`."""
    text = "Bundle"
    for key in place:
        if isinstance(key, int):
            text += f"[{key}]"
            continue
        name = key.removeprefix("_")
        choice = _CHOICES.fullmatch(name)
        # `eventCoding` is a choice; a plain element such as `valueSet` names no type and stays.
        if choice and choice[2] not in ("Set", "Date"):
            name = f"{choice[1]}.ofType({_PRIMITIVE_OF.get(choice[2], choice[2])})"
        text += f".{name}"
    return text
