"""What is said: every event of the pipeline, one module per producer.

From a subject on the wire to its meaning: `intake.dossier-accepted.v1` is `DossierAccepted` in
`libs/contracts/intake.py`; who says it and who hears it stands in `FLOWS` (`libs/contracts/catalogue.py`).

Imports msgspec and the standard library only, so that anyone may depend on it.
"""
