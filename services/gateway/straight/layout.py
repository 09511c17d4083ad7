"""Where a partner is on NATS: its streams, its subjects, and what its connections may do there."""

from typing import Any

from libs.bus.topology import DUPLICATE_WINDOW_SECONDS, MESSAGE_BYTES_MAX, PULLS_WAITING_MAX

ACCOUNT = "PARTNERS"
# Where partners' own connections are: an account without JetStream, into which only what partners need is brought.
# In the account of the streams a reply would lead anywhere: JetStream sends its answers with the server's own rights,
# so `$JS.API.STREAM.DELETE.…` as the reply of a permitted request would delete a stream (docs/decisions/0015).
OUTSIDE = "OUTSIDE"
# The gateway's own user in it, which may do everything there.
USER = "gateway"
# The one durable of a partner on its stream.
DURABLE = "own"
# Where a message stands in the feed: what the partner would go on from over HTTP.
FEED_CURSOR = "feed-cursor"
# The durable by which gateways read inboxes before they had readers. 0.1.0 takes it away: what names it here may go in
# the first release that is upgraded to from 0.1.0 or later only.
FORMER_INBOX_DURABLE = "gateway"
# What a partner may hold back at once, and how long before it is given again.
ACK_PENDING_MAX = 1_000
ACK_WAIT_SECONDS = 30
EVENTS_BYTES_MAX = 32 * 1024**2
INBOX_BYTES_MAX = 8 * 1024**2
INBOX_MESSAGES_MAX = 10_000
# Births carry personal data: what is not taken by then (a partner that was suspended) is not kept.
INBOX_SECONDS_MAX = 7 * 24 * 3600
# A reader of an inbox that has gone without a word is forgotten after this.
INBOX_READER_IDLE_SECONDS = 300
_SECOND_NS = 1_000_000_000
_SUBSCRIPTIONS_MAX = 64
# What the server would fill in by itself; written out, so that what it has can be compared with what is asked.
_DEFAULTS = {
    "compression": "none",
    "max_msgs": -1,
    "max_msgs_per_subject": -1,
    "max_age": 0,
    "max_consumers": -1,
    "duplicate_window": DUPLICATE_WINDOW_SECONDS * _SECOND_NS,
}


def events_stream(code: str) -> str:
    """The stream a partner reads: `bv-93016` → `EVENTS_BV-93016`."""
    return f"EVENTS_{code.upper()}"


def inbox_stream(code: str) -> str:
    """The stream a partner publishes to."""
    return f"INBOX_{code.upper()}"


def event_subject(code: str, type_: str, dossier_id: object = "") -> str:
    """Under which subject a partner finds an event, so that a program can tell them apart by it."""
    return ".".join(filter(None, ("events", code, type_, str(dossier_id))))


def permissions(code: str) -> dict[str, Any]:
    """What a partner's connection may do, in the words of a NATS user JWT: nothing that is not its own."""
    events = f"{events_stream(code)}.{DURABLE}"
    return {
        "pub": {
            "allow": [
                f"$JS.API.CONSUMER.INFO.{events}",
                f"$JS.API.CONSUMER.MSG.NEXT.{events}",
                f"$JS.ACK.{events}.>",
                f"inbox.{code}.>",
            ]
        },
        "sub": {"allow": [f"_INBOX_{code}.>"]},
        "subs": _SUBSCRIPTIONS_MAX,
        "data": -1,
        "payload": MESSAGE_BYTES_MAX,
    }


def brought_outside() -> tuple[str, ...]:
    """The subjects of the streams' account that partners' connections reach, each its own by its permissions."""
    return (
        f"$JS.API.CONSUMER.INFO.*.{DURABLE}",
        f"$JS.API.CONSUMER.MSG.NEXT.*.{DURABLE}",
        f"$JS.ACK.*.{DURABLE}.>",
        "inbox.>",
    )


def events_config(code: str, *, first_sequence: int, bytes_max: int, replicas: int) -> dict[str, Any]:
    """A partner's stream. What does not fit is refused and waits in the feed; what was confirmed is purged."""
    return {
        "name": events_stream(code),
        "description": f"the feed for {code}; refilled from it",
        "subjects": [f"events.{code}.>"],
        "storage": "file",
        "retention": "limits",
        "discard": "new",
        "max_bytes": bytes_max,
        "max_msg_size": MESSAGE_BYTES_MAX,
        "num_replicas": replicas,
        **_DEFAULTS,
        "deny_delete": True,
        "allow_atomic": True,
        # A late ack for the stream's former life must never mean a message of this one.
        "first_seq": first_sequence,
    }


def events_durable() -> dict[str, Any]:
    """A partner's place in its stream."""
    return {
        "durable_name": DURABLE,
        "name": DURABLE,
        "ack_policy": "explicit",
        "ack_wait": ACK_WAIT_SECONDS * _SECOND_NS,
        "deliver_policy": "all",
        "replay_policy": "instant",
        "max_deliver": -1,
        "max_ack_pending": ACK_PENDING_MAX,
        "max_waiting": PULLS_WAITING_MAX,
    }


def inbox_config(code: str, *, replicas: int) -> dict[str, Any]:
    """A partner's inbox: each message stays until it is taken."""
    return {
        "name": inbox_stream(code),
        "description": f"what {code} hands in",
        "subjects": [f"inbox.{code}.>"],
        "storage": "file",
        "retention": "limits",
        "discard": "new",
        "max_bytes": INBOX_BYTES_MAX,
        "max_msg_size": MESSAGE_BYTES_MAX,
        "num_replicas": replicas,
        **_DEFAULTS,
        "max_msgs": INBOX_MESSAGES_MAX,
        "max_age": INBOX_SECONDS_MAX * _SECOND_NS,
    }


def inbox_reader(name: str) -> dict[str, Any]:
    """One reader of an inbox, from the oldest message there is.

    What was answered is erased, so the inbox itself says where to go on. A durable would keep what a killed reader
    had in its hands until `ack_wait` is over, and give out later messages meanwhile.
    """
    return {
        "name": name,
        "ack_policy": "none",
        "deliver_policy": "all",
        "replay_policy": "instant",
        "inactive_threshold": INBOX_READER_IDLE_SECONDS * _SECOND_NS,
        "mem_storage": True,
        "num_replicas": 1,
    }
