"""Plain functions: what a worker, a consumer or a command line does for those who ask it.

    @answers(healing)               # a function, a coroutine function, or a generator of either
    def on_message(message): ...

Its calls are the component's traffic: their time, errors and number go into the reports. To
protect the calls that it makes itself, `healing.guard("db")` is the decorator.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from hms.agents.healing.adapters.traffic import traffic_of

if TYPE_CHECKING:
    from hms.agents.healing.standalone import StandaloneSelfHealing

P = ParamSpec("P")
R = TypeVar("R")


def answers(healing: StandaloneSelfHealing) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator for what answers requests; it changes neither values nor errors."""
    traffic = traffic_of(healing)

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        kinds: tuple[tuple[Callable[[Any], bool], Callable[[Any], Any]], ...] = (
            (inspect.iscoroutinefunction, asynchronous),
            (inspect.isgeneratorfunction, generator),
            (inspect.isasyncgenfunction, asynchronous_generator),
        )
        for is_one, wrapped in kinds:
            if is_one(function):
                return cast(Callable[P, R], wrapped(function))
        return cast(Callable[P, R], plain(function))

    def plain(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def answering(*args: Any, **kwargs: Any) -> Any:
            with traffic.request():
                return function(*args, **kwargs)

        return answering

    def asynchronous(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def answering(*args: Any, **kwargs: Any) -> Any:
            with traffic.request():
                return await function(*args, **kwargs)

        return answering

    def generator(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def answering(*args: Any, **kwargs: Any) -> Any:
            with traffic.request_of_generator():
                return (yield from function(*args, **kwargs))

        return answering

    def asynchronous_generator(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def answering(*args: Any, **kwargs: Any) -> Any:
            with traffic.request_of_generator():
                async for item in function(*args, **kwargs):
                    yield item

        return answering

    return decorate
