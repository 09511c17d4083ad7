"""Who is who in a Bundle: children, parents, the stay, the facility, who attended. Pure; looks only inside.

One rule for each, so that a sender can tell in advance (docs/fhir.md has them in words).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from services.gateway.fhir.bundles import Bundle, Resource
from services.gateway.fhir.mapping import Mapping
from services.gateway.fhir.paths import Node, child, text_in
from services.gateway.fhir.place_in_bundle import Place

Found = dict[str, list[Node]]


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """One child and, by role, the elements its declaration is read from. `used` are references that led there."""

    child: Resource
    roles: Found
    used: frozenset[Place]
    encounter: Resource | None
    carer: bool


def parties(bundle: Bundle, mapping: Mapping) -> list[Party]:
    """Every child of the Bundle with those around it."""
    reader = _Reader(bundle, mapping)
    return [reader.party(one) for one in reader.children]


class _Reader:
    def __init__(self, bundle: Bundle, mapping: Mapping) -> None:
        self.bundle = bundle
        self.mapping = mapping
        patients = bundle.of_kind("Patient")
        related = [(r, self._relation(r)) for r in bundle.of_kind("RelatedPerson")]
        self.relations = {r.node.place: relation for r, relation in related if relation}
        self.parents = [r for r, relation in related if relation]
        named = [self.bundle.at(r.value.get("patient"), r) for r in self.parents]
        self.children = [
            one for one in patients if self._has_certificate(one) or any(one is target for target in named)
        ]
        self.others = [one for one in patients if not any(one is known for known in self.children)]
        self.same_persons = self._same_persons()

    def party(self, baby: Resource) -> Party:
        used: set[Place] = set()
        mothers, carer = self._mother(baby, used)
        fathers = self._related(baby, "father", used)
        encounter = self._encounter(baby, mothers, used)
        practitioners = self._attendants(encounter, baby, mothers, used)
        composition = next(iter(self.bundle.of_kind("Composition")), None)
        roles: Found = {
            "child": [baby.node],
            "mother": [one.node for one in mothers],
            "father": [one.node for one in fathers],
            "encounter": [encounter.node] if encounter else [],
            "composition": [composition.node] if composition else [],
            "facility": self._facility(encounter, composition, used),
            "attendant": practitioners,
            "recorder": self._from(composition, "author", used),
            "head": self._head(composition, used),
            "room": self._beds(encounter, "ro", used),
            "bed": self._beds(encounter, "bd", used),
        }
        for name, codes in self.mapping.observed.items():
            roles[name] = list(self._coded(codes, baby, mothers, used))
        return Party(child=baby, roles=roles, used=frozenset(used), encounter=encounter, carer=carer)

    def _has_certificate(self, patient: Resource) -> bool:
        wanted = self.mapping.constants["certificate_number"] | self.mapping.constants["certificate_code"]
        return any(text_in(one.value, "system") in wanted for one in child(patient.node, "identifier"))

    def _relation(self, person: Resource) -> str:
        codes = [one.value for r in child(person.node, "relationship") for one in child(r, "coding")]
        for name, wanted in self.mapping.relations.items():
            if any(text_in(code, "code") in wanted for code in codes):
                return name
        return ""

    def _related(self, baby: Resource, relation: str, used: set[Place]) -> list[Resource]:
        """Those who are this to the child; a Patient that says it is the same person adds what it knows."""
        found: list[Resource] = []
        for person in self.parents:
            if self.relations[person.node.place] != relation:
                continue
            if self.bundle.at(person.value.get("patient"), person) is not baby:
                continue
            used |= {(*person.node.place, "patient"), (*person.node.place, "relationship")}
            found.append(person)
            for place, patient in self.same_persons.get(person.node.place, ()):
                used.add(place)
                found.append(patient)
        return found

    def _same_persons(self) -> dict[Place, list[tuple[Place, Resource]]]:
        """By RelatedPerson the Patients that say they are the same person, and where they say so."""
        same: dict[Place, list[tuple[Place, Resource]]] = {}
        for patient in self.others:
            for link in child(patient.node, "link"):
                other = link.value.get("other") if isinstance(link.value, dict) else None
                if (person := self.bundle.at(other, patient)) is not None:
                    same.setdefault(person.node.place, []).append((link.place, patient))
        return same

    def _mother(self, baby: Resource, used: set[Place]) -> tuple[list[Resource], bool]:
        found = self._related(baby, "mother", used)
        if found:
            return found, False
        if found := self._related(baby, "carer", used):
            return found, True
        # Without a RelatedPerson the only other Patient is who gave birth.
        return (self.others if len(self.others) == 1 else []), False

    def _encounter(self, baby: Resource, mothers: Sequence[Resource], used: set[Place]) -> Resource | None:
        encounters = self.bundle.of_kind("Encounter")
        for wanted in ([baby], mothers):
            for one in encounters:
                subject = self.bundle.at(one.value.get("subject"), one)
                if subject is not None and any(subject is person for person in wanted):
                    used.add((*one.node.place, "subject"))
                    return one
        return encounters[0] if len(encounters) == 1 else None

    def _facility(
        self, encounter: Resource | None, composition: Resource | None, used: set[Place]
    ) -> list[Node]:
        """Where the birth was notified: whom the stay, then the document, names; else the only one with a code."""
        known = [r for r in self.bundle.of_kind("Organization", "Location") if self._has_code(r)]
        for holder, name in (
            (encounter, "serviceProvider"),
            (encounter, "location"),
            (composition, "custodian"),
        ):
            for place, target in self._targets(holder, name):
                if any(target is one for one in known):
                    used.add(place)
                    return [target.node]
        return [known[0].node] if len(known) == 1 else []

    def _has_code(self, place: Resource) -> bool:
        wanted = self.mapping.constants["facility_code"]
        return any(text_in(one.value, "system") in wanted for one in child(place.node, "identifier"))

    def _attendants(
        self, encounter: Resource | None, baby: Resource, mothers: Sequence[Resource], used: set[Place]
    ) -> list[Node]:
        found = self._from(encounter, "participant", used)
        for procedure in self.bundle.of_kind("Procedure"):
            subject = self.bundle.at(procedure.value.get("subject"), procedure)
            if any(subject is person for person in (baby, *mothers)):
                found += self._from(procedure, "performer", used)
        return found

    def _head(self, composition: Resource | None, used: set[Place]) -> list[Node]:
        found: list[Node] = []
        for place, target in self._targets(composition, "attester"):
            if (person := self._practitioner(target, used)) is not None:
                used.add(place)
                found.append(person)
        return found

    def _from(self, holder: Resource | None, name: str, used: set[Place]) -> list[Node]:
        found = []
        for place, target in self._targets(holder, name):
            if (person := self._practitioner(target, used)) is not None:
                used.add(place)
                found.append(person)
        return found

    def _practitioner(self, target: Resource, used: set[Place]) -> Node | None:
        if target.kind == "PractitionerRole":
            role, target_or_none = target, self.bundle.at(target.value.get("practitioner"), target)
            if target_or_none is None:
                return None
            used.add((*role.node.place, "practitioner"))
            target = target_or_none
        return target.node if target.kind == "Practitioner" else None

    def _beds(self, encounter: Resource | None, kind: str, used: set[Place]) -> list[Node]:
        found = []
        for place, target in self._targets(encounter, "location"):
            codes = [one.value for p in child(target.node, "physicalType") for one in child(p, "coding")]
            if any(text_in(code, "code") == kind for code in codes):
                used |= {place, (*target.node.place, "physicalType")}
                found.append(target.node)
        return found

    def _targets(self, holder: Resource | None, name: str) -> Iterator[tuple[Place, Resource]]:
        """What an element of a resource refers to: itself a Reference, or with one in it."""
        if holder is None:
            return
        for one in child(holder.node, name):
            if not isinstance(one.value, dict):
                continue
            for value in (one.value, *(v for v in one.value.values() if isinstance(v, dict))):
                if (target := self.bundle.at(value, holder)) is not None:
                    yield one.place, target

    def _coded(
        self, codes: frozenset[str], baby: Resource, mothers: Sequence[Resource], used: set[Place]
    ) -> Iterator[Node]:
        """Observations and procedures with one of the codes, of the child first, then of its mother."""
        matching = [r for r in self.bundle.of_kind("Observation", "Procedure") if self._is(r.value, codes)]
        for person in (baby, *mothers):
            for one in matching:
                subjects: list[tuple[str, Any]] = [("subject", one.value.get("subject"))]
                focus = one.value.get("focus")
                subjects += [("focus", each) for each in focus] if isinstance(focus, list) else []
                targets = [self.bundle.at(subject, one) for _, subject in subjects]
                if person is not baby and any(
                    t is c for t in targets for c in self.children if c is not baby
                ):
                    # Said of the mother with a view to the other twin.
                    continue
                for (name, _), target in zip(subjects, targets, strict=True):
                    if target is person:
                        used |= {(*one.node.place, "code"), (*one.node.place, name)}
                        yield one.node

    def _is(self, resource: dict[str, Any], codes: frozenset[str]) -> bool:
        concept = resource.get("code")
        codings = concept.get("coding") if isinstance(concept, dict) else None
        return any(
            isinstance(one, dict) and f"{one.get('system')}|{one.get('code')}" in codes
            for one in (codings if isinstance(codings, list) else ())
        )
