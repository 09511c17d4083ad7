"""Births as HL7 FHIR R4 Bundles: what a hospital's software makes already, taken as a declaration, an update, a void.

Bundle → judged by the model (model) → parts found (roles) → our declaration by the table in mapping.yaml (mapper) →
intake. Every problem goes back to the element of the sender's Bundle it came from (decision 17).
"""
