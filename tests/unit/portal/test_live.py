"""Which pages an event wakes."""

from uuid import uuid4

import pytest

from services.portal import live
from services.portal.live import Live, Watch

DOSSIER, OTHER = uuid4(), uuid4()


def test_a_dossiers_page_hears_of_its_dossier() -> None:
    """And of no other, wherever that is."""
    watch = Watch(dossiers=[DOSSIER])
    assert watch.concerns(DOSSIER, ())
    assert not watch.concerns(OTHER, ("police-31340-2025",))


def test_a_list_hears_of_what_is_at_its_place() -> None:
    """Events of an agency's dossiers, and of dossiers nobody knows the place of yet."""
    watch = Watch(places=["police-31340-2025"])
    assert watch.concerns(OTHER, ("one-stop-31340-2025", "police-31340-2025"))
    assert not watch.concerns(OTHER, ("police-31411-2025",))
    assert watch.concerns(OTHER, ())


def test_a_page_without_limits_hears_everything() -> None:
    """A board of the whole city."""
    assert Watch().concerns(OTHER, ("anywhere",))


async def test_open_pages_are_counted_by_who_asks() -> None:
    """One receipt holder, or one desk, cannot take every place of the process."""
    live = Live("nats://nobody")
    over = False

    async def look() -> str:
        return "state"

    pages = [live.states(Watch(), look, lambda: over, asker=asker) for asker in ("a", "a", "b")]
    for page in pages:
        assert await anext(page) == "state"
    assert (live.pages, live.open_of("a"), live.open_of("b"), live.open_of("c")) == (3, 2, 1, 0)
    over = True
    for page in pages:
        assert [state async for state in page] == []
    assert (live.pages, live.open_of("a")) == (0, 0)


async def test_a_look_knows_whether_something_was_said_or_only_time_has_passed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """News when it opens and once more soon after, none on the timer, news again for who is woken."""
    for name in ("ECHO_SECONDS", "REFRESH_SECONDS", "GATHER_SECONDS"):
        monkeypatch.setattr(live, name, 0.0)
    pages, watch = Live("nats://unused"), Watch(dossiers=[DOSSIER])
    looks: list[bool] = []

    async def look() -> str:
        looks.append(watch.news)
        if len(looks) == 3:
            pages.wake(OTHER, ())
        if len(looks) == 4:
            pages.wake(DOSSIER, ())
        return str(len(looks))

    states = [state async for state in pages.states(watch, look, lambda: len(looks) == 5)]
    assert (states, looks) == (["1", "2", "3", "4", "5"], [True, True, False, False, True])
