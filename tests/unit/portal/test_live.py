"""Which pages an event wakes."""

from uuid import uuid4

from services.portal.live import Watch

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
