"""One place of a bulkhead, held by code that is no function."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from hms.agents.healing.clock import Sleeper

if TYPE_CHECKING:
    from asyncio import Future


class Entrance(Protocol):
    """Where places are taken and given back."""

    def enter(self, sleeper: Sleeper) -> None:
        """Take one, in this thread."""
        ...

    async def enter_async(self) -> None:
        """Take one, in this task."""
        ...

    def leave(self) -> None:
        """Give one back."""
        ...


class Place:
    """One place of a bulkhead, for `with` and `async with`, or taken and released by hand."""

    __slots__ = ("_held", "_places", "_sleeper")

    def __init__(self, places: Entrance, sleeper: Sleeper) -> None:
        """Not taken yet."""
        self._places = places
        self._sleeper = sleeper
        self._held: list[None] = []  # `pop` is atomic: of two releases one is refused

    def take(self) -> Self:
        """Take it; see `Bulkhead.enter`.

        Raises:
            BulkheadFull: there was none.
        """
        self._places.enter(self._sleeper)
        self._held.append(None)
        return self

    def release(self) -> None:
        """Give it back.

        Raises:
            ValueError: it was given back before, or never taken.
        """
        try:
            self._held.pop()
        except IndexError:
            raise ValueError("a place is given back once, after it was taken") from None
        self._places.leave()

    def __enter__(self) -> Self:
        """Take it."""
        return self.take()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give it back."""
        self.release()

    async def __aenter__(self) -> Self:
        """Take it, waiting as a task."""
        await self._places.enter_async()
        self._held.append(None)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give it back."""
        self.release()


def set_once(future: Future[None]) -> None:
    """Wake a task, unless it was cancelled meanwhile."""
    if not future.done():
        future.set_result(None)
