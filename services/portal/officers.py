"""What officers are called: the services know them by login, people read names."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping

import msgspec

from libs.http.client import Refused, Unavailable
from services.portal.sessions import Person

Names = Mapping[str, str]
KNOWN_SECONDS = 60.0
# As many as identity tells at once.
LOGINS_MAX = 100
NAMES_MAX = 5000


class _Officer(msgspec.Struct, frozen=True, kw_only=True):
    login: str
    name: str


class _Officers(msgspec.Struct, frozen=True, kw_only=True):
    officers: tuple[_Officer, ...]


class Officers:
    """Asks identity for names, and remembers each (also that there is none) for KNOWN_SECONDS."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._known: OrderedDict[str, tuple[float, str]] = OrderedDict()

    async def names(self, person: Person, logins: Iterable[str]) -> Names:
        """Every login with the name behind it, or with itself where identity knows none or is away."""
        wanted = [login for login in dict.fromkeys(logins) if login]
        now = self._now()
        unknown = [login for login in wanted if self._known.get(login, (0.0, ""))[0] <= now]
        for first in range(0, len(unknown), LOGINS_MAX):
            if not await self._ask(person, unknown[first : first + LOGINS_MAX], now):
                break
        return {login: self._known.get(login, (0.0, ""))[1] or login for login in wanted}

    async def _ask(self, person: Person, logins: list[str], now: float) -> bool:
        query = {"logins": ",".join(logins)}
        try:
            found = await person.desk.get("identity", "/officers", _Officers, query=query)
        except (Refused, Unavailable):
            return False
        named = {one.login: one.name for one in found.officers}
        for login in logins:
            self._known[login] = (now + KNOWN_SECONDS, named.get(login, ""))
            self._known.move_to_end(login)
        while len(self._known) > NAMES_MAX:
            self._known.popitem(last=False)
        return True
