"""Where the values of a form came from that an officer wrote for somebody (viết hộ). Pure."""

from collections.abc import Iterator, Mapping
from typing import Literal

from libs.catalogue import Procedure
from services.intake.births import Problem
from services.intake.form_paths import in_schema, shown_path

# As the citizen said it, as the card's code holds it, as the officer read or knew it.
Source = Literal["read-out", "scanned", "typed"]
Provenance = Mapping[str, Source]
FIELDS_MAX = 200


def provenance_problems(procedure: Procedure, provenance: Provenance) -> Iterator[Problem]:
    """Paths the procedure's form does not have."""
    for path in provenance:
        if not in_schema(procedure.form, path):
            field = f"provenance.{shown_path(path)}"
            yield Problem(field=field, code="unknown", message_vi="Tờ khai của thủ tục không có mục này.")
