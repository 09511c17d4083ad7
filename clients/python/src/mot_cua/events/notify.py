"""What notify says. Made by `make events` from the contracts of the city; do not edit."""

from typing import ClassVar
from uuid import UUID

from mot_cua.events.data import EventData, Moment


class MessageSent(EventData, frozen=True, kw_only=True):
    """A provider has accepted the message. Not known yet: whether it was delivered."""

    TYPE: ClassVar[str] = "notify.message-sent.v1"

    message_id: UUID
    rule: str
    channel: str
    sent_at: Moment


class MessageDelivered(EventData, frozen=True, kw_only=True):
    """The message has reached its destination."""

    TYPE: ClassVar[str] = "notify.message-delivered.v1"

    message_id: UUID
    rule: str
    channel: str
    delivered_at: Moment


class MessageFailed(EventData, frozen=True, kw_only=True):
    """The message will not reach this destination, for `reason`."""

    TYPE: ClassVar[str] = "notify.message-failed.v1"

    message_id: UUID
    rule: str
    channel: str
    reason: str
    failed_at: Moment
