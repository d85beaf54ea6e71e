"""Progress: what is left, how long a step took, plain lines where there is no terminal."""

import io
import math

from hms.experiments.progress import (
    BarProgress,
    PlainProgress,
    StepClock,
    duration_text,
    show_progress,
)


class Clock:
    """A clock that goes when told."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_time_left_follows_the_rate_so_far() -> None:
    clock = Clock()
    timer = StepClock(clock)
    timer.begin("evolve")
    timer.total = 1000.0
    assert math.isnan(timer.left_s(0.0))
    clock.now_s += 10.0
    assert timer.left_s(250.0) == 30.0
    assert timer.left_s(1000.0) == 0.0


def test_seconds_of_a_step_add_up() -> None:
    clock = Clock()
    timer = StepClock(clock)
    for seconds in (2.0, 3.0):
        timer.begin("write")
        clock.now_s += seconds
        timer.end()
    assert timer.seconds == {"write": 5.0}


def test_a_log_gets_a_line_at_start_and_end_and_few_between() -> None:
    clock, stream = Clock(), io.StringIO()
    progress = PlainProgress(stream, clock)
    progress.begin("evolve", "searching")
    progress.expect(100.0)
    for done in range(1, 101):
        clock.now_s += 0.1
        progress.advance(done, f"generation {done}")
    progress.end("100 incidents")
    lines = stream.getvalue().splitlines()
    assert lines[0] == "evolve     searching"
    assert lines[-1] == "evolve     done in 10.0 s  100 incidents"
    between = lines[1:-1]
    assert 1 <= len(between) <= 2
    assert "s left  generation" in between[0]


def test_without_a_terminal_there_are_no_bars() -> None:
    with show_progress(io.StringIO()) as progress:
        assert isinstance(progress, PlainProgress)


def test_a_terminal_gets_a_bar_and_a_line_for_each_finished_step() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    with show_progress(stream) as progress:
        assert isinstance(progress, BarProgress)
        progress.begin("choose", "looking at finalists")
        progress.expect(4.0)
        progress.advance(2.0, "validation")
        progress.say("a remark")
        progress.end("finalist 3")
    shown = stream.getvalue()
    assert "choose" in shown
    assert "finalist 3" in shown
    assert "a remark" in shown
    assert list(progress.timer.seconds) == ["choose"]


def test_durations_read_like_durations() -> None:
    told = [duration_text(seconds) for seconds in (0.4, 59.6, 125.0, 7800.0, math.nan)]
    assert told == ["0 s", "60 s", "2 min 05 s", "2 h 10 min", "…"]
