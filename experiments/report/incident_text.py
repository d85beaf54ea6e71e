"""What the detectors say of a run, in words: where it began, whom it hurt, how long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from hms.experiments.report.numbers import three_digits

if TYPE_CHECKING:
    from hms.experiments.event_words import Event
    from hms.scenarios.detectors.blast_radius import Hurt
    from hms.scenarios.detectors.cascade import Cascade
    from hms.scenarios.detectors.examination import Examination
    from hms.scenarios.detectors.first_cause import Cause
    from hms.scenarios.model import Scenario
    from hms.scenarios.outcome import Outcome

SIGNS = {
    "gone": "replicas are gone",
    "errors": "errors of its own",
    "slow": "works more slowly",
    "stuck": "requests wait in it and it does not work on them",
    "refusing": "refuses although nobody queues",
    "lost": "calls never arrive",
    "late": "calls take longer on the way",
    "failing": "calls fail that the callee never failed",
    "load": "more requests arrive",
}
MOST_NAMES = 5


def examined(
    scenario: Scenario, outcome: Outcome, events: Sequence[Event] = ()
) -> Examination | None:
    """What the detectors say; None of a run without telemetry. They are told no fault."""
    from hms.scenarios.detectors.examination import Promise, examine

    if outcome.telemetry is None:
        return None
    promise = Promise(
        max(slo.availability for slo in scenario.slo.values()),
        max(slo.stable_for_s for slo in scenario.slo.values()),
    )
    noticed = [event.t_s for event in events]
    return examine(outcome.telemetry, promise, scenario.warm_up_s, noticed)


def incident_lines(found: Examination) -> Iterator[str]:
    """First cause, cascade, blast radius, times; nothing of a run in which nobody was ill."""
    if found.metastable is not None:
        state = found.metastable
        kept = " and ".join(state.sustained_by) or "itself"
        yield (
            f"METASTABLE    {100.0 * state.goodput_share:.0f} % goodput at the end though nothing"
            f" is wrong any more; kept up by {kept} (calls x {state.amplification:.2g})"
        )
    if found.cause is not None:
        yield f"first cause   {cause_text(found.cause)}"
    if found.cascade is not None and found.cascade.spread:
        yield f"cascade       {cascade_text(found.cascade)}"
    if found.blast.components:
        share = f"{len(found.blast.components)} of {found.blast.components_in_all}"
        yield f"blast radius  {share} components: {_listed(found.blast.components)}"
    for entry in found.blast.entries:
        yield (
            f"entry hurt    {entry.name} from {entry.since_s} s, {entry.for_s} s in all,"
            f" {entry.failed:.0f} requests not answered well"
        )
    if found.times is not None:
        yield f"times         {times_text(found)}"


def cause_text(cause: Cause) -> str:
    """`cartservice at 60 s: errors of its own`."""
    signs = ", ".join(SIGNS[sign] for sign in cause.signs)
    return f"{cause.name} at {cause.since_s} s: {signs}"


def cascade_text(cascade: Cascade) -> str:
    """Who was hurt in which order, and how far from the cause."""
    hits = [f"{hit.component} {hit.at_s} s" for hit in cascade.hits]
    calls = "call" if cascade.depth == 1 else "calls"
    return f"{cascade.depth} {calls} deep: {_cut(hits)}"


def times_text(found: Examination) -> str:
    """Detected, mitigated, recovered, from the first down second."""
    times = found.times
    if times is None:
        return "never down"
    said = [f"down at {times.down_at_s} s"]
    for word, never, after_s in (
        ("noticed", "nobody noticed", times.detect_s),
        ("promise first kept again", "never kept again", times.mitigate_s),
        ("for good", "not for good by the end", times.recover_s),
    ):
        said.append(never if after_s is None else f"{word} after {three_digits(after_s)} s")
    return ", ".join(said)


def incident_mapping(found: Examination) -> dict[str, Any]:
    """What `--json` prints."""
    from dataclasses import asdict

    blast = found.blast
    return {
        "first_cause": None if found.cause is None else asdict(found.cause),
        "cascade": None
        if found.cascade is None
        else {
            "depth": found.cascade.depth,
            "hits": [asdict(hit) for hit in found.cascade.hits],
        },
        "blast_radius": {
            "share": blast.share,
            "components": [asdict(row) for row in blast.components],
            "entries": [asdict(row) for row in blast.entries],
        },
        "metastable": None if found.metastable is None else asdict(found.metastable),
        "times": None if found.times is None else asdict(found.times),
    }


def _listed(rows: Sequence[Hurt]) -> str:
    return _cut([f"{row.name} {row.for_s} s" for row in rows])


def _cut(words: Sequence[str]) -> str:
    """The first few, and how many more."""
    rest = len(words) - MOST_NAMES
    return ", ".join(words[:MOST_NAMES]) + (f", and {rest} more" if rest > 0 else "")
