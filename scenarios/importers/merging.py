"""Joins what several sources found: the surer one wins, and what they disagree on is listed.

Manifests say replicas and limits, traces say calls and times. Sureness goes stated > measured >
derived > guessed (`scenarios/provenance.py`); of equally sure ones the first source wins, in the
order of `ORDER`. Names are those of the first source, since that is what a team deploys.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from hms.scenarios.importers.findings import (
    Conflict,
    Fact,
    Findings,
    FoundComponent,
    FoundEdge,
    Place,
    listed,
)
from hms.scenarios.importers.names import Match, match_names
from hms.scenarios.provenance import DERIVED, SURE_LEVELS

ORDER = ("kubernetes", "compose", "istio", "graph", "traces", "jaeger")
"""Formats, those first that say what is deployed and under what name."""

_OBSERVED = ("traces", "jaeger")


def merged(sources: Sequence[tuple[str, Findings]]) -> Findings:
    """One Findings of all sources; each is a format's name and what was found.

    The findings are used up.
    """
    ordered = sorted(sources, key=lambda source: ORDER.index(source[0]))
    base_format, base = ordered[0]
    for format_name, other in ordered[1:]:
        _join(base, base_format, other, format_name)
    return base


def surer(one: Place, other: Place) -> bool:
    """Whether `other` is strictly surer."""
    return SURE_LEVELS.index(other.sureness) < SURE_LEVELS.index(one.sureness)


def _join(base: Findings, base_format: str, other: Findings, format_name: str) -> None:
    matches, new = match_names(list(other.components), base.components)
    for name in new:
        base.components[name] = other.components[name]
    if new and base.components.keys() - new:
        base.say(f"only {format_name} knows {listed(new)}")
    for match in matches.values():
        _say_match(base, base_format, format_name, match)
        for name in match.components:
            _add_component(base, name, other.components[match.name])
    means = {name: match.components for name, match in matches.items()}
    unseen = _unseen(base, means, new)
    for edge in other.edges.values():
        for placed in _placed(base, edge, means):
            unseen.discard((placed.caller, placed.callee))
            _add_edge(base, placed)
    if format_name in _OBSERVED and unseen:
        names = [f"{caller} -> {callee}" for caller, callee in sorted(unseen)]
        base.say(f"not seen in the {format_name}, though both ends were: {listed(names)}")
    base.settings += other.settings
    base.mesh += other.mesh
    for note in other.said:
        base.say(note)


def _say_match(base: Findings, base_format: str, format_name: str, match: Match) -> None:
    """What was joined, unless the names are the same."""
    if match.components == (match.name,):
        return
    rule = f" ({match.rule}{'; sure: guessed' if match.sure else ''})" if match.rule else ""
    means = listed(match.components)
    base.joined.append(f"`{match.name}` of {format_name} is {means} of {base_format}{rule}")


def _add_component(base: Findings, name: str, other: FoundComponent) -> None:
    """The other source's facts of a component, where they are surer or new."""
    own = base.components[name]
    own.exposed = own.exposed or other.exposed
    own.hosts |= other.hosts | {other.name}
    own.labels = {**other.labels, **own.labels}
    own.image = own.image or other.image
    for port, protocol in other.protocols.items():
        own.protocols.setdefault(port, protocol)
    _take(base, f"component {name}", own.facts, other.facts)
    _take(base, f"component {name}", own.probes, other.probes)


def _add_edge(base: Findings, other: FoundEdge) -> None:
    """The other source's facts of an edge; its place where that is surer."""
    own = base.edges.get((other.caller, other.callee))
    if own is None:
        callee = base.components[other.callee]
        other.protocol = other.protocol or callee.protocols.get(0, "")
        base.add_edge(other)
        return
    where = f"edge {own.caller} -> {own.callee}"
    if own.protocol and other.protocol and own.protocol != other.protocol:
        stated = "http" if other.protocol in ("http", "https") else other.protocol
        if stated != own.protocol:
            base.conflicts.append(
                _conflict(where, "protocol", own.protocol, own.place, other.protocol, other.place)
            )
    own.protocol = own.protocol or other.protocol
    own.purpose = own.purpose and other.purpose
    if surer(own.place, other.place):
        own.place = other.place
    _take(base, where, own.facts, other.facts)


def _take(base: Findings, where: str, own: dict[str, Fact], others: dict[str, Fact]) -> None:
    """Facts of another source; a value that differs is a conflict, whoever wins."""
    for key, fact in others.items():
        known = own.get(key)
        if known is None:
            own[key] = fact
            continue
        wins = surer(known.place, fact.place)
        kept, left = (fact, known) if wins else (known, fact)
        if not _same(known.value, fact.value):
            base.conflicts.append(
                _conflict(where, key, kept.value, kept.place, left.value, left.place)
            )
        own[key] = kept


def _same(one: object, other: object) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-9)
    return one == other


def _conflict(
    where: str, key: str, kept: object, kept_at: Place, left: object, left_at: Place
) -> Conflict:
    return Conflict(f"{key} of {where}", _told(kept, kept_at), _told(left, left_at))


def _told(value: object, place: Place) -> str:
    line = f":{place.line}" if place.line else ""
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{shown} ({place.sureness}, {place.file}{line})"


def _placed(
    base: Findings, edge: FoundEdge, means: dict[str, tuple[str, ...]]
) -> Iterable[FoundEdge]:
    """An edge under the base's names; calls of a Service are shared by what is behind it."""
    callers = means.get(edge.caller, (edge.caller,))
    callees = means.get(edge.callee, (edge.callee,))
    for caller in callers:
        for callee in callees:
            share = _share(base, callee, callees)
            facts = dict(edge.facts)
            if "calls" in facts and len(callees) > 1:
                calls = facts["calls"]
                place = replace(calls.place, sure=DERIVED)
                facts["calls"] = Fact(round(calls.value * share, 6), place)
            yield FoundEdge(caller, callee, edge.place, edge.protocol, facts, edge.purpose)


def _share(base: Findings, name: str, group: Sequence[str]) -> float:
    """A component's share of the replicas of a group."""

    def replicas(each: str) -> float:
        fact = base.components[each].facts.get("replicas") if each in base.components else None
        return float(fact.value) if fact else 1.0

    return replicas(name) / sum(replicas(each) for each in group)


def _unseen(
    base: Findings, means: dict[str, tuple[str, ...]], new: Iterable[str]
) -> set[tuple[str, str]]:
    """Edges known so far whose ends the other source knows both."""
    seen = {name for group in means.values() for name in group} | set(new)
    return {key for key, edge in base.edges.items() if {*key} <= seen and not edge.purpose}
