"""From a Bundle to declarations of births, by the table in mapping.yaml. Pure; raises nothing for any content.

What the table does not ask for is not dropped: the Bundle is kept as it came, and the sender is told which it was.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from services.gateway.fhir.bundles import Bundle
from services.gateway.fhir.issues import Issue, error
from services.gateway.fhir.mapping import Field, Mapping, Source
from services.gateway.fhir.paths import Node, found
from services.gateway.fhir.place_in_bundle import Place
from services.gateway.fhir.reading import READINGS, Unreadable
from services.gateway.fhir.roles import Party, parties
from services.gateway.fhir.unmapped import unmapped

ENTERED_IN_ERROR = "entered-in-error"
VOID_EVENT = "-void"
BIRTHS_MAX = 20
# Stand in a declaration that is only checked, for what was not sent; never in one that is handed in.
_STAND_INS: dict[str, Any] = {"day": "1900-01-01", "minute": "1900-01-01T00:00:00", "sex": 3}
# The prescribed words of GHI_CHU (QĐ 4750/QĐ-BYT Bảng 9) follow from what was done; FHIR has no element for them.
_NOTES = {
    (True, False): "Sinh con phải phẫu thuật",
    (False, True): "Sinh con dưới 32 tuần tuổi",
    (True, True): "Phẫu thuật, sinh con dưới 32 tuần tuổi",
}


class Identity(msgspec.Struct, frozen=True):
    """By what a facility's software knows a birth: the number of its certificate."""

    system: str
    value: str

    @property
    def digest(self) -> bytes:
        """By which it is kept: senders write names where numbers belong."""
        return hashlib.sha256(f"{self.system}|{self.value}".encode()).digest()


class Birth(msgspec.Struct, frozen=True, kw_only=True):
    """One child: the body for intake and where each of its fields came from.

    `stand_ins` are fields of the body that were not sent; with any of them the body may only be checked.
    """

    place: Place
    identity: Identity | None
    void: bool
    body: dict[str, Any]
    origins: dict[str, Place]
    stand_ins: frozenset[str]
    issues: tuple[Issue, ...]
    roles: dict[str, Place]

    def origin(self, path: str, mapping: Mapping) -> Place:
        """The element a field came from, or where it would have been read; the child itself where neither is known."""
        parts = path.replace("[", ".").replace("]", "").split(".")
        for length in range(len(parts), 0, -1):
            above = ".".join(parts[:length])
            if above in self.origins:
                return self.origins[above]
        below = next((place for known, place in self.origins.items() if known.startswith(f"{path}.")), None)
        if below is not None:
            return below
        field = mapping.field(path)
        return self.roles.get(field.sources[0].role, self.place) if field else self.place


class Mapped(msgspec.Struct, frozen=True, kw_only=True):
    """What a Bundle says: its births, what is wrong with it as far as mapping can tell, and what is not mapped."""

    births: tuple[Birth, ...]
    issues: tuple[Issue, ...]
    unmapped: tuple[Issue, ...]


def mapped(bundle: Bundle, mapping: Mapping) -> Mapped:
    """The births of a Bundle."""
    found_parties = parties(bundle, mapping)
    if not found_parties:
        text = (
            "Không tìm thấy trẻ nào: cần một Patient có số giấy chứng sinh, hoặc có RelatedPerson là mẹ, cha."
        )
        return Mapped(births=(), issues=(error("required", text, ("entry",)),), unmapped=())
    if len(found_parties) > BIRTHS_MAX:
        text = f"Một Bundle có nhiều nhất {BIRTHS_MAX} trẻ."
        return Mapped(births=(), issues=(error("too-large", text, ("entry",)),), unmapped=())
    used: set[Place] = set()
    births = tuple(_birth(bundle, party, mapping, used) for party in found_parties)
    return Mapped(
        births=births, issues=tuple(_same_twice(births)), unmapped=tuple(unmapped(bundle, used, mapping))
    )


def _same_twice(births: Sequence[Birth]) -> Iterator[Issue]:
    seen: dict[Identity, Birth] = {}
    for birth in births:
        if birth.identity and seen.setdefault(birth.identity, birth) is not birth:
            text = "Hai trẻ trong Bundle có cùng số giấy chứng sinh."
            yield error("duplicate-birth", text, seen[birth.identity].place, birth.place)


class _Values(msgspec.Struct, kw_only=True):
    """What one child's elements said, by field; `stand_ins` are fields nothing was said of."""

    values: dict[str, Any]
    origins: dict[str, Place]
    issues: list[Issue]
    stand_ins: set[str]


def _birth(bundle: Bundle, party: Party, mapping: Mapping, used: set[Place]) -> Birth:
    used |= party.used
    place = party.child.node.place
    roles = {name: nodes[0].place for name, nodes in party.roles.items() if nodes}
    read_ = _read_values(party, mapping, used)
    _fall_back(read_.values, mapping)
    _note(read_.values)
    if party.carer:
        read_.values["mother.role"] = "carer"
    left_out = _left_out(read_.values, mapping)
    void = _is_void(bundle, party)
    _complete(read_, mapping, left_out, roles, place, void=void)
    read_.issues += _two_days(read_.values, party, used)
    return Birth(
        place=place,
        identity=_identity(read_.values),
        void=void,
        body=_tree(read_.values, left_out),
        origins=read_.origins,
        stand_ins=frozenset(read_.stand_ins),
        issues=tuple(read_.issues),
        roles=roles,
    )


def _read_values(party: Party, mapping: Mapping, used: set[Place]) -> _Values:
    read_ = _Values(values={}, origins={}, issues=[], stand_ins=set())
    for field in mapping.fields:
        for node, source in _values(field, party, mapping):
            used.add(node.place)
            read_.origins.setdefault(field.to, node.place)
            try:
                value = READINGS[source.reading](node.value, mapping.codes)
            except Unreadable as wrong:
                read_.issues.append(error("invalid", f"{field.label}: {wrong}", node.place))
                break
            if value != "":
                read_.values[field.to], read_.origins[field.to] = value, node.place
                break
    return read_


def _complete(
    read_: _Values,
    mapping: Mapping,
    left_out: frozenset[str],
    roles: dict[str, Place],
    place: Place,
    *,
    void: bool,
) -> None:
    """Put something in place of what the declaration must have and was not sent, and say so.

    A void needs the certificate only: by it the birth is known.
    """
    for field in mapping.fields:
        if field.to in read_.values or any(field.to.startswith(f"{group}.") for group in left_out):
            continue
        if not field.required or (field.unless and field.unless in read_.values):
            if field.required or field.empty:
                read_.values[field.to] = ""
            continue
        read_.stand_ins.add(field.to)
        read_.values[field.to] = _STAND_INS.get(field.sources[0].reading, "")
        # Where something stood that could not be read, that was said; and what follows from a field is said of it.
        said = field.to in read_.origins or bool(field.fallback)
        if not said and not (void and not field.to.startswith("certificate.")):
            where = roles.get(field.sources[0].role, place)
            read_.issues.append(error("required", f"Thiếu: {field.label}.", where))


def _two_days(values: dict[str, Any], party: Party, used: set[Place]) -> Iterator[Issue]:
    """The day and the minute of birth are two elements of FHIR, and must not contradict each other."""
    day, place = party.child.value.get("birthDate"), (*party.child.node.place, "birthDate")
    if isinstance(day, str):
        used.add(place)
        minute = values.get("child.birth_time", "")
        if minute and not minute.startswith(day):
            yield error(
                "invalid", "Ngày sinh (birthDate) khác ngày trong giờ sinh (patient-birthTime).", place
            )


def _values(field: Field, party: Party, mapping: Mapping) -> Iterator[tuple[Node, Source]]:
    for source in field.sources:
        for path in source.paths:
            for node in found(path, party.roles.get(source.role, ()), mapping.constants):
                if node.value is not None:
                    yield node, source


def _fall_back(values: dict[str, Any], mapping: Mapping) -> None:
    for field in mapping.fields:
        if field.fallback and field.to not in values and field.fallback in values:
            values[field.to] = values[field.fallback]


def _note(values: dict[str, Any]) -> None:
    done = bool(values.get("child.surgery")), bool(values.get("child.under_32_weeks"))
    if done in _NOTES:
        values.setdefault("child.note", _NOTES[done])


def _left_out(values: dict[str, Any], mapping: Mapping) -> frozenset[str]:
    return frozenset(group for group, main in mapping.groups.items() if main not in values)


def _is_void(bundle: Bundle, party: Party) -> bool:
    """Whether the Bundle takes the birth back: the one rule, whatever its type."""
    encounter = party.encounter.value if party.encounter else {}
    composition = next((one.value for one in bundle.of_kind("Composition")), {})
    header = next((one.value for one in bundle.of_kind("MessageHeader")), {})
    event = header.get("eventCoding")
    code = event.get("code") if isinstance(event, dict) else header.get("eventUri")
    return (
        composition.get("status") == ENTERED_IN_ERROR
        or encounter.get("status") == ENTERED_IN_ERROR
        or (isinstance(code, str) and code.endswith(VOID_EVENT))
    )


def _identity(values: dict[str, Any]) -> Identity | None:
    if code := values.get("certificate.gcs_code"):
        return Identity("certificate-code", str(code))
    number, book = values.get("certificate.number"), values.get("certificate.book")
    return Identity("certificate-number", f"{book}|{number}") if number and book else None


def _tree(values: dict[str, Any], left_out: frozenset[str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, value in values.items():
        if any(path.startswith(f"{group}.") for group in left_out):
            continue
        branch = tree
        *above, last = path.split(".")
        for name in above:
            branch = branch.setdefault(name, {})
        branch[last] = value
    return tree
