"""What the request engine and SimPy are timed on: a queue, Online Boutique, trees of services.

A request is served for an exponential time on one of a service's cores, first come first served,
then calls the services below one after the other. A call waits at most its time-out, then is made
once more; work that was given up is still done; a call that failed twice fails its caller.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hms.scenarios.model import Scenario

ATTEMPTS = 2
LOAD = 0.3
"""Above it a tree with time-outs and retries may collapse by itself: unequal work."""
SERVICE_S = 0.005
PATIENT_S = 1e6
BOUTIQUE = {
    "frontend": (
        "adservice", "cartservice", "checkoutservice", "currencyservice",
        "productcatalogservice", "recommendationservice", "shippingservice",
    ),
    "cartservice": ("redis-cart",),
    "recommendationservice": ("productcatalogservice",),
    "checkoutservice": (
        "cartservice", "currencyservice", "emailservice", "paymentservice",
        "productcatalogservice", "shippingservice",
    ),
}  # fmt: skip
TWO_CORES = ("frontend", "productcatalogservice")


@dataclass(frozen=True, slots=True)
class Tree:
    """Services that call each other.

    Attributes:
        cores: by service; the first one is called by the client.
        calls: by service: whom it calls, in order, and the time-out in seconds.
        rate_rps: of the client.
        visits: services visited by a request, if nothing is retried.
    """

    cores: dict[str, int]
    calls: dict[str, tuple[tuple[str, float], ...]]
    rate_rps: float
    visits: int

    @property
    def entry(self) -> str:
        """Whom the client calls."""
        return next(iter(self.cores))

    def scenario(self, requests: int) -> Scenario:
        """The same for our engine, for so many requests in the mean."""
        from hms.scenarios.model import Component, Edge, Scenario, Slo, Workload

        parts = {"client": Component("client", kind="client")}
        for name, cores in self.cores.items():
            parts[name] = Component(
                name, cores=cores, workers=10**9, queue_limit=10**9, service_time_s=SERVICE_S,
                self_restart="none",
            )  # fmt: skip
        edges = [Edge("client", self.entry, timeout_s=PATIENT_S, network_s=0.0)]
        for caller, called in self.calls.items():
            edges += [Edge(caller, each, timeout_s=s, network_s=0.0) for each, s in called]
        load = (Workload(self.entry, "client", rate_rps=self.rate_rps),)
        slo = {self.entry: Slo(latency_s=PATIENT_S)}
        horizon_s = requests / self.rate_rps
        return Scenario("bench", horizon_s, 0.0, slo, load, parts, tuple(edges))


def queue() -> Tree:
    """M/M/1 at load .8."""
    return Tree({"server": 1}, {}, 0.8 / SERVICE_S, 1)


def online_boutique() -> Tree:
    """Eleven services, 17 visits a request."""
    names = list(dict.fromkeys([*BOUTIQUE, *(each for own in BOUTIQUE.values() for each in own)]))
    cores = {name: 2 if name in TWO_CORES else 1 for name in names}
    return _timed(cores, {name: BOUTIQUE.get(name, ()) for name in names}, 2.2)


def random_tree(services: int, seed: int = 1) -> Tree:
    """A random recursive tree; each request visits every service once, time-outs are long."""
    rng = random.Random(seed)
    names = [f"s{i}" for i in range(services)]
    below: dict[str, list[str]] = {name: [] for name in names}
    for i in range(1, services):
        below[names[rng.randrange(max(0, i // 3 - 2), max(1, i // 2))]].append(names[i])
    cores = {name: 1 + i % 2 for i, name in enumerate(names)}
    return _timed(cores, {name: tuple(own) for name, own in below.items()}, 8.0)


def _timed(
    cores: dict[str, int], below: dict[str, tuple[str, ...]], patience: float
) -> Tree:
    """Rate for the load, and time-outs: `patience` times what a callee's work usually takes."""
    visits = dict.fromkeys(cores, 0)
    work_s: dict[str, float] = {}

    def walk(name: str) -> float:
        visits[name] += 1
        work_s[name] = SERVICE_S + sum(walk(each) for each in below[name])
        return work_s[name]

    walk(next(iter(cores)))
    rate_rps = LOAD / max(visits[name] * SERVICE_S / cores[name] for name in cores)
    calls = {
        name: tuple((each, patience * (0.011 + work_s[each] / (1.0 - LOAD))) for each in own)
        for name, own in below.items()
    }
    return Tree(cores, calls, rate_rps, sum(visits.values()))


def in_simpy(tree: Tree, requests: int, seed: int = 1) -> str:
    """The same in SimPy: mean time of the answered, calls too late of a thousand."""
    import simpy

    env, rng = simpy.Environment(), random.Random(seed)
    cores = {name: simpy.Resource(env, count) for name, count in tree.cores.items()}
    times: list[float] = []
    told = {"calls": 0, "late": 0}

    def visit(name: str) -> Generator[Any, Any, bool]:
        with cores[name].request() as core:
            yield core
            yield env.timeout(rng.expovariate(1.0 / SERVICE_S))
        for callee, timeout_s in tree.calls.get(name, ()):
            for _ in range(ATTEMPTS):
                told["calls"] += 1
                done = env.process(visit(callee))
                expiry = env.timeout(timeout_s)
                yield done | expiry
                if done.triggered:
                    break
                told["late"] += 1
            if not (done.triggered and done.value):
                return False
        return True

    def request() -> Generator[Any, Any, None]:
        began_s = env.now
        well = yield env.process(visit(tree.entry))
        if well:
            times.append(env.now - began_s)

    def arrive() -> Generator[Any, Any, None]:
        for _ in range(requests):
            env.process(request())
            yield env.timeout(rng.expovariate(tree.rate_rps))

    env.process(arrive())
    env.run()
    return answer(sum(times) / len(times), told["late"], told["calls"])


def answer(mean_s: float, late: int, calls: int) -> str:
    """What both compute."""
    return f"{1e3 * mean_s:.1f} ms, {1e3 * late / max(calls, 1):.1f} late of 1000"
