"""What the HTTP of notify takes and answers with. Never where a message went to, or whom it told."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from libs.http.bodies import Body
from services.notify.glossary import ABOUT, STATES

# Why an operator decided: kept in this service only. A pattern cannot tell a code from a name written with dashes.
Code = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
# Why a message failed is published (message-failed): a closed list, in which nobody's name or number can stand.
Failure = Literal[
    "",
    "address-unknown",
    "mailbox-full",
    "not-reachable",
    "not-a-follower",
    "blocked-by-receiver",
    "blocked-as-spam",
    "expired",
    "other",
]


class InboxEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One message in a desk's inbox; `number` grows with every message that comes."""

    number: int
    message_id: UUID
    dossier_id: UUID
    subject: str
    body: str
    arrived_at: datetime
    read_at: datetime | None


class InboxPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the inbox; `next` is the `after` of the following page."""

    messages: list[InboxEntry]
    next: int | None = None


class MessageView(msgspec.Struct, frozen=True, kw_only=True):
    """What was told about a dossier, on which channel, and how far it got; in words what it was about and its state."""

    id: UUID
    dossier_id: UUID
    rule: str
    audience: str
    channel: str
    state: str
    state_vi: str
    about_vi: str
    reason: str
    attempts: int
    created_at: datetime
    not_before: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    failed_at: datetime | None


class MessagePage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of messages; `next` is the `after` of the following page."""

    messages: list[MessageView]
    next: UUID | None = None


class Receipt(Body, frozen=True, kw_only=True):
    """What a provider says became of a message it took.

    `message_id` is our id where the provider gives it back (Message-ID, tracking_id, RequestId).
    """

    provider_id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    state: Literal["sent", "delivered", "failed"]
    reason: Failure = ""
    message_id: UUID | None = None


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """The message's state now; a late or repeated receipt leaves it as it was."""

    message_id: UUID
    state: str


class SendAgain(Body, frozen=True, kw_only=True):
    """Why a message whose fate is unknown, or that failed, is to be sent once more."""

    reason: Code
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""


class DecisionView(msgspec.Struct, frozen=True, kw_only=True):
    """One decision of an operator about a message: it `was` in that state."""

    at: datetime
    actor: str
    was: str
    reason: str
    note: str


def message_view(row: Any) -> MessageView:
    """A message row as staff and the family's page see it."""
    words = {
        "state_vi": STATES.get(row["state"], row["state"]),
        "about_vi": ABOUT.get(row["rule"], "Thông báo"),
    }
    kept = {name: row[name] for name in MessageView.__struct_fields__ if name not in words}
    return MessageView(**kept, **words)


def inbox_entry(row: Any) -> InboxEntry:
    """An inbox row as its desk sees it."""
    return InboxEntry(**{name: row[name] for name in InboxEntry.__struct_fields__})


def decision_view(row: Any) -> DecisionView:
    """A decision as operators see it."""
    return DecisionView(**{name: row[name] for name in DecisionView.__struct_fields__})
