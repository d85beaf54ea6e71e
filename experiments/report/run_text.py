"""One simulated incident as text, to be read at three in the morning: what, how bad, who acted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hms.experiments.event_words import ACT, Event
from hms.experiments.fault_words import end_s, full_text
from hms.experiments.report.incident_text import examined, incident_lines
from hms.experiments.report.numbers import three_digits

if TYPE_CHECKING:
    from hms.experiments.single_run import Incident, Ran
    from hms.scenarios.model import Scenario
    from hms.scenarios.outcome import Outcome

LEVELS = "▁▂▃▄▅▆▇█"
COLUMNS = 60
MOST_EVENTS = 16
LABEL = 8


def run_lines(incident: Incident, ran: Ran) -> Iterator[str]:
    """The whole answer of `hms simulate`."""
    scenario, outcome = incident.scenario, ran.outcome
    yield heading(incident, ran)
    yield ""
    yield from fault_lines(scenario)
    yield ""
    yield from timeline_lines(scenario, outcome, ran.events)
    yield ""
    yield from verdict_lines(scenario, outcome)
    found = examined(scenario, outcome, ran.events)
    if found is not None:
        yield from incident_lines(found)
    yield ""
    yield from event_lines(ran.events)


def heading(incident: Incident, ran: Ran) -> str:
    """What was simulated, and how much of it is guessed."""
    load = ", ".join(f"{w.rate_rps:.3g} requests/s" for w in incident.scenario.workload)
    guessed = f"; {incident.guessed} quantities at midpoints" if incident.guessed else ""
    return (
        f"{incident.scenario.name} under {ran.policy}, {load},"
        f" {incident.scenario.horizon_s:.0f} s, seed {incident.seed}{guessed}"
    )


def fault_lines(scenario: Scenario) -> Iterator[str]:
    """Each fault with its start; a scenario without any says so."""
    if not scenario.faults:
        yield "no fault: this is the system at rest (`--fault crash:COMPONENT` adds one)"
    for fault in sorted(scenario.faults, key=lambda each: each.start_s):
        yield f"{fault.start_s:5.0f} s  {full_text(fault, scenario)}"


def timeline_lines(
    scenario: Scenario, outcome: Outcome, events: Sequence[Event]
) -> Iterator[str]:
    """Share of good answers over time, with faults and acts below it."""
    step_s = max(1.0, np.ceil(scenario.horizon_s / COLUMNS))
    width = int(np.ceil(scenario.horizon_s / step_s))
    line = outcome.timeline
    yield f"{'good':<{LABEL}}{bars(line['good_rps'], line['bad_rps'], int(step_s))}"
    if scenario.faults:
        yield f"{'fault':<{LABEL}}{_fault_marks(scenario, step_s, width)}".rstrip()
    acts = [event.t_s for event in events if event.rule == ACT]
    if acts:
        yield f"{'acts':<{LABEL}}{_marks(acts, step_s, width)}".rstrip()
    yield f"{'':<{LABEL}}{_axis(step_s, width)}"


def bars(good: np.ndarray, bad: np.ndarray, step_s: int) -> str:
    """A block a column, its height the share of good answers among those that ended."""
    text = ""
    for start in range(0, len(good), step_s):
        good_sum = float(good[start : start + step_s].sum())
        ended = good_sum + float(bad[start : start + step_s].sum())
        if ended <= 0.0:
            text += " "
            continue
        share = good_sum / ended
        # the full block is for (nearly) all good, the lowest for (nearly) none
        text += LEVELS[min(int(share * len(LEVELS)), len(LEVELS) - 1)] if share < 0.99 else "█"
    return text


def _fault_marks(scenario: Scenario, step_s: float, width: int) -> str:
    """A line while a fault lasts; an arrow where only an act ends it."""
    cells = [" "] * width
    for fault in scenario.faults:
        first = min(int(fault.start_s / step_s), width - 1)
        last = end_s(fault)
        if last == float("inf"):
            cells[first] = "▶"
            continue
        for place in range(first, min(int(np.ceil(last / step_s)), width)):
            cells[place] = "━" if cells[place] == " " else cells[place]
    return "".join(cells)


def _marks(times_s: Sequence[float], step_s: float, width: int) -> str:
    """▲ where something was done; a digit where more than once in a column."""
    counts = [0] * width
    for t_s in times_s:
        counts[min(int(t_s / step_s), width - 1)] += 1
    return "".join("▲" if n == 1 else str(min(n, 9)) if n else " " for n in counts)


def _axis(step_s: float, width: int) -> str:
    """Seconds below the columns, every twelve columns."""
    text = ""
    for place in range(0, width + 1, 12):
        text = text.ljust(place) + f"{place * step_s:.0f}"
    return f"{text} s"


def verdict_lines(scenario: Scenario, outcome: Outcome) -> Iterator[str]:
    """How it ended and what it cost."""
    slo = min(promise.availability for promise in scenario.slo.values())
    yield f"verdict       {outcome.verdict}; {recovery_text(scenario, outcome)}"
    yield (
        f"downtime      {three_digits(outcome.downtime_s)} s of full outage"
        f" ({three_digits(outcome.slo_violation_s)} s below the SLO of {100 * slo:g} %)"
    )
    yield f"availability  {100.0 * outcome.availability:.2f} %"
    restarts = f"{outcome.restarts:.0f} restart{'' if outcome.restarts == 1.0 else 's'}"
    yield f"disruption    {three_digits(outcome.disruption_s)} s by healing itself, {restarts}"


def recovery_text(scenario: Scenario, outcome: Outcome) -> str:
    """When the promise was kept again."""
    if outcome.slo_violation_s <= 0.0:
        return "never below its SLO"
    if not outcome.recovered:
        return f"not back within its SLO by the end ({scenario.horizon_s:.0f} s)"
    return f"back within its SLO after {three_digits(outcome.time_to_recover_s)} s"


def event_lines(events: Sequence[Event]) -> Iterator[str]:
    """What was decided, in order; the first few, if there are many."""
    if not events:
        yield "no breaker moved, nobody was found ill, nothing was done"
        return
    for event in events[:MOST_EVENTS]:
        yield f"{event.t_s:6.1f} s  {event.text}"
    if len(events) > MOST_EVENTS:
        yield f"… and {len(events) - MOST_EVENTS} more events (--json has them all)"
