"""The `actors` engine: every decision taken by real agents, over the compiled physics.

A tick is one barrier: what the agents' edges and replicas showed goes to the hosts of those
agents that have something to decide, their grants and acts come back, the world flows on. The
jumps of the `fluid` engine are followed. Random numbers are drawn here, by the engine's own
keyed function, so that hosts need neither numba nor numpy. The event log must equal that of
the compiled run, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hms.agents.mac.agent import (
    AgentDescription,
    AgentInput,
    AgentOutput,
    CalleeSplit,
    EdgeDescription,
    EdgeInput,
    Jump,
    Split,
)
from hms.agents.mac.host import AgentHost, HostHandle, call_all
from hms.agents.policy.healing_policy import HealingPolicy
from hms.errors import InvariantBroken
from hms.scenarios.compile import CompiledScenario, engine_order
from hms.scenarios.draws import ACTING, EJECTION, JITTER, uniform
from hms.scenarios.engines.fluid import Physics
from hms.scenarios.event_log import RULE_NAMES
from hms.scenarios.model import Scenario
from hms.scenarios.outcome import Outcome
from hms.scenarios.policy_tables import tables
from hms.scenarios.where import component_where, edge_where

SLOTS = 4
RULES = {name: number for number, name in enumerate(RULE_NAMES)}


def replay(
    compiled: CompiledScenario,
    policy: HealingPolicy,
    scenario: Scenario,
    hosts: Sequence[HostHandle] | int = 1,
    *,
    fast_forward: bool = True,
    progress: Callable[[float], None] | None = None,
) -> tuple[Outcome, list[str]]:
    """Run one incident with real agents.

    Args:
        compiled: the scenario, compiled with a seed.
        policy: what every agent heals by.
        scenario: what `compiled` was made from.
        hosts: hosts that run already (`host.start_hosts`), or how many to keep in this
            process. Agents are dealt out in turn; any number gives the same result.
        fast_forward: jump over time in which nothing changes, as the engine does.
        progress: told the virtual time in seconds, once a control period.

    Returns:
        The outcome, and the lines of the event log.
    """
    handles = [AgentHost() for _ in range(hosts)] if isinstance(hosts, int) else list(hosts)
    physics = Physics(compiled, tables(policy, scenario), fast_forward=fast_forward)
    crew = Crew(physics, describe(scenario), handles)
    crew.place(policy)
    while not physics.done:
        control = physics.begin()
        crew.learn_splits()
        crew.decide(control)
        if control and progress is not None:
            progress(physics.clock * float(physics.state.world["dt"][0]))
        physics.advance()
        ticks = physics.jump_ticks()
        if ticks > 0:
            crew.jump(ticks)
            physics.jump(ticks)
    outcome = physics.finish(crew.numbers())
    return outcome, outcome.events


def describe(scenario: Scenario) -> list[AgentDescription]:
    """The agents of a scenario, in the engine's order: one for each component but clients."""
    names, edges = engine_order(scenario)
    found: list[AgentDescription] = []
    for index, name in enumerate(names):
        component = scenario.components.get(name)
        if component is None or component.kind == "client":
            continue
        own = tuple(
            EdgeDescription(k, e.callee, edge_where(e, scenario.components[e.callee]))
            for k, e in enumerate(edges)
            if e.caller == name
        )
        where = component_where(component)
        found.append(
            AgentDescription(
                index, name, where["kind"], where["criticality"], where["level"], own
            )
        )
    return found


@dataclass(slots=True)
class Crew:
    """All agents of one run, on their hosts, in step with the physics.

    Args:
        physics: the world.
        agents: in the engine's order; each one's edges follow one another.
        hosts: where they run; agent number i on host i modulo the number of hosts.
    """

    physics: Physics
    agents: Sequence[AgentDescription]
    hosts: Sequence[HostHandle]
    _happened: dict[int, list[Split | CalleeSplit | Jump]] = field(default_factory=dict)

    def place(self, policy: HealingPolicy) -> None:
        """Put the agents on their hosts."""
        mapping = policy.to_mapping()
        shares = [list(self.agents[i :: len(self.hosts)]) for i in range(len(self.hosts))]
        call_all(self.hosts, "place", [(share, mapping) for share in shares])
        self._happened = {agent.index: [] for agent in self.agents}

    def learn_splits(self) -> None:
        """Groups of replicas were split: their agents and their callers are to know."""
        for component, slot, new in self.physics.take_splits():
            for agent in self.agents:
                if agent.index == component:
                    self._happened[component].append(Split(slot, new))
                for own, edge in enumerate(agent.edges):
                    if self.physics.state.edges["callee"][edge.index] == component:
                        self._happened[agent.index].append(CalleeSplit(own, slot, new))

    def jump(self, ticks: int) -> None:
        """The physics is about to jump; agents are told with their next tick."""
        dt = float(self.physics.state.world["dt"][0])
        before_s, after_s = self.physics.clock * dt, (self.physics.clock + ticks) * dt
        steady = self.physics.steady.tolist()
        for agent in self.agents:
            own = [steady[edge.index] for edge in agent.edges]
            self._happened[agent.index].append(Jump(before_s, after_s, own))

    def decide(self, control: bool) -> None:
        """One tick of all agents that have something to decide."""
        due = set(self.physics.due_edges().tolist())
        seen = {
            agent.index: self._seen(agent, due, control)
            for agent in self.agents
            if control or any(edge.index in due for edge in agent.edges)
        }
        answers = self._ask(seen)
        for agent in self.agents:
            if agent.index in answers:
                self._apply(agent, answers[agent.index])
        self._log(answers)

    def numbers(self) -> list[float]:
        """Every number of the agents' states: all edges, then all components."""
        self._ask({agent.index: self._seen(agent, set(), False) for agent in self.agents})
        states: dict[int, tuple[list[float], list[float]]] = {}
        for each in call_all(self.hosts, "states", [()] * len(self.hosts)):
            states.update(each)
        edges = [number for agent in self.agents for number in states[agent.index][0]]
        return edges + [number for agent in self.agents for number in states[agent.index][1]]

    def _seen(self, agent: AgentDescription, due: set[int], control: bool) -> AgentInput:
        state, tick = self.physics.state, self.physics.clock
        seed = int(state.world["seed"][0])
        edges = [
            self._edge_seen(own, edge.index, seed, tick)
            for own, edge in enumerate(agent.edges)
            if edge.index in due
        ]
        slots = None
        u = 0.0
        if control:
            first = agent.index * SLOTS
            slots = state.slot_observations[first : first + SLOTS].tolist()
            u = float(uniform(seed, agent.index, tick, ACTING))
        happened, self._happened[agent.index] = self._happened[agent.index], []
        return AgentInput(happened, edges, slots, u)

    def _edge_seen(self, own: int, edge: int, seed: int, tick: int) -> EdgeInput:
        observed = self.physics.edge_observations[edge].item()
        u = float(uniform(seed, edge, tick, JITTER))
        if not self.physics.breaker_parameters["scope"][edge]:
            return EdgeInput(own, observed, u, None, 0.0)
        outlier = self.physics.outlier_observations[edge]
        row = tuple(outlier[name].tolist() for name in outlier.dtype.names)
        return EdgeInput(own, observed, u, row, float(uniform(seed, edge, tick, EJECTION)))

    def _ask(self, seen: dict[int, AgentInput]) -> dict[int, AgentOutput]:
        """One barrier over the hosts that have work."""
        batches: dict[int, list[tuple[int, AgentInput]]] = {}
        for place, agent in enumerate(self.agents):
            if agent.index in seen:
                share = batches.setdefault(place % len(self.hosts), [])
                share.append((agent.index, seen[agent.index]))
        tick, dt = self.physics.clock, float(self.physics.state.world["dt"][0])
        busy = [self.hosts[host] for host in batches]
        calls = [(tick, tick * dt, dt, batch) for batch in batches.values()]
        answers: dict[int, AgentOutput] = {}
        try:
            told = call_all(busy, "step", calls)
        except InvariantBroken as error:  # a laboratory stops and names seed, tick and component
            seed = int(self.physics.state.world["seed"][0])
            raise error.in_run(f"seed {seed}, tick {tick}") from error
        for batch, outputs in zip(batches.values(), told, strict=True):
            for (index, _), output in zip(batch, outputs, strict=True):
                answers[index] = output
        return answers

    def _apply(self, agent: AgentDescription, answer: AgentOutput) -> None:
        for own, row in answer.grants:
            self.physics.edge_grants[agent.edges[own].index] = row
        for own, row in answer.outlier_grants:
            self.physics.outlier_grants[agent.edges[own].index] = row
        if answer.act is not None:
            self.physics.acts[agent.index] = answer.act

    def _log(self, answers: dict[int, AgentOutput]) -> None:
        """Events in the engine's order: edges first, then components."""
        told = [answers[agent.index] for agent in self.agents if agent.index in answers]
        for answer in told:
            for entity, rule, before, after in answer.edge_events:
                self.physics.log(entity, RULES[rule], before, after)
        for answer in told:
            for entity, rule, before, after in answer.own_events:
                self.physics.log(entity, RULES[rule], before, after)
