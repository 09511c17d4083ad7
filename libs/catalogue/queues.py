"""The lists staff work from, as data: what each is called, holds and offers, and whose it is."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal

import msgspec

Holds = Literal[
    # Steps: begun by whoever asks, not yet begun, soon due, past due, waiting for the family's papers, given back to
    # the one-stop shop, any that lie on a desk.
    "in-hand",
    "assigned",
    "near",
    "missed",
    "waiting-for-family",
    "returned",
    "open",
    # Written apologies to be signed.
    "apologies",
    # Papers that lie at a place of hand-over or are on their way to it.
    "to-hand-over",
]
_KEPT_BY_RESULTS: frozenset[Holds] = frozenset({"to-hand-over"})
# A slug stands in addresses: Vietnamese without accents.
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LEADER = "leader"


class Queue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One list. Without `roles` everybody sees it, without `procedures` it holds those of all.

    `action` is the one thing to do with a row, `empty_vi` what is said when there is none.
    """

    slug: str
    name_vi: str
    service: Literal["routing", "results"]
    holds: Holds
    empty_vi: str
    roles: tuple[str, ...] = ()
    procedures: tuple[str, ...] = ()
    action: str = ""

    def seen_by(self, roles: Collection[str], agency_roles: Collection[str]) -> bool:
        """Whether somebody with these roles, at an agency competent for those, works from it."""
        held = {*roles, *(agency_roles if LEADER in roles else ())}
        return not self.roles or not held.isdisjoint(self.roles)


def faults_of_queues(
    queues: Sequence[Queue], roles: Mapping[str, object], procedures: Collection[str]
) -> Iterator[str]:
    """What is wrong with the lists: a slug twice or none, an unknown role or procedure, the wrong keeper."""
    seen: set[str] = set()
    for queue in queues:
        if queue.slug in seen:
            yield f"queues.yaml: the slug {queue.slug} occurs twice"
        seen.add(queue.slug)
        if not _SLUG.fullmatch(queue.slug):
            yield f"queues.yaml: {queue.slug} is no slug"
        if (queue.holds in _KEPT_BY_RESULTS) != (queue.service == "results"):
            yield f"queues.yaml: {queue.service} keeps no {queue.holds}, which {queue.slug} holds"
        yield from (f"queues.yaml: {queue.slug}: unknown role {r}" for r in queue.roles if r not in roles)
        yield from (
            f"queues.yaml: {queue.slug}: unknown procedure {code}"
            for code in queue.procedures
            if code not in procedures
        )
