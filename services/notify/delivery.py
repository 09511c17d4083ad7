"""One letter: written from its rule and the dossier's words, given to one channel after the other until one has it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from libs.catalogue.errors import CatalogueError, NotEffective, UnknownProcedure
from libs.telemetry.logs import log
from services.notify import domain
from services.notify.channels import Channel, Destination, Letter, NotBegun, NotTaken, Refused, Unknown
from services.notify.contacts import Contact
from services.notify.rules import Rule
from services.notify.sending_store import Due
from services.notify.texts import fill
from services.notify.wording import Wording

# Commits that this channel's provider is about to hear of the letter (channels.Begin).
BeginOn = Callable[[str], Awaitable[None]]


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How sending ended: a state, the channel that led to it, the provider's id for the message, a reason code."""

    state: str
    channel: str = ""
    provider_id: str = ""
    reason: str = ""


class Delivery:
    """Writes letters and gives them to channels. `ranking` is the order in which the city tries them."""

    def __init__(
        self,
        *,
        channels: Mapping[str, Channel],
        ranking: Sequence[str],
        rules: Mapping[str, Rule],
        wording: Wording,
    ) -> None:
        self._channels = channels
        self._ranking = [name for name in ranking if name in channels]
        self._rules = rules
        self._wording = wording

    def write(self, message: Due, contact: Contact) -> Letter | None:
        """The letter; None when its rule is no longer among the city's rules. Raises NotTaken without its words."""
        rule = self._rules.get(message.rule)
        if rule is None:
            return None
        try:
            words = self._wording.words(contact, message.occasions)
        except (CatalogueError, NotEffective, UnknownProcedure):
            # The catalogue of this process is older than the dossier, or wrong: somebody will bring a newer one.
            raise NotTaken("catalogue-lacks-words") from None
        return Letter(
            id=message.id,
            subject=fill(rule.subject, message.occasions, words),
            body=fill(rule.text, message.occasions, words),
        )

    async def send(self, letter: Letter, contact: Contact, begin: BeginOn) -> Ended:
        """Give the letter to the first channel that takes it, the preferred one first.

        A refusal leads to the next channel; an unknown fate ends all trying. Raises NotTaken when a channel cannot
        be used now, and whatever NotBegun `begin` raises.
        """
        if contact.preferred_channel == domain.NO_CHANNEL:
            return Ended(state=domain.DROPPED, reason="not-wanted")
        addresses = contact.addresses()
        names = domain.channels_for(contact.preferred_channel, list(addresses), self._ranking)
        ended = Ended(state=domain.FAILED, reason="no-destination")
        for name in names:
            ended = await self._try(self._channels[name], letter, addresses[name], begin)
            if ended.state != domain.FAILED:
                break
        return ended

    async def _try(self, channel: Channel, letter: Letter, address: str, begin: BeginOn) -> Ended:
        begun = False

        async def begin_here() -> None:
            nonlocal begun
            await begin(channel.name)
            begun = True

        def unknown(reason: str) -> Ended:
            provider_id = str(letter.id)
            return Ended(state=domain.UNKNOWN, channel=channel.name, provider_id=provider_id, reason=reason)

        try:
            accepted = await channel.send(
                letter, Destination(channel=channel.name, address=address), begin_here
            )
        except (NotBegun, NotTaken):
            raise
        except Refused as error:
            return Ended(state=domain.FAILED, channel=channel.name, reason=error.reason)
        except Unknown as error:
            return unknown(error.reason)
        except Exception as error:  # a fault of ours in the midst of sending
            log.error("channel-failed", error=type(error).__name__, message_id=str(letter.id))
            if not begun:
                raise NotTaken("internal-error") from error
            return unknown("internal-error")
        state = domain.DELIVERED if accepted.delivered else domain.SENT
        return Ended(state=state, channel=channel.name, provider_id=accepted.provider_id)
