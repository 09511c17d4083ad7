"""Which deliveries of a webhook a person looks for, as the page's address says it. Pure."""

from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import Depends

from services.portal.developers.event_list import CHOICES, EVENTS
from services.portal.developers.webhooks import DELIVERY_STATES, TEST_TYPE

# The types one may look for: what is sent as a test has one of its own, which is not in the catalogue.
SENT_CHOICES = ((TEST_TYPE, f"Sự kiện thử ({TEST_TYPE})"), *CHOICES)
# The field of the form, and what is wrong with it.
NO_DOSSIER = ("ho_so", "Hãy ghi mã định danh của hồ sơ như trong subject của sự kiện, dạng UUID")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which deliveries a person looks for; empty: any. `misread` was written for a dossier and is no id."""

    state: str = ""
    type: str = ""
    dossier: str = ""
    misread: str = ""

    @property
    def query(self) -> dict[str, str]:
        """The same as the page's address says it."""
        given = {"tt": self.state, "loai_gui": self.type, "ho_so": self.dossier}
        return {name: value for name, value in given.items() if value}


ANY = Wanted()


def wanted_of(tt: str = "", loai_gui: str = "", ho_so: str = "") -> Wanted:
    """State, type and dossier that the address asks for, as far as there is such a thing: a dossier by its id."""
    found = _uuid_of(ho_so)
    return Wanted(
        state=tt if tt in DELIVERY_STATES else "",
        type=loai_gui if loai_gui in EVENTS or loai_gui == TEST_TYPE else "",
        dossier=str(found) if found else "",
        misread="" if found else ho_so.strip(),
    )


WANTED = Annotated[Wanted, Depends(wanted_of)]


def _uuid_of(text: str) -> UUID | None:
    """An id as somebody pastes it."""
    try:
        return UUID(text.strip())
    except ValueError:
        return None
