"""Which failures a proof runs, as orders that any process draws for itself, and their drawing.

An order is small and says everything: parts, identity, seed. Whoever draws it gets the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hms.experiments.proof.places import Place
from hms.scenarios.generator import frozen_split as frozen
from hms.scenarios.generator.frozen_split import FROZEN, Identity, held_out_seed
from hms.scenarios.split import HELD_OUT, NEVER_TRAINED, TRAIN, IncidentId, keyed_uniform

if TYPE_CHECKING:
    from hms.scenarios.compile import CompiledScenario
    from hms.scenarios.model import Scenario

APART_SHARE = 0.25
"""Failures of each part that is reported apart, as a share of those that the gate judges."""


@dataclass(frozen=True, slots=True)
class Order:
    """One failure to be drawn.

    Attributes:
        place: which of the proof's places; -1 for the frozen split.
        incident: its identity.
        seed: of its draws.
        width: of the guessed quantities' ranges, a share around their middles.
        probe: draw the system only, and let one component answer wrongly (breakers.py).
    """

    place: int
    incident: IncidentId | Identity
    seed: str
    width: float = 1.0
    probe: bool = False

    @property
    def part(self) -> str:
        """The set it belongs to."""
        inside = self.incident
        return inside.part if isinstance(inside, Identity) else inside.split

    @property
    def family(self) -> str:
        """Of its fault."""
        return self.incident.family

    def system(self, places: Sequence[Place]) -> str:
        """Name of its system."""
        inside = self.incident
        return inside.topology if isinstance(inside, Identity) else places[self.place].name


def held_out_orders(
    places: Sequence[Place], policy_sha256: str, seed: str, look: int, count: int
) -> dict[str, list[Order]]:
    """The held-out failures of a frozen policy, by part; the first part is the gate's.

    Args:
        seed: of the frozen split's; places have their own.
        look: from 1; each draws other failures.
        count: failures that the gate judges; each part told apart has a quarter of it.
    """
    apart = max(1, round(count * APART_SHARE))
    if places:
        seeds = [
            held_out_seed(place.split_sha256, policy_sha256, place.seed, look - 1)
            for place in places
        ]
        found = {HELD_OUT: list(_planned(places, seeds, HELD_OUT, count))}
        if any(place.failures.never_trained for place in places):
            found[NEVER_TRAINED] = list(_planned(places, seeds, NEVER_TRAINED, apart))
        return found
    drawn = held_out_seed(FROZEN.sha256, policy_sha256, seed, look - 1)
    return {
        part: [
            Order(-1, identity, drawn)
            for identity in FROZEN.incidents(part, count if part == frozen.TEST else apart)
        ]
        for part in frozen.HELD_OUT
    }


def training_orders(places: Sequence[Place], seed: str, count: int) -> list[Order]:
    """Failures that may be trained on, for more runs to look for breaches in."""
    if places:
        return list(_planned(places, [place.seed for place in places], TRAIN, count))
    return [Order(-1, identity, seed) for identity in FROZEN.incidents(frozen.TRAIN, count)]


def narrowed(orders: Sequence[Order], width: float) -> list[Order]:
    """The same failures where the guessed quantities are known better."""
    return [replace(order, width=width) for order in orders]


def _planned(
    places: Sequence[Place], seeds: Sequence[str], split: str, count: int
) -> Iterator[Order]:
    """`count` failures, places in turn, each with its families in turn."""
    able = []
    for at, place in enumerate(places):
        plan = place.failures
        families = plan.never_trained if split == NEVER_TRAINED else plan.families
        if families:
            able.append((at, families))
    for number in range(count):
        at, families = able[number % len(able)]
        turn = number // len(able)
        incident = IncidentId(split, families[turn % len(families)], turn // len(families))
        yield Order(at, incident, seeds[at])


def drawn(order: Order, places: Sequence[Place]) -> tuple[Scenario, CompiledScenario]:
    """The system with the failure in place, and the same compiled."""
    from hms.experiments.proof.breakers import probe_of
    from hms.scenarios.compile import compile_scenario

    scenario, engine_seed = _scenario(order, places)
    if order.probe:
        scenario = probe_of(scenario)
    return scenario, compile_scenario(scenario, engine_seed)


def _scenario(order: Order, places: Sequence[Place]) -> tuple[Scenario, int]:
    from hms.scenarios.generate import draw_failures
    from hms.scenarios.generator.incidents import draw_incident

    incident = order.incident
    if isinstance(incident, Identity):
        held_out = order.seed if incident.part in frozen.HELD_OUT else ""
        found = draw_incident(incident, order.seed, held_out, order.width)
        return found.scenario, found.seed
    place = places[order.place]
    system = place.scenario
    if order.width != 1.0 and place.failures.quantities == "drawn":
        system = system.drawn(
            lambda path: (
                0.5 + order.width * (keyed_uniform(order.seed, incident, f"quantity {path}") - 0.5)
            )
        )
    scenario = draw_failures(
        system, place.failures, incident.split, incident.family, incident.index, order.seed
    )
    return scenario, incident.seed(order.seed)
