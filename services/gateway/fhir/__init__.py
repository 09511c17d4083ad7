"""Births as HL7 FHIR R4 Bundles: what a hospital's software makes already, taken as a declaration, an update, a void.

Bundle → judged by the model (model) → parts found (roles) → our declaration by the table in mapping.yaml (mapper) →
intake. Every problem goes back to the element of the sender's Bundle it came from (decision 17).

- `bundles`, `paths`, `place_in_bundle`: a Bundle read, its elements found, and where each stands;
- `mapping`: the table; `reading`: an element as a value; `unmapped`: what it did not ask for;
- `issues`: what is said, as an OperationOutcome;
- `desk` takes a Bundle, `one_birth` each birth of it, new or changed (`changes`) or taken back, at intake (`intake`);
  `api` is HTTP, `capability` what GET /fhir/metadata says.
"""
