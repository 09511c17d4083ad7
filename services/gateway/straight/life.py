"""A partner's stream as it is known from when it is opened until it is made anew, and what shows it damaged. Pure."""

import hashlib

import msgspec

from libs.bus.jetstream import ConsumerInfo, StreamInfo
from services.gateway.straight.store import Standing


class Damaged(Exception):
    """A partner's stream does not hold what it must, or is not the one that was noted."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Life(msgspec.Struct, kw_only=True):
    """A stream as its lane knows it, from when it is opened until it is made anew; members as in store.Standing.

    `position` is where in the feed it was when it was opened, `noted` what the database has of floor, stored and
    confirmed.
    """

    code: str
    created: str
    filled_for: str
    position: int
    stored: int
    confirmed: int
    floor: int
    noted: tuple[int, int, int] = (0, 0, 0)


def filling(standing: Standing) -> str:
    """For which rights a stream is filled, and since which switching on."""
    partner = standing.partner
    text = f"{sorted(set(partner.types))} {sorted(set(partner.reads))}"
    return f"{standing.began}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def life_of(standing: Standing, info: StreamInfo, *, position: int) -> Life:
    """The stream that was noted, as it is now and from where in the feed it goes on."""
    return Life(
        code=standing.partner.code,
        created=info.created,
        filled_for=standing.filled_for,
        position=position,
        stored=max(standing.stored, info.state.last_seq),
        confirmed=standing.confirmed,
        floor=standing.floor,
    )


def check(info: StreamInfo, place: ConsumerInfo, *, stored: int, confirmed: int) -> None:
    """Raises Damaged when what was stored and not confirmed is not all there."""
    state = info.state
    if state.last_seq < stored:
        raise Damaged("rolled-back")
    if max(place.delivered.stream_seq, place.ack_floor.stream_seq) > state.last_seq:
        raise Damaged("durable-ahead")
    if state.deleted or state.first_seq > confirmed + 1 or state.messages < state.last_seq - confirmed:
        raise Damaged("messages-missing")
