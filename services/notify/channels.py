"""The port every channel implements, and what sending can end in."""

from collections.abc import Awaitable, Callable
from typing import Protocol
from uuid import UUID

import msgspec


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message goes. `address` is personal data: it is never logged, and never stored in this service."""

    channel: str
    address: str


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A finished message. `id` is the idempotency key given to the provider."""

    id: UUID
    subject: str
    body: str


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The provider has taken the message; `delivered` when that is already the end of the way."""

    provider_id: str
    delivered: bool = False


class NotBegun(Exception):
    """The provider has not heard of the message and shall not now; it is put back and counts as no try."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotTaken(Exception):
    """The provider certainly has not taken the message; trying again is safe."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Refused(Exception):
    """The provider will never take this message for this destination."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unknown(Exception):
    """The provider may or may not have taken the message: it must not be sent again by itself."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


# Commits that the provider is about to hear of the letter. Raises NotBegun when it must not.
Begin = Callable[[], Awaitable[None]]


class Channel(Protocol):
    """A way to a person. Zalo and SMS follow as further implementations.

    One whole `send`, connecting and all, must end within half of the sender's lease (SenderSettings).
    """

    name: str

    async def send(self, letter: Letter, destination: Destination, begin: Begin) -> Accepted:
        """Hand the letter to the provider, with the letter's id as the provider's idempotency or tracking id.

        Awaits `begin` at the last moment before the provider may take the letter: what fails before has certainly
        sent nothing. Lets NotBegun through, raises NotTaken, Refused or Unknown; anything else counts as NotTaken
        before `begin` and as Unknown after it.
        """
        ...
