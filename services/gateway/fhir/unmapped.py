"""What of a Bundle the table did not ask for: told to the sender, for it is kept and not dropped. Pure."""

from collections.abc import Iterator
from typing import Any

from services.gateway.fhir.bundles import Bundle
from services.gateway.fhir.issues import EXPRESSIONS_MAX, Issue
from services.gateway.fhir.mapping import Mapping
from services.gateway.fhir.place_in_bundle import Place

# Beside a value that was read, these say only what kind of value it is.
_COMPANIONS = frozenset(
    {
        "system",
        "use",
        "type",
        "display",
        "unit",
        "code",
        "rank",
        "userSelected",
        "url",
        "mode",
        "version",
        "coding",
        "text",
    }
)


def unmapped(bundle: Bundle, used: set[Place], mapping: Mapping) -> Iterator[Issue]:
    """The elements of each entry nothing was read from: the highest element that is left over as a whole."""
    text = (
        "Phần tử này chưa được ánh xạ vào tờ khai; Bundle được lưu nguyên cùng hồ sơ nên không mất thông tin."
    )
    above = {place[:length] for place in used for length in range(1, len(place))}
    for resource in bundle.resources:
        if "contained" in resource.node.place:
            continue
        quiet = mapping.quiet["*"] | mapping.quiet.get(resource.kind, frozenset())
        left = list(_left(resource.node.place, resource.value, used, above, quiet))
        if left:
            for start in range(0, min(len(left), 10 * EXPRESSIONS_MAX), EXPRESSIONS_MAX):
                places = tuple(left[start : start + EXPRESSIONS_MAX])
                yield Issue(severity="information", slug="unmapped", text=text, places=places)


def _left(
    place: Place, value: Any, used: set[Place], above: set[Place], quiet: frozenset[str]
) -> Iterator[Place]:
    if place in used and place not in above:
        return
    if isinstance(value, dict):
        for name, item in value.items():
            plain = name.removeprefix("_")
            if plain in quiet or any(
                plain.startswith(q) and plain[len(q) : len(q) + 1].isupper() for q in quiet
            ):
                continue
            here = (*place, name)
            if here in used or here in above:
                yield from _left(here, item, used, above, frozenset())
            elif not (quiet == frozenset() and plain in _COMPANIONS):
                yield here
    elif isinstance(value, list):
        for index, item in enumerate(value):
            here = (*place, index)
            if here in used or here in above:
                yield from _left(here, item, used, above, frozenset())
            else:
                yield here
