"""Ctrl-C and SIGTERM: both end a run in order, with exit codes 130 and 143."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

CTRL_C_CODE = 130
SIGTERM_CODE = 143


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived. What cleans up after Ctrl-C cleans up after it, too."""


def exit_code(stop: KeyboardInterrupt) -> int:
    """The process' exit code after this interruption."""
    return SIGTERM_CODE if isinstance(stop, Terminated) else CTRL_C_CODE


def raise_terminated(signum: int, frame: FrameType | None) -> None:
    """A signal handler: turn SIGTERM into an exception of the main thread."""
    raise Terminated


@contextmanager
def terminable() -> Iterator[None]:
    """Meanwhile, SIGTERM raises `Terminated` in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, raise_terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def uninterrupted() -> Iterator[list[int]]:
    """Meanwhile, Ctrl-C and SIGTERM are only noted: cleaning up takes a second or two.

    Yields:
        The signals that arrived, in order.
    """
    arrived: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield arrived
        return

    def note(signum: int, frame: FrameType | None) -> None:
        arrived.append(signum)

    before: dict[int, Any] = {
        number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield arrived
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def delayed() -> Iterator[None]:
    """Meanwhile, Ctrl-C and SIGTERM wait; the first that came is sent again at the end.

    For short work that must not stop in the middle: a database transaction left open by an
    exception locks the next one out.
    """
    with uninterrupted() as arrived:
        yield
    if arrived:
        signal.raise_signal(arrived[0])  # to whoever listens there: it may be noted again
