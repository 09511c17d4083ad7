"""What notify says: the state of each message at each destination."""

from typing import ClassVar
from uuid import UUID

from libs.contracts.event import Event, Moment


class MessageSent(Event, frozen=True, kw_only=True):
    """A provider has accepted the message. Not known yet: whether it was delivered."""

    SUBJECT: ClassVar[str] = "notify.message-sent.v1"

    message_id: UUID
    rule: str
    channel: str
    sent_at: Moment


class MessageDelivered(Event, frozen=True, kw_only=True):
    """The message has reached its destination."""

    SUBJECT: ClassVar[str] = "notify.message-delivered.v1"

    message_id: UUID
    rule: str
    channel: str
    delivered_at: Moment


class MessageFailed(Event, frozen=True, kw_only=True):
    """The message will not reach this destination, for `reason`."""

    SUBJECT: ClassVar[str] = "notify.message-failed.v1"

    message_id: UUID
    rule: str
    channel: str
    reason: str
    failed_at: Moment
