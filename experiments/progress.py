"""Progress of a job's steps on stderr: bars on a terminal, plain lines elsewhere.

A step says how many units it will do and advances them; what is left is estimated from the
units done so far. Results go to stdout, never here.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LINE_EVERY_S = 5.0
"""Without a terminal, a step that lasts prints a line about this often."""


@dataclass(slots=True)
class StepClock:
    """Seconds of the step under way and what its rate so far leaves."""

    clock: Callable[[], float] = time.monotonic
    step: str = ""
    total: float = 1.0
    began_s: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)

    def begin(self, step: str) -> None:
        """Start the clock of a step of one unit."""
        self.step, self.total, self.began_s = step, 1.0, self.clock()

    def end(self) -> float:
        """Stop it; seconds of the step. A step entered twice adds up."""
        spent_s = self.clock() - self.began_s
        self.seconds[self.step] = self.seconds.get(self.step, 0.0) + spent_s
        return spent_s

    def left_s(self, done: float) -> float:
        """Seconds left at the rate so far; NaN while nothing is done."""
        if done <= 0.0:
            return float("nan")
        return (self.clock() - self.began_s) * max(self.total - done, 0.0) / done


class PlainProgress:
    """Lines for a log: when a step starts or ends, and now and then between."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self.timer = StepClock(clock)
        self._stream = stream
        self._printed_s = 0.0

    def begin(self, step: str, doing: str) -> None:
        """Say what starts."""
        self.timer.begin(step)
        self._printed_s = self.timer.began_s
        self._line(step, doing)

    def expect(self, total: float) -> None:
        """The step under way has so many units, now that it knows."""
        self.timer.total = max(total, 1e-9)

    def advance(self, done: float, note: str = "") -> None:
        """Say how far it is, at most every few seconds."""
        now_s = self.timer.clock()
        if now_s - self._printed_s < LINE_EVERY_S:
            return
        self._printed_s = now_s
        share = min(done / self.timer.total, 1.0)
        left = duration_text(self.timer.left_s(done))
        self._line(self.timer.step, f"{share:4.0%}  {left} left  {note}".rstrip())

    def end(self, result: str = "") -> None:
        """Say what came out and how long it took."""
        step = self.timer.step
        self._line(step, f"done in {self.timer.end():.1f} s  {result}".rstrip())

    def say(self, line: str) -> None:
        """Print a line."""
        print(line, file=self._stream, flush=True)

    def _line(self, step: str, text: str) -> None:
        print(f"{step:<10} {text}", file=self._stream, flush=True)


class BarProgress:
    """A bar for the step under way and a line for each step that is done."""

    def __init__(self, display: Progress) -> None:
        self.timer = StepClock()
        self._display = display
        self._task: TaskID | None = None

    def begin(self, step: str, doing: str) -> None:
        """Show the step's bar."""
        self.timer.begin(step)
        self._task = self._display.add_task(
            f"{step:<10}", total=self.timer.total, note=doing, left="   …"
        )

    def expect(self, total: float) -> None:
        """The step under way has so many units, now that it knows."""
        self.timer.total = max(total, 1e-9)
        if self._task is not None:
            self._display.update(self._task, total=self.timer.total)

    def advance(self, done: float, note: str = "") -> None:
        """Move the bar."""
        if self._task is None:
            return
        left = duration_text(self.timer.left_s(done))
        fields: dict[str, Any] = {"note": note} if note else {}
        self._display.update(self._task, completed=done, left=left, **fields)

    def end(self, result: str = "") -> None:
        """Replace the bar by a line."""
        if self._task is not None:
            self._display.remove_task(self._task)
            self._task = None
        spent_s = self.timer.end()
        self._display.console.print(
            f"[green]✓[/green] {self.timer.step:<10} [dim]{spent_s:5.1f} s[/dim]  {result}",
            highlight=False,
        )

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        self._display.console.print(line, highlight=False, markup=False)


class SilentProgress:
    """No display; the seconds are still kept. For tests and for callers in Python."""

    def __init__(self) -> None:
        self.timer = StepClock()

    def begin(self, step: str, doing: str) -> None:
        """Start the step's clock."""
        self.timer.begin(step)

    def expect(self, total: float) -> None:
        """Nothing to show."""

    def advance(self, done: float, note: str = "") -> None:
        """Nothing to show."""

    def end(self, result: str = "") -> None:
        """Stop the step's clock."""
        self.timer.end()

    def say(self, line: str) -> None:
        """Nothing to show."""


AnyProgress = PlainProgress | BarProgress | SilentProgress


@contextmanager
def show_progress(stream: TextIO | None = None) -> Iterator[PlainProgress | BarProgress]:
    """The display that fits where stderr goes."""
    stream = sys.stderr if stream is None else stream
    if not stream.isatty():
        yield PlainProgress(stream)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("  {task.description}"),
        BarColumn(bar_width=28),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[left]:>7} left"),
        TextColumn("[dim]{task.fields[note]}[/dim]"),
    )
    with Progress(*columns, console=Console(file=stream), transient=True) as display:
        yield BarProgress(display)


def duration_text(seconds: float) -> str:
    """`12 s`, `3 min 05 s`, `2 h 10 min`; `…` where it is not known."""
    if not seconds < float("inf"):
        return "…"
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    if whole < 6000:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
