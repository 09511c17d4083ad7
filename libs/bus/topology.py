"""Streams and durable consumers, derived from FLOWS, and how the server is brought to have exactly them."""

import contextlib
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from nats.aio.client import Client

from libs.bus import jetstream
from libs.contracts.catalogue import PRODUCERS, SERVICES, sources_of

_SECOND_NS = 1_000_000_000
# The events are below a kilobyte; documents never travel here. nats-server's max_payload is the same.
MESSAGE_BYTES_MAX = 256 * 1024
# Long enough for a relay that repeats a batch after a reconnect; the server keeps this many ids in memory.
DUPLICATE_WINDOW_SECONDS = 120
# A frozen consumer's messages go to another one after this.
ACK_WAIT_SECONDS = 30
# Messages given back with a delay keep their slot: a thousand events that wait must not stop the others.
ACK_PENDING_MAX = 4096
# Pull requests of all replicas that the server keeps at once; its own default.
PULLS_WAITING_MAX = 512
NAME_CHARACTERS_MAX = 32
# The field of a durable's config that only an operator's own call changes.
_PAUSE = "pause_until"
# nats-server 2.12: atomic batches. Below 2.11 unknown config keys are swallowed silently.
API_LEVEL_MIN = 2


class TopologySettings(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between installations."""

    replicas: int = 1
    # Some four million events per stream; then it refuses more (discard new) and the relay waits. The sum over
    # all streams must fit into the server's max_file_store, which they reserve.
    stream_bytes_max: int = 4 * 1024**3


class TopologyRefused(Exception):
    """The server has something else than we ask for, and it cannot be changed without loss.

    `passes` says that all of it ends by itself: nothing differs but that durables are paused. `settings` are the names
    of what differs, `err_code` is the server's number for why.
    """

    def __init__(
        self,
        differences: Sequence[str],
        *,
        settings: Sequence[str] = (),
        err_code: int = 0,
        passes: bool = False,
    ) -> None:
        super().__init__("; ".join(differences))
        self.differences = tuple(differences)
        self.settings = tuple(settings)
        self.err_code = err_code
        self.passes = passes


class Durable(msgspec.Struct, frozen=True, kw_only=True):
    """One consumer service's place in one producer's stream."""

    stream: str
    name: str
    config: Mapping[str, Any]


class StreamPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One producer's stream with the durables on it."""

    name: str
    config: Mapping[str, Any]
    durables: tuple[Durable, ...]


def stream_of(producer: str) -> str:
    """The name of a producer's stream: `intake` → `INTAKE`."""
    return producer.upper()


def durable_of(consumer: str, producer: str) -> str:
    """The name of a consumer's durable on a producer's stream: `routing-intake`."""
    name = f"{consumer}-{producer}"
    if len(name) > NAME_CHARACTERS_MAX:
        raise ValueError(f"durable {name} is longer than {NAME_CHARACTERS_MAX} characters")
    return name


DEFAULTS = TopologySettings()


def plan(settings: TopologySettings = DEFAULTS) -> tuple[StreamPlan, ...]:
    """Every stream and durable the flows need."""
    return tuple(
        StreamPlan(
            name=stream_of(producer),
            config=_stream_config(producer, settings),
            durables=tuple(
                Durable(
                    stream=stream_of(producer),
                    name=durable_of(consumer, producer),
                    config=_durable_config(consumer, producer),
                )
                for consumer in SERVICES
                if producer in sources_of(consumer)
            ),
        )
        for producer in PRODUCERS
    )


def _stream_config(producer: str, settings: TopologySettings) -> dict[str, Any]:
    return {
        "name": stream_of(producer),
        "description": f"what {producer} says; refilled from its outbox",
        "subjects": [f"{producer}.>"],
        "storage": "file",
        "compression": "none",
        "retention": "limits",
        "discard": "new",
        "max_bytes": settings.stream_bytes_max,
        "max_msgs": -1,
        "max_msgs_per_subject": -1,
        "max_age": 0,
        "max_consumers": -1,
        "max_msg_size": MESSAGE_BYTES_MAX,
        "duplicate_window": DUPLICATE_WINDOW_SECONDS * _SECOND_NS,
        "num_replicas": settings.replicas,
        "deny_delete": True,
        "deny_purge": True,
        "allow_rollup_hdrs": False,
        "allow_direct": True,
        "allow_atomic": True,
    }


def _durable_config(consumer: str, producer: str) -> dict[str, Any]:
    return {
        "name": durable_of(consumer, producer),
        "durable_name": durable_of(consumer, producer),
        "description": f"{consumer} hears all of {producer}, so that a missing sequence is a real gap",
        "ack_policy": "explicit",
        "ack_wait": ACK_WAIT_SECONDS * _SECOND_NS,
        "deliver_policy": "all",
        "replay_policy": "instant",
        "max_deliver": -1,
        "max_ack_pending": ACK_PENDING_MAX,
        "max_waiting": PULLS_WAITING_MAX,
        # 0: as many as the stream has.
        "num_replicas": 0,
    }


def differences(asked: Mapping[str, Any], returned: Mapping[str, Any]) -> list[str]:
    """The fields in which the server's config is not what was asked for, as `field: has X, asked Y`.

    A field nobody asked for differs unless it says nothing: a filter somebody set would keep events from a consumer,
    and so would a pause.
    """
    found = [
        f"{field}: has {returned.get(field)!r}, asked {value!r}"
        for field, value in asked.items()
        # The server leaves out fields that are false, zero or empty.
        if returned.get(field, _zero(value)) != value
    ]
    return found + [
        f"{field}: has {value!r}, not asked for"
        for field, value in returned.items()
        if field not in asked and _says_something(field, value)
    ]


def _zero(value: Any) -> Any:
    return type(value)()


def _says_something(field: str, value: Any) -> bool:
    if field == "metadata":
        # The server notes its version there.
        return any(not name.startswith("_nats.") for name in value or {})
    if field == _PAUSE and value:
        # The server keeps the end of a pause that is over.
        return datetime.fromisoformat(value) > datetime.now(UTC)
    return bool(value)


async def reconcile(client: Client, settings: TopologySettings = DEFAULTS) -> list[str]:
    """Create what is missing, update what differs, and return what was done, one line each.

    Raises TopologyRefused when something exists that cannot be changed to what we ask for (nothing is deleted
    for it), or when the server returns another config than it was asked for. Raises jetstream.NoAnswer while
    JetStream is not there.
    """
    return await _each(reconcile_stream(client, stream) for stream in plan(settings))


async def reconcile_stream(client: Client, stream: StreamPlan) -> list[str]:
    """The same for one stream and its durables."""
    done = await _bring(
        f"stream {stream.name}",
        stream.config,
        info=lambda: jetstream.stream_info(client, stream.name),
        create=lambda: jetstream.create_stream(client, dict(stream.config)),
        update=lambda: jetstream.update_stream(client, dict(stream.config)),
    )
    return done + await _each(_bring_durable(client, durable) for durable in stream.durables)


async def _each(steps: Iterable[Awaitable[list[str]]]) -> list[str]:
    """Do them all, and only then raise what was refused: one durable must not keep the next from being made."""
    done: list[str] = []
    refused: list[TopologyRefused] = []
    for step in steps:
        try:
            done += await step
        except TopologyRefused as error:
            refused.append(error)
    if refused:
        raise TopologyRefused(
            [difference for error in refused for difference in error.differences],
            settings=[name for error in refused for name in error.settings],
            err_code=next((error.err_code for error in refused if error.err_code), 0),
            passes=all(error.passes for error in refused),
        )
    return done


async def forget_durables(client: Client, consumer: str) -> list[str]:
    """Delete every durable of a consuming service, and return what was deleted, one line each.

    The keeper makes them anew, and they begin with the first message. Raises as jetstream.request does.
    """
    done: list[str] = []
    for durable in (durable for stream in plan() for durable in stream.durables):
        if durable.name == durable_of(consumer, durable.stream.lower()):
            with contextlib.suppress(jetstream.NotFound):
                await jetstream.delete_consumer(client, durable.stream, durable.name)
                done.append(f"durable {durable.stream}/{durable.name}: deleted")
    return done


async def _bring_durable(client: Client, durable: Durable) -> list[str]:
    config = dict(durable.config)
    return await _bring(
        f"durable {durable.stream}/{durable.name}",
        config,
        info=lambda: jetstream.consumer_info(client, durable.stream, durable.name),
        create=lambda: jetstream.write_consumer(client, durable.stream, config, action="create"),
        update=lambda: jetstream.write_consumer(client, durable.stream, config, action="update"),
    )


async def _bring(what: str, asked: Mapping[str, Any], *, info: Any, create: Any, update: Any) -> list[str]:
    done: list[str] = []
    try:
        found = await info()
    except jetstream.NotFound:
        try:
            found = await create()
        except jetstream.NoAnswer:
            raise
        except jetstream.ApiError as error:
            raise TopologyRefused([f"{what}: cannot be created ({error})"], err_code=error.err_code) from None
        done.append(f"{what}: created")
    else:
        wrong = differences(asked, found.config)
        if wrong:
            try:
                found = await update()
            except jetstream.NoAnswer:
                raise
            except jetstream.ApiError as error:
                raise TopologyRefused(
                    [f"{what}: {', '.join(wrong)}; cannot be changed ({error})"],
                    settings=_names(wrong),
                    err_code=error.err_code,
                ) from None
            done.append(f"{what}: updated ({', '.join(wrong)})")
    wrong = differences(asked, found.config)
    if wrong:
        names = _names(wrong)
        raise TopologyRefused(
            [f"{what}: the server keeps {', '.join(wrong)}"], settings=names, passes=set(names) == {_PAUSE}
        )
    return done


def _names(wrong: Sequence[str]) -> list[str]:
    """The names of the settings in what `differences` found."""
    return [difference.partition(":")[0] for difference in wrong]
