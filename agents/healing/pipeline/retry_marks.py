"""Errors whose retries are over, so that a retry around them does not start anew.

Three attempts within three would be nine calls. A mark is a number that rises through the
process: an error object that is raised again in a later call is no longer marked for it.
"""

from __future__ import annotations

import itertools

MARK = "_hms_retries_exhausted"
CAUSES_FOLLOWED = 10


class Marks:
    """The number of the last exhausted retry in this process."""

    __slots__ = ("_next", "last")

    def __init__(self) -> None:
        """None yet."""
        self._next = itertools.count(1).__next__
        self.last = 0

    def set_on(self, error: BaseException) -> None:
        """The retries for this error are over, for every layer around."""
        self.last = error.__dict__[MARK] = self._next()

    def newer(self, error: BaseException, before: int) -> bool:
        """Whether it, or what caused it, was marked since."""
        cause: BaseException | None = error
        for _ in range(CAUSES_FOLLOWED):
            if cause is None:
                return False
            if cause.__dict__.get(MARK, 0) > before:
                return True
            cause = cause.__cause__
        return False


MARKS = Marks()
