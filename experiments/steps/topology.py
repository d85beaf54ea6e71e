"""Step 1: the system, and the stacks to compare with.

The system is a scenario file with overlays, or imported from manifests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hms.experiments.job import Job
from hms.experiments.steps.inputs import write_inputs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hms.evolution.baselines import Baseline
    from hms.experiments.plan import ExperimentPlan
    from hms.scenarios.model import Scenario


def read_topology(job: Job) -> str:
    """Set `job.topology`, `job.baselines` and `job.footnotes`."""
    job.topology, said = load_topology(job.plan)
    for line in said:
        job.progress.say(line)
    stacks = dict(_ready_stacks(job))
    job.baselines = {name: stack.policy for name, stack in stacks.items()}
    job.footnotes = {name: stack.footnote for name, stack in stacks.items() if stack.footnote}
    write_inputs(job)
    job.progress.advance(1.0)
    return described(job.topology)


def _ready_stacks(job: Job) -> Iterator[tuple[str, Baseline]]:
    """The stacks to compare with that need no search; the others come later."""
    from hms.evolution.baselines import (
        LAST_CHAMPION,
        ORACLE,
        TODAY,
        TUNED,
        last_champion,
        load,
        today_policy,
    )

    for name in job.plan.compare.stacks(job.budget.incidents):
        if name in (ORACLE, *TUNED):
            continue
        if name == LAST_CHAMPION:
            champion = last_champion()
            if champion is None:
                job.progress.say(f"no {LAST_CHAMPION} to compare with: none ships yet")
            else:
                yield name, champion
        else:
            yield name, today_policy(job.topology) if name == TODAY else load(name)


def load_topology(plan: ExperimentPlan) -> tuple[Scenario, Sequence[str]]:
    """The plan's system with its overlays, and what an import has to say about it."""
    from hms.scenarios.importers.assemble import Labels
    from hms.scenarios.importers.read import import_scenario
    from hms.scenarios.load import load_scenario

    where = plan.topology
    if where.scenario is not None:
        return load_scenario(where.scenario, where.overlays), ()
    imported = import_scenario(where.importer, where.manifests, Labels(plan.name), where.overlays)
    return imported.scenario, imported.said


def described(topology: Scenario) -> str:
    """`12 components, 11 with an agent, 16 edges`."""
    components = topology.components.values()
    agents = sum(component.kind != "client" for component in components)
    return f"{len(components)} components, {agents} with an agent, {len(topology.edges)} edges"
