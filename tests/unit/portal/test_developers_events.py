"""The catalogue of events for integrators: nothing that is said is without words, and everything can be found."""

from libs.contracts.catalogue import EVENTS, FLOWS
from libs.contracts.documents import examples
from services.portal.developers import event_words, events
from services.portal.developers.field_words import ATTRIBUTES, FIELDS

CATALOGUE = events.catalogue()


def test_every_event_has_its_words() -> None:
    """In Vietnamese, what has happened; nothing is described that nobody says."""
    assert event_words.EVENTS.keys() == EVENTS.keys()
    assert {flow.by for flow in FLOWS} | {
        to for flow in FLOWS for to in flow.to
    } <= event_words.SERVICES.keys()
    assert len({words.name for words in event_words.EVENTS.values()}) == len(EVENTS)


def test_what_a_contract_leaves_open_the_page_leaves_open() -> None:
    """Where the contract says what is not decided, the words do too."""
    for event in CATALOGUE.values():
        left_open = any(
            told in event.contract for told in ("ot decided yet", "ot decided here", "ot known yet")
        )
        assert bool(event.words.undecided) or not left_open, event.type


def test_every_field_has_its_words() -> None:
    """Those of the structs inside too."""
    used = {field.name for event in CATALOGUE.values() for shape in event.shapes for field in shape.fields}
    assert used - FIELDS.keys() == set()
    assert FIELDS.keys() - used == set()
    content = examples(EVENTS["intake.dossier-accepted.v1"])["full"]
    assert content.keys() - {"data"} <= ATTRIBUTES.keys()


def test_an_event_is_shown_as_its_contract_has_it() -> None:
    """Fields in their order, kinds in words, what stands for an absent one; two golden examples."""
    event = CATALOGUE["intake.dossier-accepted.v1"]
    data = {field.name: field for field in event.shapes[0].fields}
    assert [shape.name for shape in event.shapes] == ["DossierAccepted", "ChosenResult", "RoleUnit"]
    assert (data["code"].kind, data["code"].default) == ("chuỗi", None)
    assert (data["results"].kind, data["results"].default) == ("danh sách ChosenResult", None)
    assert (data["facility"].default, data["role_units"].default) == ('""', "[]")
    assert data["received_at"].kind == "ngày giờ (RFC 3339)"
    assert [example.name for example in event.examples] == ["full", "minimal"]
    assert event.versions == (event.type,)


def test_events_are_found_by_words_fields_and_services() -> None:
    """Every word has to fit; nothing asked for is everything."""

    def found(asked: str, by: str = "") -> list[str]:
        return [event.type for event in events.matching(CATALOGUE, asked, by)]

    assert found("") == list(EVENTS)
    assert found("Thu Hồi KẾT quả") == ["results.result-revoked.v1"]
    assert found("respond_by") == ["routing.supplement-requested.v1"]
    assert {type_.partition(".")[0] for type_ in found("", "notify")} == {"notify"}
    assert found("không có gì như thế") == []
