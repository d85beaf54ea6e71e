"""The runtime's optimiser: incidents of one component in, a better policy for them out.

`python -m hms.experiments.optimizer` reads a question as JSON and writes the answer, so that it
is a process of its own, within a limit of processor time that the system keeps. It builds a
small model of the component (its callers, two replicas, what it calls), lets the failures that
it had happen there again at other times and strengths, evolves from the policy in force, and
proposes what it found only if that was better on failures the search never saw.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hms.agents.healing.learning.incidents import Incident, incident_from_json
from hms.agents.healing.learning.optimizer import Budget, Proposal
from hms.agents.policy.healing_policy import HealingPolicy
from hms.errors import HmsError, MissingError, PolicyError

if TYPE_CHECKING:
    from hms.evolution.statistics import Interval
    from hms.experiments.simulation import Case
    from hms.scenarios.model import Fault, Scenario

SEED = "optimizer"
COMPONENT, DEPENDENCY, CALLERS = "component", "dependency", "callers"
POPULATION, INCIDENTS_PER_GENOME = 12, 8
TRAINED, HELD_OUT = 16, 24  # cases; each incident is varied until there are so many
COMPARED_SHARE = 0.2  # of the budget, for the comparison on held-out failures
NICENESS = 10  # added to the process' own
SAVES_AT_LEAST = 2.0  # seconds of downtime for each second of disruption that is added
FAMILIES: Mapping[str, str] = {
    "errors": "error",
    "slow": "slow",
    "saturated": "load_spike",
    "memory": "memory_leak",
    "unresponsive": "hang",
    "dependency": "error",
    "flapping": "crash",
    "custom": "error",
}
"""Which failure of the model stands for a kind of issue."""


@dataclass(frozen=True, slots=True)
class LabOptimizer:
    """Implements the runtime's port `Optimizer` in this process."""

    seed: str = SEED

    def propose(
        self, incidents: Sequence[Incident], policy: HealingPolicy, budget: Budget
    ) -> Proposal | None:
        """A policy that ends such incidents sooner; None if none was found.

        Raises:
            MissingError: the lab is not installed.
            ValueError: there is no incident to learn from.
        """
        if not incidents:
            raise ValueError("no incidents to learn from")
        try:
            import numba  # noqa: F401 - everything below needs it
        except ImportError as error:
            raise MissingError(f"the lab is not installed: {error}") from error
        from hms.evolution.backends import SerialBackend
        from hms.experiments.plan import Prices
        from hms.experiments.simulation import simulate_pairs

        topology = model_of(incidents)
        sets = {
            name: drawn_cases(topology, incidents, count, f"{self.seed} {name}")
            for name, count in (("train", TRAINED), ("held_out", HELD_OUT))
        }
        backend = SerialBackend(
            {name: [case for case, _ in cases] for name, cases in sets.items()},
            simulate_pairs(Prices()),
        )
        families = {name: [family for _, family in cases] for name, cases in sets.items()}
        found = self._searched(backend, policy, budget, tuple(families["train"]))
        kinds = {kind for each in incidents for kind in (each.issue, *each.symptoms)}
        candidate = only_what_was_seen(policy, found, kinds)
        return self._compared(backend, policy, candidate, families["held_out"])

    def _searched(
        self, backend: Any, policy: HealingPolicy, budget: Budget, families: tuple[str, ...]
    ) -> HealingPolicy:
        from hms.evolution.search import evolve
        from hms.evolution.settings import SearchSettings

        settings = SearchSettings(
            incidents=int(budget.incidents * (1.0 - COMPARED_SHARE)),
            families=families,
            population=POPULATION,
            incidents_per_genome=INCIDENTS_PER_GENOME,
            start_from=("ladder", "random"),
        )
        result = evolve(settings, backend, self.seed, start=[policy])
        return result.finalists(1)[0].policy

    def _compared(
        self, backend: Any, held: HealingPolicy, candidate: HealingPolicy, families: list[str]
    ) -> Proposal | None:
        """The proposal, if it is better on failures that the search never saw."""
        from hms.evolution.objectives import column
        from hms.evolution.statistics import paired_bootstrap

        rows = backend.evaluate([held, candidate], range(len(families)), "held_out")
        down_s = rows[:, :, column("downtime_s")]
        disrupted_s = rows[:, :, column("disruption_s")].mean(axis=1)
        difference = paired_bootstrap(down_s[1], down_s[0], families, seed=self.seed)
        added_s = float(disrupted_s[1] - disrupted_s[0])
        if difference.high >= 0.0 or added_s * SAVES_AT_LEAST > -difference.mean:
            return None
        means = (float(down_s[0].mean()), float(down_s[1].mean()))
        return Proposal(candidate, evidence_of(difference, *means, len(families)))


def only_what_was_seen(
    held: HealingPolicy, found: HealingPolicy, kinds: Collection[str]
) -> HealingPolicy:
    """The policy in force with the found ladders for the issues that there were.

    What the model does not show is not changed by it: edges, time-outs, limits, ladders that
    nothing has tried, and when something counts as an illness (it has no false alarms).
    """
    ladders = {kind: ladder for kind, ladder in found.recovery.items() if kind in kinds}
    recovery = {**held.recovery, **ladders}
    return HealingPolicy({"made_by": "optimizer"}, held.groups, recovery, held.overrides)


def evidence_of(
    difference: Interval, held_s: float, found_s: float, failures: int
) -> dict[str, Any]:
    """Why the proposal is thought better."""
    says = (
        f"{found_s:.1f} s down instead of {held_s:.1f} on {failures} failures that the search "
        f"never saw: {difference.mean:+.1f} s [{difference.low:.1f}, {difference.high:.1f}]"
    )
    return {
        "held_down_s": held_s,
        "proposed_down_s": found_s,
        "difference_s": difference.mean,
        "low_s": difference.low,
        "high_s": difference.high,
        "failures": failures,
        "says": says,
    }


def model_of(incidents: Sequence[Incident]) -> Scenario:
    """Callers, two replicas of the component, and one dependency, at the load it had."""
    from hms.scenarios.load import parse_scenario

    seen_rps = max((each.worst.get("throughput_rps", 0.0) for each in incidents), default=0.0)
    scenario, problems = parse_scenario({
        "schema": "hms.scenario/1",
        "name": "component",
        "sources": {"us": {"file": "incidents", "sure": "derived"}},
        "horizon_s": 120,
        "warm_up_s": 5,
        "slo": {COMPONENT: {"availability": 0.99, "latency_ms": 800, "stable_for_s": 10}},
        "workload": [{
            "entry": COMPONENT, "client": CALLERS, "kind": "constant",
            "rate_rps": min(max(seen_rps, 5.0), 100.0),
        }],
        "defaults": {
            "component": {
                "workers": 16, "queue_limit": 64, "service_time_ms": 5, "service_cv": 1.0,
                "startup_s": 5, "self_restart": "none", "criticality": "normal",
                "level": "full", "cores": 1, "memory_mb": 60, "memory_limit_mb": 128,
            },
            "edge": {
                "calls": 1, "mode": "sequential", "need": "hard", "network_ms": 1,
                "timeout_ms": 500, "cancel_on_timeout": False, "on_cut": "queue",
            },
        },
        "components": {
            CALLERS: {"kind": "client"},
            COMPONENT: {"replicas": 2},
            DEPENDENCY: {"kind": "store", "replicas": 2, "service_time_ms": 2},
        },
        "edges": {
            f"{CALLERS} -> {COMPONENT}": {"protocol": "http", "timeout_ms": 2000},
            f"{COMPONENT} -> {DEPENDENCY}": {"protocol": "tcp"},
        },
        "faults": [],
    })  # fmt: skip
    if scenario is None:
        raise HmsError("; ".join(str(each) for each in problems))
    return scenario


def drawn_cases(
    topology: Scenario, incidents: Sequence[Incident], count: int, seed: str
) -> list[tuple[Case, str]]:
    """So many failures like these, each with its family; the newest incidents come first."""
    from hms.experiments.simulation import Case
    from hms.scenarios.compile import compile_scenario
    from hms.scenarios.split import IncidentId, keyed_uniform

    cases = []
    for index in range(count):
        incident = incidents[-1 - index % len(incidents)]
        family = FAMILIES[incident.issue]
        identity = IncidentId("train", family, index)

        def u(purpose: str, identity: IncidentId = identity) -> float:
            return keyed_uniform(seed, identity, purpose)

        struck = replace(topology, faults=(fault_of(incident, family, u),))
        cases.append((Case(compile_scenario(struck, identity.seed(seed)), topology), family))
    return cases


def fault_of(incident: Incident, family: str, u: Any) -> Fault:
    """What happened, at another time and strength.

    It ends by itself after about as long as the incident lasted; where a restart is known to
    have helped, and where nothing else could, only a restart ends it.
    """
    from hms.scenarios.model import Fault

    restarted = any(
        act.action == "Restarted" and act.verdict == "effective" for act in incident.acts
    )
    lasted_s = 60.0 if incident.ended_s is None else incident.ended_s - incident.began_s
    strength = 0.7 + 0.6 * u("strength")
    where: str | None = DEPENDENCY if incident.issue == "dependency" else COMPONENT
    only_a_restart = restarted and family in ("error", "slow")
    only_a_restart = only_a_restart or family in ("memory_leak", "hang", "crash")
    parameters = {
        "error": {"share": worst_share(incident, strength)},
        "slow": {"factor": 8.0 * strength},
        "load_spike": {"factor": 2.5 * strength},
        "memory_leak": {"mb_per_s": 1.5 * strength},
    }.get(family, {})
    return Fault(
        kind=family,
        component=None if family == "load_spike" else where,
        replicas=0 if family == "load_spike" or u("all") < 0.5 else 1,
        start_s=10.0 + 20.0 * u("start"),
        duration_s=math.inf if only_a_restart else min(max(lasted_s * strength, 10.0), 60.0),
        until="restart" if only_a_restart else "",
        parameters=parameters,
    )


def worst_share(incident: Incident, strength: float) -> float:
    """Share of errors that it had at worst, varied; never below what anybody would notice."""
    seen = incident.worst.get("error_rate_percent", 50.0) / 100.0
    return min(max(seen * strength, 0.1), 1.0)


def read_question(text: str) -> tuple[list[Incident], HealingPolicy, Budget]:
    """What the runtime asks.

    Raises:
        PolicyError: the policy is none.
        ValueError: not a question.
    """
    told = json.loads(text)
    incidents = [incident_from_json(data) for data in told["incidents"]]
    policy, problems = HealingPolicy.parse(told["policy"])
    if policy is None:
        raise PolicyError(problems)
    return incidents, policy, Budget(**told["budget"])


def limit_processor_time(cpu_s: float) -> None:
    """Let the component go first, and have the system end this process when so much is spent."""
    import resource

    os.nice(NICENESS)
    whole = math.ceil(cpu_s)
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole + 5))
    for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"


def main() -> int:
    """Read a question, write an answer; exit code 3: the lab is not installed."""
    incidents, policy, budget = read_question(sys.stdin.read())
    limit_processor_time(budget.cpu_s)
    try:
        proposal = LabOptimizer().propose(incidents, policy, budget)
    except MissingError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    answer = {
        "policy": None if proposal is None else proposal.policy.to_mapping(sparse=True),
        "evidence": {} if proposal is None else dict(proposal.evidence),
    }
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
