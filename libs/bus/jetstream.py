"""The JetStream API as we use it: requests with deadlines, answers as Structs, refusals as typed errors.

nats-py's own manager fills configs with defaults we did not ask for and hides unknown fields of answers; here
what is asked and what is returned can be compared field by field.
"""

import asyncio
from typing import Any

import msgspec
from nats.aio.client import Client
from nats.errors import NoRespondersError

REQUEST_TIMEOUT_SECONDS = 5.0
# err_code values of nats-server (server/errors.json)
STREAM_NOT_FOUND = 10059
CONSUMER_NOT_FOUND = 10014
MESSAGE_NOT_FOUND = 10037
MESSAGE_NOT_DELETED = 10057


class ApiError(Exception):
    """JetStream refused a request; `err_code` is the server's number, `description` its own short text."""

    def __init__(self, err_code: int, description: str = "") -> None:
        super().__init__(f"{err_code} {description}".strip())
        self.err_code = err_code
        self.description = description


class NotFound(ApiError):
    """The stream, consumer or message does not exist."""


class NoAnswer(ApiError):
    """JetStream is not running, or does not answer us in time (which also means: no permission)."""


class _Error(msgspec.Struct, frozen=True):
    code: int = 0
    err_code: int = 0
    description: str = ""


class StreamState(msgspec.Struct, frozen=True, kw_only=True):
    """What a stream holds now; `deleted` counts the holes between the first and the last sequence."""

    messages: int = 0
    bytes: int = 0
    first_seq: int = 0
    last_seq: int = 0
    deleted: int = msgspec.field(name="num_deleted", default=0)
    consumers: int = msgspec.field(name="consumer_count", default=0)


class StreamInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A stream as the server describes it; `created` is the server's own text with nanoseconds."""

    config: dict[str, Any]
    created: str
    state: StreamState


class ConsumerPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A place of a consumer in its stream; `consumer_seq` counts its deliveries."""

    stream_seq: int = 0
    consumer_seq: int = 0


class ConsumerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A durable consumer as the server describes it: delivered up to, and acknowledged without a gap up to."""

    config: dict[str, Any]
    created: str
    delivered: ConsumerPlace = ConsumerPlace()
    ack_floor: ConsumerPlace = ConsumerPlace()
    num_pending: int = 0
    num_ack_pending: int = 0


class StoredMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it lies in a stream; `hdrs` is its header block."""

    seq: int
    subject: str
    hdrs: bytes = b""
    data: bytes = b""


class _Names(msgspec.Struct, frozen=True):
    total: int = 0
    streams: tuple[str, ...] | None = None


class _MessageAnswer(msgspec.Struct, frozen=True):
    message: StoredMessage


class _Answer(msgspec.Struct, frozen=True):
    error: _Error | None = None


_error = msgspec.json.Decoder(_Answer)
_stream_info = msgspec.json.Decoder(StreamInfo)
_consumer_info = msgspec.json.Decoder(ConsumerInfo)
_names = msgspec.json.Decoder(_Names)
_message = msgspec.json.Decoder(_MessageAnswer)
_encode = msgspec.json.Encoder().encode


async def request(client: Client, subject: str, body: Any = None) -> bytes:
    """Ask `$JS.API.<subject>` and return the raw answer. Raises NotFound, NoAnswer or ApiError."""
    payload = b"" if body is None else _encode(body)
    try:
        answer = await client.request(f"$JS.API.{subject}", payload, timeout=REQUEST_TIMEOUT_SECONDS)
    except TimeoutError:
        raise NoAnswer(0, "no answer in time") from None
    except NoRespondersError:
        raise NoAnswer(503, "no responders") from None
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        # Python 3.11's wait_for, inside nats-py, swallows a cancellation that comes together with the answer.
        raise asyncio.CancelledError
    error = _error.decode(answer.data).error
    if error is None:
        return answer.data
    if error.err_code in (STREAM_NOT_FOUND, CONSUMER_NOT_FOUND, MESSAGE_NOT_FOUND):
        raise NotFound(error.err_code, error.description)
    raise ApiError(error.err_code or error.code, error.description)


async def stream_info(client: Client, stream: str) -> StreamInfo:
    """The stream's config and state. Raises as `request` does."""
    return _stream_info.decode(await request(client, f"STREAM.INFO.{stream}"))


async def create_stream(client: Client, config: dict[str, Any]) -> StreamInfo:
    """Create the stream. Raises ApiError when it exists with another config."""
    return _stream_info.decode(await request(client, f"STREAM.CREATE.{config['name']}", config))


async def update_stream(client: Client, config: dict[str, Any]) -> StreamInfo:
    """Change the stream's config. Raises ApiError for what cannot be changed."""
    return _stream_info.decode(await request(client, f"STREAM.UPDATE.{config['name']}", config))


async def delete_stream(client: Client, stream: str) -> None:
    """Delete the stream, its messages and its consumers."""
    await request(client, f"STREAM.DELETE.{stream}")


async def stream_names(client: Client) -> list[str]:
    """The names of all streams of the account."""
    names: list[str] = []
    while True:
        found = _names.decode(await request(client, "STREAM.NAMES", {"offset": len(names)}))
        names += found.streams or ()
        if not found.streams or len(names) >= found.total:
            return names


async def purge_below(client: Client, stream: str, sequence: int) -> None:
    """Delete the messages before `sequence`."""
    await request(client, f"STREAM.PURGE.{stream}", {"seq": sequence})


async def get_message(client: Client, stream: str, sequence: int) -> StoredMessage:
    """The message at `sequence`. Raises NotFound when it is not there."""
    return _message.decode(await request(client, f"STREAM.MSG.GET.{stream}", {"seq": sequence})).message


async def erase_message(client: Client, stream: str, sequence: int) -> None:
    """Delete a message and overwrite what it said. Raises NotFound when it is not there."""
    try:
        await request(client, f"STREAM.MSG.DELETE.{stream}", {"seq": sequence, "no_erase": False})
    except ApiError as error:
        if error.err_code == MESSAGE_NOT_DELETED:
            raise NotFound(error.err_code, error.description) from None
        raise


async def consumer_info(client: Client, stream: str, name: str) -> ConsumerInfo:
    """The durable's config and state. Raises as `request` does."""
    return _consumer_info.decode(await request(client, f"CONSUMER.INFO.{stream}.{name}"))


async def write_consumer(client: Client, stream: str, config: dict[str, Any], *, action: str) -> ConsumerInfo:
    """Create or update (`action`) a consumer. Raises ApiError for what cannot be changed."""
    body = {"stream_name": stream, "config": config, "action": action}
    subject = f"CONSUMER.CREATE.{stream}.{config['name']}"
    return _consumer_info.decode(await request(client, subject, body))


async def delete_consumer(client: Client, stream: str, name: str) -> None:
    """Delete the durable with its position."""
    await request(client, f"CONSUMER.DELETE.{stream}.{name}")
