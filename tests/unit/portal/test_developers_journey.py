"""Where an event stands in the course of a birth, and what is said of a delivery that was not taken."""

import inspect
import re
import shlex

import pytest

from libs.contracts.catalogue import EVENTS
from services.gateway.partners.partner import types_of
from services.gateway.webhooks import addresses, connecting, pumping, sending
from services.gateway.webhooks.endpoint import EXHAUSTED, GONE
from services.portal.developers.deliveries_wanted import wanted_of
from services.portal.developers.delivery_words import ERRORS, advice, curl, head
from services.portal.developers.journey import COURSE, course, is_read, place_of
from services.portal.developers.webhooks import TEST_TYPE


def test_the_course_is_of_events_there_are_each_after_one_before_it() -> None:
    """From the declaration to the closing."""
    types = [type_ for type_, _ in COURSE]
    assert set(types) <= EVENTS.keys()
    assert (types[0], types[-1]) == ("intake.dossier-received.v1", "results.dossier-closed.v1")
    for number, (_, earlier) in enumerate(COURSE):
        assert earlier in types[:number] or not number
    assert [stop.type for stop in course()] == types


def test_an_event_tells_what_comes_before_and_after_and_what_leads_to_it() -> None:
    """By which service; what is not of every birth says so."""
    place = place_of("routing.step-completed.v1")
    assert [stop.type for stop in place.before] == ["routing.step-started.v1"]
    assert [stop.by for stop in place.after] == ["kết quả và trả kết quả", "giải quyết hồ sơ"]
    assert place.said_by_partners == ("partner.step-completed.v1",)
    assert not place_of("results.result-revoked.v1").in_course
    assert not place_of("intake.dossier-received.v1").before


@pytest.mark.parametrize("pattern", ["*", "results.*", "results.result-ready.v1", "result.*", "routing.*"])
def test_a_pattern_means_here_what_it_means_at_the_gateway(pattern: str) -> None:
    """Else the page would promise what nobody sends."""
    assert {type_ for type_ in EVENTS if is_read(type_, (pattern,))} == types_of([pattern])
    assert not is_read("results.result-ready.v1", ())


def test_every_code_of_an_attempt_has_words() -> None:
    """What the gateway may note of an attempt is told in Vietnamese."""
    source = "".join(inspect.getsource(module) for module in (sending, addresses, connecting, pumping))
    codes = set(re.findall(r'(?:Refused\(|return |else |reason = )"([a-z-]+)"', source))
    assert {"redirect", "timeout", "tls-failed", "address-not-allowed", "event-gone"} <= codes
    assert {*codes, GONE, EXHAUSTED} - ERRORS.keys() == set()


def test_a_failure_says_what_to_look_at_first() -> None:
    """By its code, else by its status; a delivery that was taken says nothing."""
    assert "Kiểm chữ ký" in advice(401, "status")
    assert "Chuyển hướng" in advice(302, "redirect")
    assert advice(503, "status") == advice(500, "status") != ""
    assert advice(0, "timeout").startswith("Hãy trả lời 2xx")
    assert (advice(204, ""), advice(418, "status"), advice(0, "unforeseen")) == ("", "", "")


def test_a_request_is_a_command_for_any_shell() -> None:
    """Whatever stands in it: quotes end nothing."""
    body = '{"a": "it\'s $HOME"}'
    words = shlex.split(curl("https://x.example.vn/a?b", {"webhook-id": "1"}, body).replace("\\\n", ""))
    assert words == ["curl", "-i", "https://x.example.vn/a?b", "-H", "webhook-id: 1", "--data-binary", body]


def test_the_head_of_a_request_is_where_it_went_and_its_headers() -> None:
    """In the order they were sent."""
    sent = {"webhook-id": "1", "content-type": "application/json"}
    assert head("https://x.example.vn/a", sent).splitlines() == [
        "POST https://x.example.vn/a",
        "webhook-id: 1",
        "content-type: application/json",
    ]


def test_what_is_looked_for_is_what_there_is() -> None:
    """Anything else in the address is left out, and the address of the next page says the same."""
    dossier = "019AC000-0000-7000-8000-000000000001"
    wanted = wanted_of("failed", TEST_TYPE, f" {dossier} ")
    assert wanted.query == {"tt": "failed", "loai_gui": TEST_TYPE, "ho_so": dossier.lower()}
    assert wanted_of("x", "y", "313.40.00").query == {}


def test_what_is_no_id_of_a_dossier_stays_as_it_was_typed() -> None:
    """To be mended in its box; an id, or nothing, leaves nothing to mend."""
    assert wanted_of(ho_so=" 313.40.00 ").misread == "313.40.00"
    assert (
        wanted_of(ho_so="019ac000-0000-7000-8000-000000000001").misread == wanted_of(ho_so=" ").misread == ""
    )
