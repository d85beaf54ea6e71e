"""From the identity of an incident to its scenario: a sane system with a failure in place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hms.scenarios.families import FAMILIES
from hms.scenarios.generator.composed import COMPOSED, compose
from hms.scenarios.generator.frozen_split import HELD_OUT, Identity, keyed_uniform
from hms.scenarios.generator.sane import is_healthy
from hms.scenarios.generator.single import draw_fault, targets
from hms.scenarios.generator.systems import draw_system
from hms.scenarios.model import Range

if TYPE_CHECKING:
    from hms.scenarios.model import Scenario

START_S = Range(45.0, 90.0)
MOST_DRAWS = 50
EVERY_FAMILY = (*FAMILIES, *COMPOSED)
GUESSED = ("quantity ", "service time ", "startup ", "calls ", "busy")
"""What draws of guessed quantities begin with; the rest says what breaks, where and when."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One incident.

    Attributes:
        rejected: systems drawn before it that were not well at their load, or that the family
            could not strike.
        seed: of the engine's own random numbers.
    """

    identity: Identity
    scenario: Scenario
    rejected: int
    seed: int


def draw_incident(
    identity: Identity, seed: str, held_out: str = "", width: float = 1.0
) -> Drawn:
    """The incident of this identity.

    Args:
        seed: the experiment's.
        held_out: `held_out_seed(...)`, which a test incident needs and no other takes.
        width: of the ranges of guessed quantities, a share around their middles, 0 to 1; the
            failure stays the same.

    Raises:
        ValueError: a test incident without the seed of a frozen policy, or another with one; or
            no sane system came of fifty draws.
        KeyError: no such family or topology.
    """
    if (identity.part in HELD_OUT) != bool(held_out):
        which = "needs" if identity.part in HELD_OUT else "takes no"
        raise ValueError(f"{identity} {which} held_out_seed(...) of a frozen policy")
    for attempt in range(MOST_DRAWS):
        scenario = _attempt(identity, held_out or seed, attempt, width)
        if scenario is not None and is_healthy(scenario):
            engine_seed = int(keyed_uniform(held_out or seed, identity, "engine") * 2.0**53)
            return Drawn(identity, scenario, attempt, engine_seed)
    raise ValueError(f"{identity}: no sane system in {MOST_DRAWS} draws")


def _attempt(identity: Identity, seed: str, attempt: int, width: float) -> Scenario | None:
    def u(purpose: str) -> float:
        drawn = keyed_uniform(seed, identity, f"{attempt} {purpose}")
        if width == 1.0 or not purpose.startswith(GUESSED):
            return drawn
        return 0.5 + width * (drawn - 0.5)

    system = replace(draw_system(identity.topology, u), name=_name(identity))
    start_s = START_S.at(u("start"))
    family = identity.family
    if family in COMPOSED:
        return compose(system, family, start_s, u) if COMPOSED[family].can(system) else None
    if not targets(system, family):
        return None
    return replace(system, faults=(draw_fault(system, start_s, family, None, u),))


def _name(identity: Identity) -> str:
    return f"{identity.topology}-{identity.family}-{identity.index}"
