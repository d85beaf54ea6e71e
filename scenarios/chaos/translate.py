"""Chaos files as faults of a scenario, with a table of what got lost on the way."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from hms.documents import Problem
from hms.errors import ManifestError, ScenarioError
from hms.scenarios.chaos.context import Context, Entry, tidy
from hms.scenarios.chaos.experiment import Experiment, Injection
from hms.scenarios.chaos.loss import Ledger, Lost
from hms.scenarios.chaos.names_and_clocks import dns_chaos, time_chaos
from hms.scenarios.chaos.network import network_chaos
from hms.scenarios.chaos.pods import pod_chaos, stress_chaos
from hms.scenarios.chaos.timing import injections
from hms.scenarios.chaos.vocabulary import INEXPRESSIBLE
from hms.scenarios.chaos.web import http_chaos, virtual_service
from hms.scenarios.load import parse_scenario
from hms.scenarios.model import Scenario
from hms.scenarios.split import IncidentId, keyed_uniform
from hms.scenarios.write import scenario_to_mapping

START_S = 60.0
LATEST_START = 1.0 / 3.0  # of the horizon
STOP = 2.0 / 3.0  # of the horizon: schedules end there, so that a recovery can be seen
RECOVERY_S = 120.0
LONGEST_S = 3600.0
MOST_FAULTS = 2000
MOST_DELAY_MS = 6e5
_DELAYS = ("added_ms", "jitter_ms")

TRANSLATIONS: Mapping[str, Callable[[Injection, Context], Iterator[Entry]]] = {
    "PodChaos": pod_chaos,
    "StressChaos": stress_chaos,
    "NetworkChaos": network_chaos,
    "HTTPChaos": http_chaos,
    "DNSChaos": dns_chaos,
    "TimeChaos": time_chaos,
    "VirtualService": virtual_service,
}


@dataclass(frozen=True, slots=True)
class StruckScenario:
    """A scenario with the faults of chaos files.

    Attributes:
        scenario: the faults added, the horizon long enough to see them end and two minutes more.
        added: how many faults the files became.
        lost: what a scenario cannot say.
    """

    scenario: Scenario
    added: int
    lost: tuple[Lost, ...]


def with_chaos(
    scenario: Scenario, experiments: Sequence[Experiment], seed: str
) -> StruckScenario:
    """The faults of the experiments in a concrete scenario.

    Args:
        seed: of what a selector leaves to chance (mode `one`, `random-max-percent`, …).

    Raises:
        ManifestError: an experiment selects nothing, or nothing of the files can be expressed.
    """
    incident = IncidentId("simulate", "chaos", 0)
    ledger = Ledger()
    context = Context(scenario, lambda words: keyed_uniform(seed, incident, words), ledger)
    start_s = max(scenario.warm_up_s, min(START_S, scenario.horizon_s * LATEST_START))
    stop_s = max(start_s + 1.0, scenario.horizon_s * STOP)
    entries = merged(_entries(injections(experiments, start_s, stop_s, ledger), context))
    if len(entries) > MOST_FAULTS:
        what = f"more than {MOST_FAULTS:,} faults on this scenario"
        file = experiments[0].place.document.file
        raise ManifestError([Problem((), what, "fewer firings, or a selector of less")], file)
    if not entries and not ledger.spared:
        raise _nothing(ledger, experiments)
    longer = _long_enough(scenario, entries)
    data = scenario_to_mapping(longer)
    parsed, problems = parse_scenario({**data, "faults": [*data.get("faults", ()), *entries]})
    if parsed is None:
        raise ScenarioError(problems, "the faults of the chaos files")
    return StruckScenario(parsed, len(entries), tuple(ledger.rows))


def _entries(found: Iterable[Injection], context: Context) -> Iterator[Entry]:
    longest_s = max(LONGEST_S, context.scenario.horizon_s)
    for injection in found:
        if injection.kind in INEXPRESSIBLE:
            why = f"a scenario has no fault like {injection.kind}"
            context.ledger.lost(injection, (), injection.kind, why, "nothing is injected")
        elif injection.start_s >= longest_s:
            why = f"it starts at {injection.start_s:g} s"
            done = f"left out: a run lasts {longest_s:g} s at most"
            context.ledger.lost(injection, (), injection.kind, why, done)
        else:
            yield from TRANSLATIONS[injection.kind](injection, context)


def merged(entries: Iterable[Entry]) -> list[Entry]:
    """Faults of one kind on one target at one time as one: delays add up, shares combine.

    Two selected pods that call each other shape the same edge twice.
    """
    found: dict[str, Entry] = {}
    for entry in islice(entries, MOST_FAULTS + 1):
        same = ("kind", "target", "start_s", "duration_s", "until")
        key = repr([entry.get(name) for name in same])
        known = found.get(key)
        found[key] = entry if known is None else _both(known, entry)
    return [_within_limits(entry) for entry in found.values()]


def _within_limits(entry: Entry) -> Entry:
    """Ten minutes are longer than any time-out, and the most that a scenario says."""
    delays = {key: min(entry[key], MOST_DELAY_MS) for key in _DELAYS if key in entry}
    return entry | delays


def _both(one: Entry, other: Entry) -> Entry:
    both = dict(one)
    if one["kind"] == "latency":
        both["added_ms"] = tidy(one["added_ms"] + other["added_ms"])
        jitter_ms = math.hypot(one.get("jitter_ms", 0.0), other.get("jitter_ms", 0.0))
        both |= {"jitter_ms": tidy(jitter_ms)} if jitter_ms > 0.0 else {}
    elif "share" in one:
        both["share"] = tidy(1.0 - (1.0 - one["share"]) * (1.0 - other["share"]))
    elif "factor" in one:
        both["factor"] = tidy(one["factor"] * other["factor"])
    return both


def _long_enough(scenario: Scenario, entries: Sequence[Entry]) -> Scenario:
    """The scenario with a horizon that shows the last fault end and two minutes after it."""
    ends = (entry["start_s"] + entry.get("duration_s", 0.0) for entry in entries)
    last_s = max(ends, default=0.0)
    horizon_s = max(scenario.horizon_s, min(LONGEST_S, math.ceil(last_s + RECOVERY_S)))
    return replace(scenario, horizon_s=horizon_s)


def _nothing(ledger: Ledger, experiments: Sequence[Experiment]) -> ManifestError:
    """Why nothing of the files has an effect here."""
    rows = list(ledger.rows)
    file = experiments[0].place.document.file if experiments else ""
    problems: list[Any] = [
        Problem((), f"{row.experiment}: {row.field or 'all of it'}: {row.why}", line=row.line)
        for row in rows
        if row.file == file
    ]
    what = "nothing in it has an effect on this scenario"
    first = Problem((), what, "an experiment that can be expressed")
    return ManifestError([first, *problems], file)
