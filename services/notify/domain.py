"""When and what to tell: planning, coalescing, quiet hours, states of a message. Pure: no I/O, no clock."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from functools import reduce
from uuid import UUID, uuid5

import msgspec

from libs.catalogue.calendar import VIETNAM
from libs.contracts.event import Event
from services.notify.rules import APPLICANT, Rule, RuleBook
from services.notify.texts import Occasion

# queued → sending → sent → delivered is the good way to a person; a desk's letter is laid in, queued → sent → delivered
# (read), in one transaction. `sending`: a provider may have heard of it; put back to `queued` when it clearly has not
# taken it. `unknown`: the provider may have taken it; it is never sent a second time by itself. `failed`: refused for
# ever, or tried for too long. From these two a person may let it wait again. `dropped`: there was nobody to tell (a
# dossier without a desk, an applicant who wants no word), or nothing any more (overtaken).
QUEUED, SENDING, SENT, DELIVERED, FAILED, UNKNOWN, DROPPED = (
    "queued",
    "sending",
    "sent",
    "delivered",
    "failed",
    "unknown",
    "dropped",
)
# Where a provider's receipt may move a message. It may overtake the answer to sending, and may come while a message of
# unknown fate waits to be sent again: good news makes the second letter needless, bad news does not. Of other queued
# messages no provider has heard: receipts do not find them (message_store.by_receipt).
_RECEIPT_MOVES = {
    QUEUED: {SENT, DELIVERED},
    SENDING: {SENT, DELIVERED, FAILED},
    SENT: {DELIVERED, FAILED},
    UNKNOWN: {SENT, DELIVERED, FAILED},
}
# What an applicant prefers who wants no messages at all.
NO_CHANNEL = "none"
# From where a person may decide that a message is to be sent once more.
SENT_AGAIN_FROM = frozenset({UNKNOWN, FAILED})


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one audience, speaking of one or more occasions."""

    id: UUID
    rule: str
    audience: str
    group: str
    not_before: datetime
    occasions: tuple[Occasion, ...]


class Outbox(msgspec.Struct, frozen=True, kw_only=True):
    """The messages of one dossier still waiting to be sent, and every occasion (rule, key) ever told or planned."""

    waiting: tuple[Message, ...] = ()
    told: frozenset[tuple[str, str]] = frozenset()


def plan(outbox: Outbox, event_id: UUID, event: Event, now: datetime, book: RuleBook) -> Outbox:
    """Add what this event makes us tell; an occasion already told of is not told again.

    Occasions of one group join the message that is still waiting; what this one overtakes is not told any more.
    """
    for rule in book.for_event(event):
        occasion = Occasion(rule=rule.code, key=rule.key_of(event), facts=msgspec.to_builtins(event))
        if (occasion.rule, occasion.key) not in outbox.told:
            outbox = _add(
                _without_overtaken(outbox, rule, occasion, book), rule, occasion, event_id, now, book
            )
    return outbox


def _without_overtaken(outbox: Outbox, rule: Rule, occasion: Occasion, book: RuleBook) -> Outbox:
    """A result that was handed over is not ready to be fetched any more: such occasions leave what waits."""
    waiting: list[Message] = []
    for message in outbox.waiting:
        left = tuple(o for o in message.occasions if not (o.rule in rule.overtakes and o.key == occasion.key))
        if left == message.occasions:
            waiting.append(message)
        elif left:
            leading = reduce(lambda leads, o: _leads(leads, o.rule, book), left, left[0].rule)
            waiting.append(msgspec.structs.replace(message, rule=leading, occasions=left))
    return Outbox(waiting=tuple(waiting), told=outbox.told)


def _add(
    outbox: Outbox, rule: Rule, occasion: Occasion, event_id: UUID, now: datetime, book: RuleBook
) -> Outbox:
    told = outbox.told | {(occasion.rule, occasion.key)}
    group = _group(rule, occasion)
    for waiting in outbox.waiting:
        if group and waiting.group == group and waiting.audience == rule.audience:
            merged = _merge(waiting, rule, occasion, book)
            return Outbox(waiting=tuple(merged if m is waiting else m for m in outbox.waiting), told=told)
    message = Message(
        id=uuid5(event_id, rule.code),
        rule=rule.code,
        audience=rule.audience,
        group=group,
        not_before=now + timedelta(minutes=rule.wait_minutes),
        occasions=(occasion,),
    )
    return Outbox(waiting=(*outbox.waiting, message), told=told)


def _group(rule: Rule, occasion: Occasion) -> str:
    """What joins into one message. A desk is told of its own place only: two places are two messages."""
    place = occasion.facts.get("place")
    return f"{rule.group}@{place}" if rule.group and rule.audience != APPLICANT and place else rule.group


def _merge(waiting: Message, rule: Rule, occasion: Occasion, book: RuleBook) -> Message:
    """One message for both, not sent later than it was to be. The higher rank leads, of equal ranks the new one."""
    leading = _leads(waiting.rule, rule.code, book)
    return msgspec.structs.replace(waiting, rule=leading, occasions=(*waiting.occasions, occasion))


def _leads(before: str, new: str, book: RuleBook) -> str:
    """Which of two rules leads, by their codes; one that the city has no more has no rank."""
    ranks = {rule.code: rule.rank for rule in book.rules}
    return new if ranks.get(new, 0) >= ranks.get(before, 0) else before


def send_after(moment: datetime, audience: str, quiet: tuple[time, time] | None) -> datetime:
    """The first moment from `moment` on at which the audience may be disturbed.

    Citizens' phones stay silent in the quiet hours; a desk's inbox does not ring and is filled at any hour.
    """
    if audience != APPLICANT or quiet is None:
        return moment
    start, end = quiet
    local = moment.astimezone(VIETNAM)
    clock = local.timetz().replace(tzinfo=None)
    spans_midnight = start > end
    is_quiet = (clock >= start or clock < end) if spans_midnight else (start <= clock < end)
    if not is_quiet:
        return moment
    loud = datetime.combine(local.date(), end, tzinfo=VIETNAM)
    if loud <= local:
        loud += timedelta(days=1)
    return loud.astimezone(moment.tzinfo)


def is_quiet(moment: datetime, quiet: tuple[time, time] | None) -> bool:
    """Whether citizens must not be disturbed at this moment."""
    return send_after(moment, APPLICANT, quiet) > moment


def may_move(state: str, to: str) -> bool:
    """Whether a receipt may move a message from one state to the other; late ones move none back."""
    return to in _RECEIPT_MOVES.get(state, ())


def channels_for(preferred: str, reachable: Sequence[str], available: Sequence[str]) -> list[str]:
    """The channels to try, best first: the preferred one if it can be used, then the others as the city ranks them.

    `reachable` are the channels the person gave an address for, `available` those the city runs, in its order.
    """
    usable = [channel for channel in available if channel in reachable]
    return sorted(usable, key=lambda channel: (channel != preferred, available.index(channel)))
