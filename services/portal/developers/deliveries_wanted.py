"""Which deliveries of a webhook a person looks for, as the page's address says it. Pure."""

from uuid import UUID

import msgspec

from services.portal.developers.event_list import EVENTS
from services.portal.developers.webhooks import DELIVERY_STATES, TEST_TYPE

# The field of the form, and what is wrong with it.
NO_DOSSIER = ("ho_so", "Hãy ghi mã định danh của hồ sơ như trong subject của sự kiện, dạng UUID")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which deliveries a person looks for; empty: any."""

    state: str = ""
    type: str = ""
    dossier: str = ""

    @property
    def query(self) -> dict[str, str]:
        """The same as the page's address says it."""
        given = {"tt": self.state, "loai_gui": self.type, "ho_so": self.dossier}
        return {name: value for name, value in given.items() if value}


ANY = Wanted()


def wanted_of(state: str, type_: str, dossier: str) -> Wanted:
    """What was asked for, as far as there is such a thing: a dossier by its id in events."""
    return Wanted(
        state=state if state in DELIVERY_STATES else "",
        type=type_ if type_ in EVENTS or type_ == TEST_TYPE else "",
        dossier=str(found) if (found := _uuid_of(dossier)) else "",
    )


def _uuid_of(text: str) -> UUID | None:
    """An id as somebody pastes it."""
    try:
        return UUID(text.strip())
    except ValueError:
        return None
