"""How one definition of an operation serves both clients, with the types of each.

class Endpoints(Resource[M]):
    @operation
    def delete(self, endpoint_id: str) -> Steps[None]: ...

client.webhooks.delete(…) blocks and returns None; async_client.webhooks.delete(…) is awaited.
"""

from collections.abc import Callable, Coroutine
from functools import update_wrapper
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from mot_cua.effects import Steps
from mot_cua.session import Session

P = ParamSpec("P")
T = TypeVar("T")


class Blocking:
    """Marks what belongs to `Client`."""


class Awaiting:
    """Marks what belongs to `AsyncClient`."""


M = TypeVar("M", Blocking, Awaiting)


class Resource(Generic[M]):
    """A group of operations of one client; `perform` does their steps."""

    def __init__(self, session: Session, perform: Callable[[Steps[Any]], Any]) -> None:
        self.session = session
        self.perform = perform


class operation(Generic[P, T]):  # noqa: N801 - a decorator
    """Makes of steps a method that performs them."""

    def __init__(self, steps: Callable[Concatenate[Any, P], Steps[T]]) -> None:
        self._steps = steps
        update_wrapper(self, steps)  # type: ignore[arg-type]

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Resource[Blocking], owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, instance: Resource[Awaiting], owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, instance: Resource[Any] | None, owner: type) -> Any:
        """The method of a resource, doing or to be awaited as its client is."""
        if instance is None:
            return self

        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return instance.perform(self._steps(instance, *args, **kwargs))

        return update_wrapper(call, self._steps)
