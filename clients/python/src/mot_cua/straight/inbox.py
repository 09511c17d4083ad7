"""Handing events in by NATS: stored at the server when it is acknowledged, answered in the partner's own stream."""

import asyncio
import time
from typing import Any
from uuid import UUID, uuid4

import msgspec

from mot_cua.errors import Unreachable
from mot_cua.event import Event
from mot_cua.retrying import Backoff
from mot_cua.saying import REFUSED, STRUCTURED, TAKEN, Outcome, said_of, written
from mot_cua.straight.connecting import FAILURES, Connected, log

ACKNOWLEDGE_SECONDS = 5.0
MESSAGE_BYTES_MAX = 256 * 1024
ANSWERS = {"gateway.event-taken.v1": TAKEN, "gateway.event-refused.v1": REFUSED}


class NatsInbox(Connected):
    """`async with NatsInbox(…) as inbox: event_id = await inbox.say(…)`. Tasks may share it.

    What the server has stored is judged in order and answered by an event in the partner's stream: read it with
    NatsFeed and `answer_in`. `patience_seconds` is also how long one event is tried to be handed in.
    """

    async def say(
        self,
        event_type: str,
        data: Any = None,
        *,
        dossier_id: str | UUID = "",
        event_id: str | None = None,
    ) -> str:
        """Have one event stored for the gateway: its id, by which its answer is known.

        The same id again is the same event and is answered again. Raises Unreachable when it was not acknowledged in
        all the patience - say it again -, ValueError for more than 256 KiB, CredentialsRefused.
        """
        said = said_of(event_type, data, dossier_id, event_id)
        content = msgspec.json.encode(written(self._connector.partner, said))
        if len(content) > MESSAGE_BYTES_MAX:
            raise ValueError("an event by NATS has 256 KiB at most; hand it in over HTTP")
        headers = {
            "Content-Type": STRUCTURED,
            # Of this call and not of the event: an event that is said again is to be answered again.
            "Nats-Msg-Id": str(uuid4()),
        }
        await self._publish(f"inbox.{self._connector.partner}.{event_type}", content, headers)
        return said.id

    async def _publish(self, subject: str, content: bytes, headers: dict[str, str]) -> None:
        backoff, began, sent = Backoff(), time.monotonic(), False
        while True:
            left = max(0.0, began + self._connector.patience_seconds - time.monotonic())
            try:
                context = (await self._connected(left)).jetstream()
                sent = True
                await context.publish(subject, content, timeout=ACKNOWLEDGE_SECONDS, headers=headers)
            except Unreachable as failure:
                raise Unreachable(f"not acknowledged: {failure}", sent=sent) from failure
            except FAILURES as failure:
                pause = backoff.pause()
                if time.monotonic() - began + pause > self._connector.patience_seconds:
                    raise Unreachable(f"not acknowledged: {failure!r}", sent=True) from failure
                log.warning("%r; handing in again in %.1f s", failure, pause)
                await asyncio.sleep(pause)
            else:
                return


def answer_in(event: Event) -> Outcome | None:
    """What an event of the stream tells of one that was handed in; None when it is no such answer.

    `Outcome.id` is the id that `say` gave; `refusal` is the Problem HTTP would have raised.
    """
    state = ANSWERS.get(event.type)
    if state is None or not isinstance(event.plain, dict):
        return None
    told: dict[str, Any] = event.plain
    problem = told.get("problem") if state == REFUSED else None
    refused = problem if isinstance(problem, dict) else {}
    status = refused.get("status")
    return Outcome(
        id=str(told.get("id", "")),
        state=state,
        status=200 if state == TAKEN else (status if isinstance(status, int) else 400),
        replayed=told.get("replayed") is True,
        result=told.get("result"),
        location=str(told.get("location", "")),
        problem=refused if state == REFUSED else None,
    )
