"""What is measured on: the demo's incidents, under the stacks it compares with."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from hms.scenarios.split import SplitSizes

if TYPE_CHECKING:
    from hms.agents.policy.healing_policy import HealingPolicy
    from hms.experiments.plan import ExperimentPlan
    from hms.experiments.simulation import Case
    from hms.scenarios.model import Scenario

EXPERIMENT = "online-boutique"
STACKS = ("platform", "envoy", "ladder")  # idle decisions, breakers and retries, all acts


@dataclass(frozen=True, slots=True)
class Demo:
    """Training incidents of the demo, in turn by family.

    Attributes:
        families: the fault family of each case.
    """

    plan: ExperimentPlan
    topology: Scenario
    cases: list[Case]
    families: tuple[str, ...]
    policies: list[HealingPolicy]


def load_demo(incidents: int) -> Demo:
    """The first training incidents of the demo, compiled."""
    from hms.evolution.baselines import load
    from hms.experiments.plan_file import load_plan
    from hms.experiments.scenario_sets import compile_sets
    from hms.scenarios.generate import list_incidents
    from hms.scenarios.load import load_scenario

    plan = load_plan(EXPERIMENT)
    if plan.topology.scenario is None:
        raise ValueError(f"the shipped experiment {EXPERIMENT} names no scenario file")
    topology = load_scenario(plan.topology.scenario, plan.topology.overlays)
    wanted = list_incidents(plan.failures, SplitSizes(incidents, 0, 0, 0))
    *_, sets = compile_sets(topology, plan.failures, islice(wanted, incidents), plan.seed)
    train = sets["train"]
    policies = [load(name).policy for name in STACKS]
    return Demo(plan, topology, train.cases, train.families, policies)
