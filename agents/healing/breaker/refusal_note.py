"""Whether a request met a breaker that refused: its failure is then the dependency's (2.4).

Whoever answers requests lays out a note for each; the breaker that refuses a call writes on the one
it finds. A note is found from child tasks and worker threads, too: they get a copy of the context,
and in it the same note.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from hms.errors import BreakerOpen

CHAIN_MOST = 16  # errors that led to one another


class RefusalNote:
    """One request's note."""

    __slots__ = ("was_refused",)

    def __init__(self) -> None:
        """Nothing was refused yet."""
        self.was_refused = False


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


def note_refusal() -> None:
    """A call was refused, on behalf of the request under way here, if any."""
    note = _PRESENT.get()
    if note is not None:
        note.was_refused = True


def came_of_refusal(error: BaseException) -> bool:
    """Whether a breaker's refusal led to this error."""
    found: BaseException | None = error
    for _ in range(CHAIN_MOST):
        if found is None or isinstance(found, BreakerOpen):
            return found is not None
        found = found.__cause__ or found.__context__
    return False
