"""What is measured on: incidents of the demo's experiment, under the ladder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hms.agents.policy.healing_policy import HealingPolicy
    from hms.experiments.plan import ExperimentPlan
    from hms.experiments.scenario_sets import ScenarioSet
    from hms.scenarios.model import Scenario

EXPERIMENT = "online-boutique"
STACK = "ladder"  # every kind of decision is in use: breakers, retries, all acts
BUDGET = "small"


@dataclass(frozen=True, slots=True)
class Demo:
    """The shipped experiment, its system and a policy that uses all there is."""

    plan: ExperimentPlan
    topology: Scenario
    policy: HealingPolicy

    def drawn(self, split: str, most: int) -> ScenarioSet:
        """The first incidents of a set of the small budget, families in turn, compiled."""
        from hms.experiments.scenario_sets import compile_sets
        from hms.scenarios.generate import list_incidents

        sizes = self.plan.budgets[BUDGET].sizes
        wanted = [one for one in list_incidents(self.plan.failures, sizes) if one.split == split]
        drawing = compile_sets(self.topology, self.plan.failures, wanted[:most], self.plan.seed)
        *_, found = drawing
        return found[split]


def load_demo() -> Demo:
    """The demo as it ships."""
    from hms.errors import MissingError
    from hms.evolution.baselines import load
    from hms.experiments.plan_file import load_plan
    from hms.scenarios.load import load_scenario

    plan = load_plan(EXPERIMENT)
    if plan.topology.scenario is None:
        raise MissingError(f"the shipped experiment {EXPERIMENT} names no scenario file")
    topology = load_scenario(plan.topology.scenario, plan.topology.overlays)
    return Demo(plan, topology, load(STACK).policy)
