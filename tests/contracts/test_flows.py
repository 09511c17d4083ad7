"""The flows, the handlers and the names hold together."""

import importlib
from typing import Any

import msgspec
import pytest

from libs.bus.ids import new_id
from libs.bus.outbox import NotOurEvent, Outgoing, emit
from libs.bus.topology import durable_of, stream_of
from libs.contracts.catalogue import EVENTS, FLOWS, SERVICES, heard_by, producer_of, sources_of
from libs.contracts.cloudevents import decode_data
from libs.contracts.documents import examples

NAME_CHARACTERS_MAX = 32


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_handles_exactly_what_flows_say_it_hears(service: str) -> None:
    """The keys of HANDLERS equal the events whose flow names the service."""
    handlers: dict[type, Any] = importlib.import_module(f"services.{service}.handlers").HANDLERS
    assert {event.__name__ for event in handlers} == {event.__name__ for event in heard_by(service)}


def test_every_flow_is_between_services_we_know() -> None:
    """Producers and consumers are services, nobody hears itself, and no event stands twice."""
    for flow in FLOWS:
        assert flow.by in SERVICES
        assert set(flow.to) <= set(SERVICES) - {flow.by}
        assert len(set(flow.to)) == len(flow.to)
    assert len(EVENTS) == len(FLOWS)


def test_subject_module_and_class_belong_together() -> None:
    """From `intake.dossier-accepted.v1` one finds libs/contracts/intake.py and DossierAccepted without a search."""
    for flow in FLOWS:
        producer, name, version = flow.event.SUBJECT.split(".")
        assert producer == flow.by == flow.event.__module__.rsplit(".", 1)[1]
        words = "".join(word.capitalize() for word in name.split("-"))
        suffix = "" if version == "v1" else version.upper()
        assert flow.event.__name__ == words + suffix


def test_names_are_short() -> None:
    """Subjects, streams and durables stay within 32 characters (nats.docs, naming)."""
    for flow in FLOWS:
        assert len(flow.event.SUBJECT) <= NAME_CHARACTERS_MAX
    for service in SERVICES:
        assert len(stream_of(service)) <= NAME_CHARACTERS_MAX
        for source in sources_of(service):
            assert len(durable_of(service, source)) <= NAME_CHARACTERS_MAX


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.event.SUBJECT)
async def test_nobody_publishes_another_service_s_event(flow: Any) -> None:
    """`emit` refuses an event of another producer before it touches the database."""
    event = decode_data(flow.event.SUBJECT, _payload(flow.event))
    for service in set(SERVICES) - {producer_of(flow.event)}:
        with pytest.raises(NotOurEvent):
            await emit(None, service, [Outgoing(dossier_id=new_id(), event=event)])


def _payload(event: Any) -> bytes:
    return msgspec.json.encode(examples(event)["full"]["data"])
