"""A request of the request engine on one core, beside SimPy, and a visit's cost by system size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from typing import Any

from hms.experiments.bench.figure import Figure, median_of
from hms.experiments.bench.request_models import (
    ATTEMPTS,
    Tree,
    answer,
    in_simpy,
    online_boutique,
    queue,
    random_tree,
)
from hms.experiments.bench.size import Size
from hms.experiments.bench.timing import Taken, in_turn

GROUP = "request"
NANOSECONDS = 1e9
OURS_QUEUE, OURS_TREE = 400_000, 60_000
SIMPY_QUEUE, SIMPY_TREE = 20_000, 3_000
SIZES = {10: 100_000, 100: 10_000, 1_000: 2_000}
SMALLER = 20
"""Times fewer requests where only looked whether it works."""


def measure(size: Size) -> list[Figure]:
    """CPU time, seeds alike in all rounds; each figure the median of its rounds."""
    share = 1 if size.rounds > 1 else SMALLER
    models = {"queue": queue(), "tree": online_boutique()}
    works: dict[str, Callable[[], Any]] = {
        "queue": ours(models["queue"], OURS_QUEUE // share),
        "tree": ours(models["tree"], OURS_TREE // share),
        "guarded": ours(models["tree"], OURS_TREE // share, breaker=True),
        "queue in SimPy": partial(in_simpy, models["queue"], SIMPY_QUEUE // share),
        "tree in SimPy": partial(in_simpy, models["tree"], SIMPY_TREE // share),
    }
    for count, requests in SIZES.items():
        works[f"{count} services"] = ours(random_tree(count), max(requests // share, 10))
    in_turn({"queue": works["queue"]}, 1)  # compiles or loads
    taken = in_turn(works, size.rounds)
    counts = {"queue": SIMPY_QUEUE // share, "tree": SIMPY_TREE // share}
    return [
        *_beside("queue", "M/M/1", taken, counts, 100.0, 70.0),
        *_beside("tree", "Online Boutique", taken, counts, 3_300.0, 60.0),
        *_rates(taken),
        *_growth(taken),
    ]


def ours(tree: Tree, requests: int, *, breaker: bool = False) -> Callable[[], Any]:
    """A run of our engine, prepared."""
    from hms.agents.policy.healing_policy import HealingPolicy
    from hms.scenarios.compile import compile_scenario
    from hms.scenarios.engines.request.engine import run
    from hms.scenarios.policy_tables import tables

    retry = {"max_attempts": ATTEMPTS, "base_s": 0.0, "budget_kind": "none"}
    told = {"schema": "hms.policy/1", "retry": retry, "breaker": {"enabled": breaker}}
    policy, problems = HealingPolicy.parse(told)
    if policy is None:
        raise ValueError(f"the bench's policy is refused: {problems}")
    scenario = tree.scenario(requests)
    return partial(run, compile_scenario(scenario, 1), tables(policy, scenario))


def _ns(taken: Sequence[Taken]) -> list[float]:
    """A request of ours, by round."""
    return [each.cpu_s / each.answer.arrived * NANOSECONDS for each in taken]


def _told(taken: Sequence[Taken]) -> str:
    outcome = taken[0].answer
    calls = [counts for (caller, _), counts in outcome.calls.items() if caller != "client"]
    mean_s = next(iter(outcome.mean_latency_s.values()))
    return answer(mean_s, sum(c["late"] for c in calls), sum(c["made"] for c in calls))


def _beside(
    name: str, title: str, taken: dict[str, list[Taken]], counts: dict[str, int], goal_ns: float,
    goal_times: float,
) -> list[Figure]:
    """Ours, SimPy's, and how often the one goes into the other."""
    mine, peer = taken[name], taken[f"{name} in SimPy"]
    mine_ns = _ns(mine)
    peer_ns = [each.cpu_s / counts[name] * NANOSECONDS for each in peer]
    times = median(peer_ns) / median(mine_ns)
    return [
        median_of(
            GROUP, f"{title}: a request", mine_ns, "ns", clock="cpu", goal=goal_ns,
            answer=_told(mine),
        ),
        median_of(
            GROUP, f"{title}: SimPy's", peer_ns, "ns", clock="cpu", ours=median(mine_ns),
            answer=str(peer[0].answer),
        ),
        Figure(
            GROUP, f"{title}: times SimPy", times, "x", "cpu", floor=25.0, goal=goal_times,
            more_is_better=True,
        ),
    ]  # fmt: skip


def _rates(taken: dict[str, list[Taken]]) -> list[Figure]:
    """Logical events: arrive, start, finish, call, answer."""

    def rates(name: str) -> list[float]:
        return [each.answer.logical_events / each.cpu_s / 1e6 for each in taken[name]]

    return [
        median_of(
            GROUP, "logical events, Online Boutique", rates("tree"), "M/s", clock="cpu",
            floor=10.0, goal=25.0, more_is_better=True,
        ),
        median_of(
            GROUP, "the same with a breaker an edge", rates("guarded"), "M/s", clock="cpu",
            more_is_better=True, answer=_told(taken["guarded"]),
        ),
    ]  # fmt: skip


def _growth(taken: dict[str, list[Taken]]) -> list[Figure]:
    """What a visit costs where there are many services."""
    figures = []
    ns = {}
    for count in SIZES:
        rounds = taken[f"{count} services"]
        values = [each.cpu_s / _visits(each.answer) * NANOSECONDS for each in rounds]
        ns[count] = median(values)
        figures.append(
            median_of(
                GROUP, f"a visit, {count:,} services", values, "ns", clock="cpu",
                answer=_told(rounds),
            )
        )  # fmt: skip
    growth = ns[max(SIZES)] / ns[min(SIZES)]
    figures.append(Figure(GROUP, "its growth, 10 to 1,000 services", growth, "x", "cpu", floor=2.5))
    return figures


def _visits(outcome: Any) -> float:
    return float(sum(each["arrived"] for each in outcome.visits.values()))
