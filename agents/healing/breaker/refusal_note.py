"""Whether a request failed for a dependency that is cut off: the illness is then its (2.4).

Whoever answers requests lays out a note for each; a breaker that refuses a call, or sees one
fail, writes on the one it finds. A note is found from child tasks and worker threads, too: they
get a copy of the context, and in it the same note.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from hms.errors import BreakerOpen

CHAIN_MOST = 16  # errors that led to one another


class Guarding(Protocol):
    """What is asked of the breaker of a call that failed."""

    @property
    def has_tripped(self) -> bool:
        """Whether it is open, or probing."""
        ...


class RefusalNote:
    """One request's note."""

    __slots__ = ("_failed", "_was_refused")

    def __init__(self) -> None:
        """Nothing was refused yet."""
        self._was_refused = False
        self._failed: tuple[Guarding, ...] = ()

    def add(self, breaker: Guarding | None) -> None:
        """A call was refused; or one failed that this breaker guards."""
        if breaker is None:
            self._was_refused = True
        elif breaker not in self._failed and len(self._failed) < CHAIN_MOST:
            self._failed = (*self._failed, breaker)

    def excuses(self, error: BaseException | None = None) -> bool:
        """Whether a failure of the request says nothing of the component."""
        return (
            self._was_refused
            or any(each.has_tripped for each in self._failed)
            or (error is not None and came_of_refusal(error))
        )


_PRESENT: ContextVar[RefusalNote | None] = ContextVar("hms request", default=None)


@contextmanager
def note_of_request() -> Iterator[RefusalNote]:
    """Around the work on one request, within one task or thread."""
    note = RefusalNote()
    token = _PRESENT.set(note)
    try:
        yield note
    finally:
        _PRESENT.reset(token)


def note_refusal(failed_at: Guarding | None = None) -> None:
    """A call of the request under way here, if any, was refused; or it failed at this breaker."""
    note = _PRESENT.get()
    if note is not None:
        note.add(failed_at)


def came_of_refusal(error: BaseException) -> bool:
    """Whether a breaker's refusal led to this error."""
    found: BaseException | None = error
    for _ in range(CHAIN_MOST):
        if found is None or isinstance(found, BreakerOpen):
            return found is not None
        found = found.__cause__ or found.__context__
    return False
