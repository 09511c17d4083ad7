"""The thin shell: the effects of the client's steps done with httpx, blocking or awaiting. No logic lives here."""

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, TypeVar

import httpx

from mot_cua.effects import Close, Effect, Load, Open, Pause, Receive, Request, Response, Save, Send, Steps
from mot_cua.errors import Unreachable

T = TypeVar("T")
CONNECT_SECONDS_MAX = 10.0
# What httpx raises while a connection is made: nothing was sent then.
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class BlockingPerformer:
    """Does steps with an httpx.Client."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def perform(self, steps: Steps[T]) -> T:
        """What the steps return. Raises what they raise."""
        try:
            effect = next(steps)
            while True:
                try:
                    done = self._do(effect)
                except (httpx.HTTPError, httpx.StreamError) as error:
                    effect = steps.throw(_unreachable(error))
                else:
                    effect = steps.send(done)
        except StopIteration as end:
            value: T = end.value
            return value
        finally:
            steps.close()

    def _do(self, effect: Effect) -> Any:
        match effect:
            case Send(request):
                return _response(self._http.send(_build(self._http, request)))
            case Open(request):
                answer = self._http.send(_build(self._http, request), stream=True)
                if answer.status_code >= 400:
                    answer.read()
                    answer.close()
                    return _response(answer)
                return _head(answer, answer.iter_bytes())
            case Receive(stream):
                return next(stream[1], b"")
            case Close(stream):
                return stream[0].close()
            case Pause(seconds):
                return time.sleep(seconds)
            case Load(store):
                return store.load()
            case Save(store, cursor):
                return store.save(cursor)


class AwaitingPerformer:
    """Does steps with an httpx.AsyncClient."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def perform(self, steps: Steps[T]) -> T:
        """What the steps return. Raises what they raise."""
        try:
            effect = next(steps)
            while True:
                try:
                    done = await self._do(effect)
                except (httpx.HTTPError, httpx.StreamError) as error:
                    effect = steps.throw(_unreachable(error))
                else:
                    effect = steps.send(done)
        except StopIteration as end:
            value: T = end.value
            return value
        finally:
            steps.close()

    async def _do(self, effect: Effect) -> Any:
        match effect:
            case Send(request):
                return _response(await self._http.send(_build(self._http, request)))
            case Open(request):
                answer = await self._http.send(_build(self._http, request), stream=True)
                if answer.status_code >= 400:
                    await answer.aread()
                    await answer.aclose()
                    return _response(answer)
                return _head(answer, answer.aiter_bytes())
            case Receive(stream):
                return await anext(stream[1], b"")
            case Close(stream):
                return await stream[0].aclose()
            case Pause(seconds):
                return await asyncio.sleep(seconds)
            case Load(store):
                return await _awaited(store.load)
            case Save(store, cursor):
                return await _awaited(store.save, cursor)


async def _awaited(method: Any, *arguments: Any) -> Any:
    """A store of either kind: one that blocks does so in a thread, and delays no other task."""
    if inspect.iscoroutinefunction(method):
        return await method(*arguments)
    return await asyncio.to_thread(method, *arguments)


def _build(http: httpx.Client | httpx.AsyncClient, request: Request) -> httpx.Request:
    return http.build_request(
        request.method,
        request.url,
        headers=dict(request.headers),
        content=request.content or None,
        timeout=httpx.Timeout(request.timeout_seconds, connect=CONNECT_SECONDS_MAX),
    )


def _response(answer: httpx.Response) -> Response:
    return Response(status=answer.status_code, headers=_lowered(answer), content=answer.content)


def _head(answer: httpx.Response, body: Iterator[bytes] | AsyncIterator[bytes]) -> Response:
    return Response(status=answer.status_code, headers=_lowered(answer), stream=(answer, body))


def _lowered(answer: httpx.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}


def _unreachable(error: Exception) -> Unreachable:
    failure = Unreachable(f"{type(error).__name__}: {error}", sent=not isinstance(error, _UNSENT))
    failure.__cause__ = error
    return failure
