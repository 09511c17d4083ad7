"""What each NATS user may do, derived from FLOWS: nothing that is not one of the arrows.

`permissions_of(user)` is in the form of the server's configuration, for deploy/local and for k8s alike.
"""

import msgspec

from libs.bus.topology import durable_of, stream_of
from libs.contracts.catalogue import FLOWS, PRODUCERS, SERVICES, sources_of

KEEPER = "keeper"
# Who only hears, without durables: what they miss does not matter to them (services/portal/live.py).
LISTENERS = ("portal",)
USERS = (*SERVICES, KEEPER, *LISTENERS)
REBUILD_SUBJECT = "keeper.rebuild"


class Allow(msgspec.Struct, frozen=True):
    """Subjects allowed; all others are denied."""

    allow: tuple[str, ...]


class Permissions(msgspec.Struct, frozen=True):
    """One user's rights, named as nats-server's configuration names them."""

    publish: Allow
    subscribe: Allow


def permissions_of(user: str) -> Permissions:
    """The rights of a service, the keeper or a listener. Raises KeyError for anyone else."""
    if user == KEEPER:
        return _keeper()
    if user in LISTENERS:
        # An empty list would allow everything: it may answer itself, and nobody else.
        own = f"_INBOX_{user}.>"
        return Permissions(Allow((own,)), Allow((own, *(f"{producer}.>" for producer in PRODUCERS))))
    if user not in SERVICES:
        raise KeyError(user)
    own = stream_of(user)
    publish = [flow.event.SUBJECT for flow in FLOWS if flow.by == user]
    if publish:
        # Its own stream: look at it and read it back (the proof), and ask for it to be made anew.
        publish += [
            f"$JS.API.STREAM.INFO.{own}",
            f"$JS.API.DIRECT.GET.{own}",
            f"{REBUILD_SUBJECT}.{own}",
        ]
    for producer in sources_of(user):
        stream, durable = stream_of(producer), durable_of(user, producer)
        publish += [
            f"$JS.API.CONSUMER.INFO.{stream}.{durable}",
            f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}",
            # Without its own durable's name here, one service could ack another's messages away.
            f"$JS.ACK.{stream}.{durable}.>",
        ]
    # The server's API level (and sizes, no contents).
    publish.append("$JS.API.INFO")
    return Permissions(Allow(tuple(publish)), Allow((f"_INBOX_{user}.>",)))


def configuration(user: str) -> dict[str, dict[str, list[str]]]:
    """The same as plain data, for the server's configuration file."""
    found = permissions_of(user)
    return {
        "publish": {"allow": list(found.publish.allow)},
        "subscribe": {"allow": list(found.subscribe.allow)},
    }


def _keeper() -> Permissions:
    """Makes and unmakes streams and durables; reads and publishes no event; answers into services' inboxes."""
    publish = ["$JS.API.INFO"]
    for producer in PRODUCERS:
        stream = stream_of(producer)
        publish += [f"$JS.API.STREAM.{verb}.{stream}" for verb in ("INFO", "CREATE", "UPDATE", "DELETE")]
        for consumer in SERVICES:
            if producer in sources_of(consumer):
                durable = durable_of(consumer, producer)
                publish += [
                    f"$JS.API.CONSUMER.{verb}.{stream}.{durable}" for verb in ("INFO", "CREATE", "DELETE")
                ]
    publish += [f"_INBOX_{producer}.>" for producer in PRODUCERS]
    return Permissions(Allow(tuple(publish)), Allow((f"_INBOX_{KEEPER}.>", f"{REBUILD_SUBJECT}.*")))
